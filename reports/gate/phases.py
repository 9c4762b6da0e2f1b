"""Metrics of a whole phase: processor time, throughput, the generator's lag, recovery, onset of exhaustion."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from reports.gate import limits
from reports.gate.columns import Column, Scale, Series, column
from reports.gate.context import Context, known
from reports.gate.model import Phase, PhaseKind, Recovery


def phase_columns(context: Context, flattered: str) -> Iterator[Column]:
    """Those that the phase has figures of."""
    made = [_cpu(context, flattered), _onset(context), _recovery(context)]
    made.append(_throughput(context) if context.kind is PhaseKind.SATURATING else _lag(context))
    yield from (one for one in made if one is not None)


def _cpu(context: Context, flattered: str) -> Column | None:
    paired = context.of_phase(lambda phase: _positive(phase.cpu_ms_per_request), clock=False)
    return column(
        Series("cpu", context.place()), paired, context.rows, lambda a, b: math.log(b / a), floor=limits.CPU[0],
        limit=limits.CPU[1], scale=Scale.LOG_RATIO, unit="ms", flattered=flattered, invalid=context.invalid,
    )  # fmt: skip


def _throughput(context: Context) -> Column | None:
    """A head that serves nothing has lost all that base serves, which no ratio would tell."""
    seen = context.of_phase(lambda phase: phase.throughput_per_s)
    paired = {
        row: (_positive(base), None if head is None else max(head, limits.LEAST_PER_S))
        for row, (base, head) in seen.items()
    }
    return column(
        Series("throughput", context.place()), paired, context.rows, lambda a, b: math.log(a / b),
        floor=limits.THROUGHPUT[0], limit=limits.THROUGHPUT[1], scale=Scale.LOG_RATIO, unit="/s",
        invalid=context.invalid,
    )  # fmt: skip


def _lag(context: Context) -> Column | None:
    """It passes where head's generator kept its time in each pair in which base's did."""
    limit_ms = max(phase.late_limit_ms for sides in context.phases.values() for phase in sides)
    return column(
        Series("generator-lag", context.place()), context.of_phase(lambda phase: phase.generator_lag_ms),
        context.rows, lambda a, b: b - a, floor=limit_ms, limit=None, scale=Scale.DIFFERENCE, unit="ms",
        harmless=context.head_alone_late == 0, invalid=context.clock_is_invalid,
    )  # fmt: skip


def _onset(context: Context) -> Column | None:
    floor, limit = limits.ONSET_STEPS
    return column(
        Series("exhaustion-onset", context.place()), context.of_phase(_onset_step), context.rows,
        lambda a, b: a - b, floor=floor, limit=limit, scale=Scale.DIFFERENCE, unit="steps",
        invalid=context.invalid,
    )  # fmt: skip


def _onset_step(phase: Phase) -> float | None:
    return None if phase.onset_step is None else float(phase.onset_step)


def _recovery(context: Context) -> Column | None:
    both = [(a.recovery, b.recovery) for a, b in context.phases.values() if a.recovery and b.recovery]
    if not both:
        return None
    bin_s = max(one.bin_s for sides in both for one in sides)
    paired = context.of_phase(lambda phase: None if phase.recovery is None else max(phase.recovery.seconds, bin_s))
    mean_s = float(np.mean(known(paired))) if known(paired) else bin_s
    floor, limit = limits.widened(limits.RECOVERY, math.log1p(limits.RECOVERY_BINS * bin_s / mean_s))
    return column(
        Series("recovery", context.place()), paired, context.rows, lambda a, b: math.log(b / a), floor=floor,
        limit=limit, scale=Scale.LOG_RATIO, unit="s", hindrance=_censored(both),
        invalid=context.clock_is_invalid,
    )  # fmt: skip


def _censored(both: list[tuple[Recovery, Recovery]]) -> str:
    """A censored head is at least as slow as it seems, so it may regress. It cannot pass, nor a censored base."""
    for side, name in enumerate(("base", "head")):
        censored = sum(pair[side].censored for pair in both)
        if censored > limits.CENSORED_SHARE * len(both):
            return f"{name} had not recovered when the phase ended in {censored} of {len(both)} pairs"
    return ""


def _positive(value: float | None) -> float | None:
    return value if value is not None and value > 0 else None
