"""What happens when: the pure, frozen declaration of a scenario.

A scenario is a sequence of phases. A phase lasts a while, offers load (an open arrival process or a number
of closed users) and may carry faults, each placed on the phase's own timeline. Nothing here does any I/O,
imports Locust or knows which faults exist: `harness.planning` checks a fault's kind and settings against the
registry of faults. Numbers and truth values are taken as they are: neither `true` nor `"1"` is a number.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

NAME_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=40)]
Title = Annotated[str, Field(max_length=200)]
Question = Annotated[str, Field(max_length=1000)]
Whole = Annotated[int, Field(strict=True)]
Number = Annotated[float, Field(strict=True)]
Flag = Annotated[bool, Field(strict=True)]
AS_RECORDED = {"recorded": True}
"""Context of a validation: the declaration was recorded, perhaps by a later version that knows more words."""
LONGEST_WORD = 40


def _or_later(value: object, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> object:
    """A word that is not known is an error in a plan; in a record it is one of a later version."""
    try:
        return handler(value)
    except ValidationError:
        if info.context == AS_RECORDED and isinstance(value, str) and len(value) <= LONGEST_WORD:
            return value
        raise


Behaviour = Annotated[
    Literal[
        "reader",
        "prober",
        "mixed",
        "teller",
        "crowded-teller",
        "bookkeeper",
        "follower",
        "holder",
        "idler",
        "late-idler",
        "troubled",
        "raiser",
        "slow-asker",
        "far-asker",
        "long-holder",
        "slow-caller",
        "browser",
        "hot-reader",
        "reporter",
        "visitor",
        "locustfile",
        "load-shape",
    ],
    WrapValidator(_or_later),
]
WRITING = frozenset({"teller", "crowded-teller", "bookkeeper", "follower", "mixed"})
"""Behaviours with writes that bear a token, so that a history can tell one from another."""
WITH_A_MEMORY = frozenset({"bookkeeper"})
"""Behaviours in which what a user does depends on what it has done: only closed users have a past."""
OF_LOCUSTFILES = frozenset({"locustfile", "load-shape"})
"""Behaviours of users who are not ours."""
WITH_A_SHAPE = "load-shape"
"""The behaviour of users whose number a locustfile's own LoadTestShape says: `users` is the most."""
Scalar = int | float | str | bool

MOST_PHASES = 200
MOST_FAULTS = 100
"""In one phase."""
MOST_SETTINGS = 50
MOST_WAIT_S = 3600
"""That a client waits for an answer, or a trial for its last requests."""


def _pool_setting(value: Any) -> Any:
    if not isinstance(value, int | float):
        raise ValueError("a pool setting is a number, true or false")
    return value


def _fault_setting(value: Any) -> Any:
    if not isinstance(value, int | float | str):
        raise ValueError("a fault's setting is a number, a text, true or false")
    return value


PoolOverrides = Annotated[
    Mapping[str, Annotated[int | float | bool, BeforeValidator(_pool_setting)]], Field(max_length=MOST_SETTINGS)
]


