"""Calibrations of made-up gates: the pairs of `tests.unit.reports.gate.support`, judged as real ones are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from harness.records import (
    CalibrationKind,
    CalibrationPlan,
    GateCalibration,
    GateDesign,
    GateOutcome,
    GateSide,
    Machine,
    Noise,
    Plant,
)
from reports.calibration.kept import KeptGate, kept_gate
from reports.gate.looks import Look
from reports.gate.model import Measured
from reports.gate.report import GateReport
from tests.unit.reports.gate.support import Change, look, measured, unchanged

HERE = Machine(platform="Linux x86_64", cpu_model="A processor", cpu_count=2, memory_mib=4000)
DESIGN = GateDesign(
    subject="sync-pool", scenarios=("gate",), pairs=(14, 14), load_digest="a" * 64, subject_digest="b" * 64
)
LATENCY = Plant(kind="latency", base_latency_ms=20, head_latency_ms=22)
STATEMENT = Plant(kind="statement", head="one-statement-more")


def plan(kind: CalibrationKind = CalibrationKind.AA, gates: int = 3, **changes: object) -> CalibrationPlan:
    """What is fixed before the first gate."""
    made = CalibrationPlan(
        calibration_id=f"{kind}-1",
        created_at=datetime(2026, 6, 1, tzinfo=UTC),
        kind=kind,
        gates=gates,
        seed=1,
        design=DESIGN,
        machine=HERE,
        python="CPython 3.12.3",
        poolstorm_version="0.1.0",
    )
    return made.model_copy(update=changes)


def outcome(number: int, verdict: str = "pass", **changes: object) -> GateOutcome:
    """How a gate ended."""
    return GateOutcome.model_validate(
        {"number": number, "seed": number, "verdict": verdict, "pairs": 14, "look": 1, "took_s": 60.0 * number}
        | changes
    )


def noise(metric: str, sigma: float, limit: float = 0.0953, floor: float = 0.0488, route: str = "all") -> Noise:
    """Of a ratio."""
    return Noise(
        name=f"sync-pool/gate/steady/{route}/{metric}", metric=metric, scale="log-ratio", sigma=sigma, mean=0.0,
        pairs=100, gates=7, floor=floor, limit=limit,
    )  # fmt: skip


def calibration(*outcomes: GateOutcome, of: CalibrationPlan | None = None, **changes: object) -> GateCalibration:
    """One that has come so far."""
    return GateCalibration(plan=of or plan(gates=len(outcomes)), outcomes=outcomes).model_copy(update=changes)


def kept(number: int, head: Change = unchanged, *, both: Change = unchanged, noise: float = 0.03) -> KeptGate:
    """A gate that was judged; `number` gives it noise of its own."""
    seen = measured(head, both=both, noise=noise)
    numbered = tuple(replace(pair, number=1000 * number + pair.number) for pair in seen.pairs)
    return kept_gate(number, replace(seen, pairs=numbered), report_of(seen), None, "18.0")


def report_of(seen: Measured) -> GateReport:
    """As of a gate's folder."""
    side = GateSide(name="sync-pool")
    return GateReport(
        run_id="gate-1",
        created_at=datetime(2026, 6, 1, tzinfo=UTC),
        took_s=240.0,
        poolstorm_version="0.1.0",
        machine=str(HERE),
        base=side,
        head=side,
        scenarios=("gate",),
        attempt=None,
        unfinished="",
        lacking=0,
        result=look(seen, Look.ONLY),
    )
