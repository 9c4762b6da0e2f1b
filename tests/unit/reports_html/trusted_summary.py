"""What a newer run adds to the example: intervals, noise floor, parts of the time, counts, round trips, ledger."""

from __future__ import annotations

from reports.summary import (
    Breakdown,
    Count,
    Counts,
    FaultSummary,
    HeldTimes,
    Intervals,
    Ledger,
    LedgerRow,
    NoiseFloor,
    PhaseInfo,
    PhaseResult,
    Ratio,
    RoundTripPoint,
    RoundTrips,
    ScenarioResult,
    Spread,
    Summary,
    TargetResult,
    TrialLine,
)
from tests.unit.reports_html.example_summary import TARGETS, example_summary

AGAIN = "sync-pool-again"
FLOOR = 1.1
TRIPS = {
    "sync-pool": 3.0,
    AGAIN: 3.01,
    "async-pool": 4.98,
    "no-pool": 6.97,
    "async-no-pool": 8.02,
    "recommended": 3.0,
}
LADDER_MS = (0.0, 4.0, 8.0, 16.0, 24.0)


def trusted_summary(repetitions: int = 3) -> Summary:
    """All targets and the control once more, all stock scenarios and a ladder of latencies."""
    plain = example_summary(TARGETS, repetitions=repetitions)
    scenarios = tuple(_scenario(scenario) for scenario in plain.scenarios)
    teaches = {**plain.run.targets, AGAIN: "How much two runs of one target differ."}
    return plain.model_copy(
        update={
            "run": plain.run.model_copy(update={"targets": teaches, "trials_invalid": 1}),
            "scenarios": (*scenarios, _round_trips(scenarios[0])),
        }
    )


def _scenario(scenario: ScenarioResult) -> ScenarioResult:
    targets = [_target(target) for target in scenario.targets]
    again = targets[0].model_copy(update={"target": AGAIN, "is_control": False, "repeats": targets[0].target})
    alike = Ratio(median=1.02, low=0.97, high=1.06, repetitions=3, noise=FLOOR, beyond_noise=False)
    again = again.model_copy(
        update={
            "phases": tuple(phase.model_copy(update={"p50_ratio": alike}) for phase in again.phases),
            "trials": (*again.trials, _invalid(scenario.name)),
        }
    )
    return scenario.model_copy(
        update={"targets": (*targets, again), "ledger": _ledger(), "noise": (_floor(scenario.phases[-1]),)}
    )


def _invalid(scenario: str) -> TrialLine:
    return TrialLine(
        id=f"{scenario}-again-r9",
        repetition=9,
        state="invalid",
        reason="the load generator was late: 7 % of its starts by more than 20 ms",
        advice="Lower the rate, or give it a processor of its own.",
        rules=("generator-late",),
    )


def _floor(phase: PhaseInfo) -> NoiseFloor:
    return NoiseFloor(
        phase=phase.name, operation="all", target=AGAIN, repeats="sync-pool", p50=FLOOR, p99=None, repetitions=3
    )


def _target(target: TargetResult) -> TargetResult:
    whole = [phase for phase in target.phases if phase.operation == "all"]
    return target.model_copy(
        update={
            "phases": tuple(_phase(phase) for phase in target.phases),
            "breakdowns": tuple(_breakdown(phase) for phase in target.phases if phase.success.count),
            "held": tuple(_held(phase) for phase in whole),
            "counts": _counts(target.target),
            "fault_summaries": tuple(_fault(target, phase) for phase in whole if _windows(target, phase)),
        }
    )


def _phase(phase: PhaseResult) -> PhaseResult:
    p50_ms = phase.success.p50_ms
    if p50_ms is None:
        return phase
    around = Spread(low=p50_ms * 0.9, high=p50_ms * 1.2, repetitions=3)
    ratio = phase.p50_ratio
    if ratio is not None:
        interval = Spread(low=ratio.low, high=ratio.high, repetitions=3)
        beyond = not 1 / FLOOR <= ratio.median <= FLOOR
        ratio = ratio.model_copy(update={"interval": interval, "noise": FLOOR, "beyond_noise": beyond})
    return phase.model_copy(
        update={
            "intervals": Intervals(p50_ms=around, success_share=Spread(low=0.9, high=1.0, repetitions=3)),
            "p50_ratio": ratio,
        }
    )


