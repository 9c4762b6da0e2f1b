"""What the gate is given: pairs of fresh processes of base and head, and what was seen of each side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reports.summary import LimitResult

ALL_ROUTES = "all"


class PhaseKind(StrEnum):
    """What a phase's load is for, which says what can be judged in it."""

    STEADY = "steady"  # well under capacity, no fault: no error is expected
    FAULTED = "faulted"  # a fault is in: errors are expected, and are compared
    SATURATING = "saturating"  # as much as the side bears: latency is queueing, so throughput is judged


@dataclass(frozen=True, slots=True)
class Stretch:
    """One phase of one scenario."""

    scenario: str
    phase: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a metric was read. A route is a request's name, or `all`."""

    target: str
    scenario: str = ""
    phase: str = ""
    route: str = ALL_ROUTES

    @property
    def name(self) -> str:
        """`target/scenario/phase/route`, without what is empty."""
        return "/".join(part for part in (self.target, self.scenario, self.phase, self.route) if part)


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Latencies of one population in milliseconds, from the intended send; None where there are too few."""

    p50_ms: float | None = None
    p99_ms: float | None = None
    p90_ms: float | None = None  # which no gate rules on: it is compared


@dataclass(frozen=True, slots=True)
class Observed:
    """One route (or all) in one phase on one side. `answers` are successes and failures together.

    `counts` are what one request costs (statements, checkouts, round trips, connects ...), more being worse.
    """

    requests: int
    errors: int = 0
    successes: Quantiles = Quantiles()
    answers: Quantiles = Quantiles()
    counts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recovery:
    """Time to recovery after a healing; `censored` where the phase ended first, and then it is the phase's end."""

    seconds: float
    bin_s: float
    censored: bool = False


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase on one side. `onset_step` is the ladder's first that exhausts the pool, its length if none did.

    `generator_late` is the harness's rule of lateness applied to this side's own generator, `late_limit_ms` the
    rule's bound; `generator_lag_ms` is how late starts were.
    """

    kind: PhaseKind
    routes: Mapping[str, Observed]
    offered_share: float = 1.0  # of the rate that was to be offered
    generator_late: bool = False
    generator_lag_ms: float | None = None
    late_limit_ms: float = 20.0
    cpu_ms_per_request: float | None = None
    throughput_per_s: float | None = None
    recovery: Recovery | None = None
    onset_step: int | None = None


@dataclass(frozen=True, slots=True)
class Breach:
    """What must never be: an acknowledged write that is absent, money made, a pool that was not drained."""

    name: str
    said: str
    scenario: str = ""


@dataclass(frozen=True, slots=True)
class Limited:
    """An absolute limit of the plan's, held against all that one side did under a scenario."""

    target: str
    scenario: str
    base: LimitResult
    head: LimitResult


@dataclass(frozen=True, slots=True)
class Slot:
    """One side of a pair, a fresh process. `lost` is why it has no figures; `crashed`, that it ended by itself."""

    configuration: str  # digest of all that must be equal, without the revision
    position: int = 0  # 0 for the side that was started first
    steal_share: float | None = None
    phases: Mapping[Stretch, Phase] = field(default_factory=dict)
    breaches: tuple[Breach, ...] = ()
    crashed: bool = False
    lost: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """Fresh processes of base and head of one target, measured at once. Pairs of one block share their number."""

    number: int
    target: str
    base: Slot
    head: Slot


@dataclass(frozen=True, slots=True)
class Measured:
    """A whole invocation. `fidelity_ms` is the bound within which poolstorm's own p50 can be trusted.

    A pair that could not be used may have been replaced by a further one with a number of its own, and stays.
    `broken_before` is why there are none at all: what was wrong with `head`, while its base was fine.
    """

    pairs_planned: int
    pairs: tuple[Pair, ...]
    seed: int
    fidelity_ms: float = 0.0
    broken_before: str = ""
    head: str = ""
    limits: tuple[Limited, ...] = ()