class Declaration(BaseModel):
    """Base of every declaration: frozen, and a field that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Arrivals(Declaration):
    """An open workload: requests arrive whether or not earlier ones were answered.

    `rate_per_s` is the mean arrival rate. A constant process spaces arrivals evenly, a Poisson process
    exponentially. A ramp goes linearly from `rate_per_s` to `to_rate_per_s` over the phase; steps go there in
    `steps` stretches of equal length and constant rate, the first at `rate_per_s`, the last at `to_rate_per_s`.
    """

    process: Annotated[Literal["constant", "poisson", "ramp", "step"], WrapValidator(_or_later)] = "constant"
    rate_per_s: Number = Field(gt=0, le=100_000)
    to_rate_per_s: Number | None = Field(default=None, gt=0, le=100_000)
    steps: Whole | None = Field(default=None, ge=2, le=1000)

    @model_validator(mode="after")
    def _ramps_and_steps_have_an_end(self) -> Self:
        if self.process not in ("constant", "poisson", "ramp", "step"):
            return self  # a later version's: what belongs to it is not known
        if (self.process in ("ramp", "step")) != (self.to_rate_per_s is not None):
            raise ValueError("to_rate_per_s belongs to a ramp or step, and these need it")
        if (self.process == "step") != (self.steps is not None):
            raise ValueError("steps belongs to a step process, and that needs it")
        return self

    @property
    def is_even(self) -> bool:
        """Whether as much is offered all the time."""
        return self.process in ("constant", "poisson")

    def describe(self) -> str:
        """A short phrase for reports, such as `50/s constant`."""
        if self.to_rate_per_s is not None:
            how = f"in {self.steps} steps" if self.steps else self.process
            return f"{self.rate_per_s:g} to {self.to_rate_per_s:g}/s {how}"
        return f"{self.rate_per_s:g}/s {self.process}"


PRIMARY_LINK = "primary-link"
"""The part that faults are done to unless they say otherwise: the link between a target and its database."""
REPLICA_LINK = "replica-link"
"""The link between a target and its replica."""
REPLICATION_LINK = "replication-link"
"""The link on which the replica gets the primary's log: what is slow on it makes the replica late."""


class FaultSpec(Declaration):
    """A fault on a phase's timeline: injected `at_s` into the phase and healed `duration_s` later.

    `part` names what it is done to, a part of the environment (`harness.environment.parts`).
    """

    kind: Annotated[str, Field(max_length=40)]
    part: Name = PRIMARY_LINK
    at_s: Number = Field(ge=0)
    duration_s: Number = Field(gt=0)
    settings: Annotated[
        Mapping[str, Annotated[Scalar, BeforeValidator(_fault_setting)]], Field(max_length=MOST_SETTINGS)
    ] = Field(default_factory=dict)

    @property
    def ends_at_s(self) -> float:
        """When the fault is to be healed, in seconds from the start of its phase."""
        return self.at_s + self.duration_s


class Phase(Declaration):
    """A stretch of one load. Exactly one of `arrivals` (open) and `users` (closed) is given.

    `behaviour` names what a request or user does: one of `scenarios.users`, or `locustfile`, the users of a
    locustfile of one's own. A warm-up phase is run and recorded but left out of every comparison.
    """

    name: Name
    duration_s: Number = Field(gt=0, le=24 * 3600)
    arrivals: Arrivals | None = None
    users: Whole | None = Field(default=None, ge=1, le=10_000)
    behaviour: Behaviour = "mixed"
    warmup: Flag = False
    faults: tuple[FaultSpec, ...] = Field(default=(), max_length=MOST_FAULTS)

    @model_validator(mode="after")
    def _load_is_open_or_closed(self) -> Self:
        if (self.arrivals is None) == (self.users is None):
            raise ValueError(f"phase {self.name!r} needs either arrivals or users, not both and not neither")
        return self

    @model_validator(mode="after")
    def _arrivals_have_no_past(self) -> Self:
        if self.arrivals is not None and self.behaviour in WITH_A_MEMORY:
            raise ValueError(
                f"phase {self.name!r} of {self.behaviour!r} needs users, not arrivals: each goes by what it did"
            )
        return self

    @model_validator(mode="after")
    def _faults_lie_inside(self) -> Self:
        healed_at_s: dict[str, float] = {}
        for fault in sorted(self.faults, key=lambda fault: fault.at_s):
            if fault.ends_at_s > self.duration_s + 1e-9:
                raise ValueError(
                    f"fault {fault.kind!r} lasts until {fault.ends_at_s:g} s, outside its phase {self.name!r} "
                    f"of {self.duration_s:g} s; shorten it or lengthen the phase"
                )
            if fault.at_s < healed_at_s.get(fault.part, 0.0):
                raise ValueError(
                    f"fault {fault.kind!r} starts at {fault.at_s:g} s in phase {self.name!r}, before the fault "
                    f"ahead of it on {fault.part!r} is healed at {healed_at_s[fault.part]:g} s; move it"
                )
            healed_at_s[fault.part] = fault.ends_at_s
        return self

    def describe_load(self) -> str:
        """A short phrase for reports, such as `20 users` or `50/s constant`."""
        if self.arrivals:
            return self.arrivals.describe()
        return f"up to {self.users} users" if self.behaviour == WITH_A_SHAPE else f"{self.users} users"

    def scaled(self, factor: float) -> Phase:
        """The same phase with every duration, and every fault's place, multiplied by `factor`."""
        faults = tuple(
            fault.model_copy(
                update={"at_s": fault.at_s * factor, "duration_s": fault.duration_s * factor},
            )
            for fault in self.faults
        )
        return self.model_copy(update={"duration_s": self.duration_s * factor, "faults": faults})