def _breakdown(phase: PhaseResult) -> Breakdown:
    mean_ms = phase.success.mean_ms or 0.0
    # 5 + 15 + 20 + 5 + 40 + 15 = 100 per cent of the mean
    return Breakdown(
        phase=phase.phase,
        operation=phase.operation,
        warmup=phase.warmup,
        requests=phase.success.count,
        believed_share=0.98,
        mean_ms=mean_ms,
        lag_ms=mean_ms * 0.05,
        queue_ms=mean_ms * 0.15,
        connect_ms=mean_ms * 0.20,
        ping_ms=mean_ms * 0.05,
        query_ms=mean_ms * 0.40,
        rest_ms=mean_ms * 0.15,
        mean_interval=Spread(low=mean_ms * 0.9, high=mean_ms * 1.1, repetitions=3),
    )


def _held(phase: PhaseResult) -> HeldTimes:
    return HeldTimes(
        phase=phase.phase,
        warmup=phase.warmup,
        of="held",
        repetitions=3,
        count=phase.success.count,
        p50_ms=2.0,
        p90_ms=3.0,
        p99_ms=4.5,
        max_ms=9.0,
    )


def _counts(target: str) -> Counts:
    pooled = "no-pool" not in target
    return Counts(
        requests=600,
        statements=Count(per_request=1.25, interval=Spread(low=1.25, high=1.25, repetitions=3)),
        checkouts=Count(per_request=1.0),
        opened=Count(per_request=0.02 if pooled else 1.0),
        pings=Count(per_request=1.0) if pooled else None,
        target_cpu_ms=Count(per_request=2.5, interval=Spread(low=2.2, high=2.9, repetitions=3)),
    )


def _windows(target: TargetResult, phase: PhaseResult) -> int:
    return sum(window.phase == phase.phase for window in target.faults)


def _fault(target: TargetResult, phase: PhaseResult) -> FaultSummary:
    windows = [window for window in target.faults if window.phase == phase.phase]
    known = sorted(window.recovery_ms for window in windows if window.recovery_ms is not None)
    lost, kept = sum(w.failure.count for w in windows), sum(w.success.count for w in windows)
    return FaultSummary(
        phase=phase.phase,
        kind=windows[0].kind,
        windows=len(windows),
        repetitions=len(windows),
        requests=sum(window.requests for window in windows),
        success=windows[0].success,
        failure=windows[0].failure,
        answered_inside=sum(window.answered_inside for window in windows),
        error_share=lost / (lost + kept),
        recovered=len(known),
        recovery_min_ms=min(known, default=None),
        recovery_median_ms=known[len(known) // 2] if known else None,
        recovery_max_ms=max(known, default=None),
        inject_late_max_ms=4.0,
        heal_late_max_ms=5.0,
    )


def _ledger() -> Ledger:
    names = (*TARGETS, AGAIN)
    allowed = {name: "no limit" if "no-pool" in name else "30" for name in names}
    return Ledger(
        targets=names,
        rows=(
            LedgerRow(name="connections allowed", values={**allowed}, differs=True),
            LedgerRow(name="server processes", values=dict.fromkeys(names, "1"), differs=False),
            LedgerRow(name="pool size", values={"sync-pool": "10", "no-pool": None}, differs=False),
        ),
    )


def _round_trips(like: ScenarioResult) -> ScenarioResult:
    """Two operations over five latencies: the second takes a round trip more."""
    return like.model_copy(
        update={
            "name": "round-trips",
            "title": "Round trips",
            "question": "How many times in a row does one request wait for the database?",
            "noise": (),
            "targets": tuple(
                target.model_copy(
                    update={
                        "faults": (),
                        "fault_summaries": (),
                        "round_trips": tuple(
                            _trips(operation, TRIPS[target.target] + more)
                            for operation, more in (("read-user", 0.0), ("transfer", 1.0))
                        ),
                    }
                )
                for target in like.targets
            ),
        }
    )


def _trips(operation: str, slope: float) -> RoundTrips:
    return RoundTrips(
        operation=operation,
        slope=slope,
        low=slope - 0.1,
        high=slope + 0.1,
        intercept_ms=3.5,
        points=tuple(
            RoundTripPoint(
                phase=f"latency-{latency_ms:g}-ms",
                repetition=repetition,
                latency_ms=latency_ms,
                p50_ms=3.5 + slope * latency_ms,
                requests=80,
            )
            for latency_ms in LADDER_MS
            for repetition in (1, 2, 3)
        ),
    )
