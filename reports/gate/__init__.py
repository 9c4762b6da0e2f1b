"""The gate: pure, pairs of fresh processes of base and head -> GateResult. It starts nothing and reads no file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date

from reports.gate.acceptances import Acceptance, checked, reason_for
from reports.gate.columns import Column, Series
from reports.gate.exact import Exact
from reports.gate.flips import Flips, Null, null_of_largest
from reports.gate.looks import Look
from reports.gate.model import Limited, Measured, Place
from reports.gate.paired import Found, find
from reports.gate.result import PREFLIGHT, Breached, GateResult, Row
from reports.gate.ruling import Ruling, rule_on, table_of
from reports.gate.sentences import sentence
from reports.gate.size import refuse_what_cannot_fail
from reports.gate.verdicts import Verdict, rank, worst
from reports.summary import CheckVerdict

__all__ = ["judge"]

_OF_LIMITS = {
    CheckVerdict.BROKEN: Verdict.BROKEN,
    CheckVerdict.UNDECIDED: Verdict.INCONCLUSIVE,
    CheckVerdict.PASSED: Verdict.PASS,
}


def judge(
    measured: Measured,
    *,
    today: date,
    look: Look = Look.ONLY,
    acceptances: Iterable[Acceptance] = (),
    flips: Flips | None = None,
) -> GateResult:
    """Judge everything that was measured, by one test over all of it; `flips` are a simulation's own.

    Raises PlanError for so few pairs that nothing could fail, and for acceptances that are past.
    """
    refuse_what_cannot_fail(measured.pairs_planned, look)
    accepted = checked(acceptances, today)
    found = find(measured)
    breaches = _breaches(measured)
    rulings, null = _rulings(found, measured.seed, look, flips)
    rows = [_row_of_ruling(one) for one in rulings] + [_row_of_exact(one) for one in found.exact]
    rows += [_row_of_invalid(one) for one in found.columns if one.invalid]
    rows += [_row_of_breach(one) for one in breaches if one.side == "head"]
    rows += [_row_of_limit(one) for one in measured.limits]
    rows = [_accept(row, accepted) for row in rows]
    if measured.broken_before:  # nothing else was seen, so there is nothing to accept it for
        rows.append(_row(Series(PREFLIGHT, Place(measured.head)), Verdict.BROKEN, measured.broken_before, 0))
    verdict = worst(Verdict.PASS if row.accepted is not None else row.verdict for row in rows)
    return GateResult(
        verdict=verdict,
        said=_said(verdict, rows),
        look=look.name.lower(),
        go_on=look is Look.FIRST and verdict is Verdict.INCONCLUSIVE,
        alpha=look.alpha,
        pass_level=look.pass_level,
        pairs=len({pair.number for pair in measured.pairs}),
        pairs_planned=measured.pairs_planned,
        family=len(rulings),
        flips=0 if null is None else null.largest.size,
        exact=null is None or null.exact,
        seed=measured.seed,
        rows=tuple(sorted(rows, key=_worst_first)),
        breaches=tuple(breaches),
        appeared=tuple(found.appeared),
        went=tuple(found.went),
        left_out=tuple(found.left_out),
        unused_acceptances=tuple(one.pattern for one in accepted if not any(one.covers(row.name) for row in rows)),
    )


def _rulings(found: Found, seed: int, look: Look, flips: Flips | None) -> tuple[list[Ruling], Null | None]:
    columns = [one for one in found.columns if not one.invalid]
    if not columns:
        return [], None
    table = table_of(columns)
    null = flips.null_of_largest(table) if flips is not None else null_of_largest(table, seed)
    return rule_on(columns, table, null, flips or Flips.of(table.values.shape[0], seed), look), null


def _breaches(measured: Measured) -> list[Breached]:
    return [
        Breached(
            side=side,
            target=pair.target,
            pair=pair.number,
            name=breach.name,
            said=breach.said,
            scenario=breach.scenario,
        )
        for pair in measured.pairs
        for side, slot in (("base", pair.base), ("head", pair.head))
        for breach in slot.breaches
    ]


def _row(series: Series, verdict: Verdict, said: str, pairs: int, **figures: object) -> Row:
    place = series.place
    return Row.model_validate({
        "target": place.target, "scenario": place.scenario, "phase": place.phase, "route": place.route,
        "metric": series.metric, "name": series.name, "verdict": verdict, "said": said, "pairs": pairs, **figures,
    })  # fmt: skip


def _row_of_ruling(one: Ruling) -> Row:
    column = one.column
    return _row(
        column.series, one.verdict, sentence(one), one.pairs, scale=column.scale, unit=column.unit,
        base=column.base, head=column.head, effect=one.effect, low=_finite(one.low), high=_finite(one.high),
        p=one.p_better if one.effect < 0 else one.p_worse, floor=column.floor, limit=column.limit,
        smallest=one.smallest,
    )  # fmt: skip


def _row_of_exact(one: Exact) -> Row:
    return _row(one.series, one.verdict, one.said, one.pairs, base=one.base, head=one.head, effect=one.effect)


def _row_of_invalid(one: Column) -> Row:
    return _row(one.series, Verdict.INVALID, one.invalid, int(one.present.sum()), base=one.base, head=one.head)


def _row_of_breach(one: Breached) -> Row:
    return _row(
        Series(one.name, Place(one.target, one.scenario)), Verdict.BROKEN, f"pair {one.pair}: {one.said}", 1
    )


def _row_of_limit(one: Limited) -> Row:
    place = Place(one.target, one.scenario, one.head.phase, one.head.route)
    verdict = _OF_LIMITS[one.head.verdict]
    also = "; the base, too" if verdict is Verdict.BROKEN and one.base.verdict is CheckVerdict.BROKEN else ""
    return _row(
        Series(f"limit-{one.head.name}", place), verdict, f"{one.head.sentence}{also}", 0,
        base=one.base.value, head=one.head.value,
    )  # fmt: skip


def _accept(row: Row, acceptances: Sequence[Acceptance]) -> Row:
    """What is invalid was not judged, so nothing of it can be accepted."""
    bad = row.verdict in (Verdict.BROKEN, Verdict.REGRESSED, Verdict.INCONCLUSIVE)
    return row.model_copy(update={"accepted": reason_for(row.name, acceptances)}) if bad else row


def _worst_first(row: Row) -> tuple[int, float, str]:
    effect = 0.0 if row.effect is None else row.effect / (row.floor or 1.0)
    return rank(row.verdict), -effect, row.name


def _said(verdict: Verdict, rows: Sequence[Row]) -> str:
    if not rows:
        return "nothing was measured, so there is nothing to judge"
    counts = [(kind, sum(row.verdict is kind and row.accepted is None for row in rows)) for kind in Verdict]
    accepted = sum(row.accepted is not None for row in rows)
    parts = [f"{count} {kind.value}" for kind, count in counts if count]
    return f"{verdict.value}: {', '.join([*parts, *([f'{accepted} accepted'] if accepted else [])])}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