_CheckKind = Literal[
    "no-errors-outside-faults",  # every request sent outside a fault window succeeds
    "recovers-within",  # limit: milliseconds from the healing of each fault to steady success
    "fails-fast",  # limit: milliseconds; p99 of failed requests inside `proxy-down` windows
    "exhausts",  # at some step of a ladder requests are refused or the pool is wholly checked out
    "money-is-conserved",  # the bank's total after the trial equals the total before it
    "no-leaked-connections",  # nothing is checked out after the load drained
    "sessions-at-base",  # no session is at work or in a transaction after it that was not so before the load
    "answers-unchanged",  # what is only read answers after the load as it did before
]
CheckKind = Annotated[_CheckKind, WrapValidator(_or_later)]


class Check(Declaration):
    """An expectation that the report evaluates; `limit` is in the unit that the kind names."""

    kind: CheckKind
    limit: Number | None = Field(default=None, ge=0, le=1e9)


class Scenario(Declaration):
    """What happens, and when; the same for every target.

    `pool` overrides pool settings of every target alike (names as in `targets.settings.PoolSettings`), so
    that a trial of seconds can show what a timeout of thirty would hide; reports name each override.
    Requests time out at the client after `request_timeout_s`; at most `in_flight_cap` run at once, shared equally
    by the load processes, and what the cap keeps back is counted. After the last phase, requests under way get
    `drain_s` to end.
    """

    name: Name
    title: Title
    question: Question
    phases: tuple[Phase, ...] = Field(min_length=1, max_length=MOST_PHASES)
    pool: PoolOverrides = Field(default_factory=dict)
    checks: tuple[Check, ...] = Field(default=(), max_length=50)
    request_timeout_s: Number = Field(default=10.0, ge=0.001, le=MOST_WAIT_S)
    in_flight_cap: Whole = Field(default=500, ge=1, le=50_000)
    drain_s: Number = Field(default=2.0, ge=0, le=MOST_WAIT_S)

    @model_validator(mode="after")
    def _phase_names_differ(self) -> Self:
        names = [phase.name for phase in self.phases]
        if twice := next((name for name, number in Counter(names).items() if number > 1), None):
            raise ValueError(f"phase {twice!r} is there twice in scenario {self.name!r}; give each its own name")
        if all(phase.warmup for phase in self.phases):
            raise ValueError(f"scenario {self.name!r} has nothing but warm-up; add a phase that counts")
        return self

    @property
    def duration_s(self) -> float:
        """Planned length of all phases, without the drain."""
        return sum(phase.duration_s for phase in self.phases)

    def scaled(self, factor: float) -> Scenario:
        """The same scenario, with every phase and fault `factor` times as long."""
        return self.model_copy(update={"phases": tuple(phase.scaled(factor) for phase in self.phases)})


def under_locust() -> bool:
    """Whether Locust loads this process's scenario files.

    Importing Locust patches the standard library, so a scenario file defines its user classes only where
    Locust has been imported already; the harness reads the same file for its declaration alone.
    """
    return "locust" in sys.modules
