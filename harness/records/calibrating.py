"""What is known of a gate's errors: its calibration, and what of it a gate stands on."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from harness.records.base import FORMAT_VERSION, Count, Identity, Real, Record, Spent, Whole

CALIBRATION_FILE = "calibration.json"
CALIBRATION_FILES = (CALIBRATION_FILE, "calibration-power.json")
"""Names under which they lie beside a plan."""
CALIBRATION_FORMAT = "poolstorm-calibration"
GATES_DIR = "gates"
LOCK_FILE = ".lock"


class CalibrationKind(StrEnum):
    """What the sides of its gates are."""

    AA = "aa"  # the same thing: every loss that is found is a false alarm
    POWER = "power"  # something is planted in the head: every gate that does not find it is a miss


class Machine(Record):
    """What noise depends on; `memory_mib` is told, and not compared."""

    platform: str
    cpu_model: str
    cpu_count: Whole
    cpu_limit: Real | None = None
    memory_mib: Whole = 0

    def is_like(self, other: Machine) -> bool:
        """Whether figures of the one may be expected of the other."""
        return self.model_copy(update={"memory_mib": other.memory_mib}) == other

    def __str__(self) -> str:
        return f"{self.cpu_model}, {self.cpu_count} cores"


class GateDesign(Record):
    """What error rates hold for: the load, how many pairs, and of what. Digests are SHA-256, in hexadecimal."""

    subject: str  # name of the base
    scenarios: tuple[str, ...]
    pairs: tuple[Whole, ...]
    load_digest: str  # of the scenarios as declared, the pairs, and who puts the load on
    subject_digest: str  # of how the base is started, without its revision and the values of its variables


class Plant(Record):
    """What the head was given that the base had not."""

    kind: Literal["latency", "statement"]
    base_latency_ms: Count = 0
    head_latency_ms: Count = 0
    head: str = ""  # the twin with one statement more a request


class CalibrationPlan(Record):
    """All that is fixed before the first gate."""

    calibration_id: Identity
    created_at: datetime
    kind: CalibrationKind
    gates: Whole
    seed: Count
    design: GateDesign
    revision: str | None = None  # of which both sides are built, where they are built
    plant: Plant | None = None
    acceptances: tuple[str, ...] = ()
    machine: Machine
    python: str
    packages: dict[str, str] = Field(default_factory=dict)
    poolstorm_version: str
    poolstorm_revision: str | None = None


class GateOutcome(Record):
    """How one gate ended. `planted` and `achieved` are ms a request, or statements a request."""

    number: Whole
    seed: Count
    verdict: str
    worse: tuple[str, ...] = ()  # what was found worse
    pairs: Count
    look: Whole
    took_s: Spent
    steal_share: Real | None = None
    shift: Real | None = None  # mean of ln(p50 of head / p50 of base) over all requests
    planted: Real | None = None
    achieved: Real | None = None
    proved: bool | None = None  # whether what was planted was there


class Noise(Record):
    """How much a metric's difference varies from pair to pair where nothing, or the same, is different."""

    name: str  # `target/scenario/phase/route/metric`
    metric: str
    scale: str
    sigma: Spent
    low: Spent | None = None  # bounds of sigma, 95 %, over gates; None of too few
    high: Spent | None = None
    mean: Real
    pairs: Count
    gates: Count
    floor: Spent
    limit: Spent | None = None


class GateCalibration(Record):
    """`calibration.json`: what was fixed, and what came of it so far."""

    format: Literal["poolstorm-calibration"] = "poolstorm-calibration"
    version: Whole = FORMAT_VERSION
    plan: CalibrationPlan
    begun_anew: Count = 0  # gates that were interrupted before they had a verdict
    outcomes: tuple[GateOutcome, ...] = ()
    noise: tuple[Noise, ...] = ()
    family: Count = 0  # the most figures that any of its gates tested together

    @property
    def is_finished(self) -> bool:
        """Whether every gate that was planned is there; before that no bound is claimed."""
        return len(self.outcomes) == self.plan.gates


class StandsOn(Record):
    """A calibration as a gate names it."""

    calibration_id: Identity
    kind: CalibrationKind
    where: Literal["given", "beside the plan", "shipped"]
    created_at: datetime
    machine: Machine
    same_machine: bool
    plant: Plant | None = None
    gates: Count  # planned
    done: Count
    found: Count  # gates in which the head was found worse
    inconclusive: Count
    invalid: Count
    noise: tuple[Noise, ...] = ()
    family: Count = 0
