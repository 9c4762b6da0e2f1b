"""What was measured, as Markdown and as lines for a terminal: pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from benchmarks.fidelity.base import CheckedClaim, Figure, Verdict
from benchmarks.fidelity.statistics import Estimate

_SIGNS = {Verdict.HOLDS: "holds", Verdict.FALLS_SHORT: "**falls short**", None: ""}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """When, on what and how long it was measured; `machine` and `versions` are shown as they are, in order."""

    at: datetime
    took_s: float
    quick: bool
    seed: int
    machine: Mapping[str, str]
    versions: Mapping[str, str]


def markdown(checked: Sequence[CheckedClaim], circumstances: Circumstances) -> str:
    """The whole document."""
    parts = [_head(checked, circumstances), _overview(checked)]
    parts += [_section(claim) for claim in checked]
    parts.append(_where(circumstances))
    return "\n\n".join(parts) + "\n"


def lines(claim: CheckedClaim) -> list[str]:
    """One check for a terminal: verdict and title, then the figures that were judged."""
    head = f"{claim.verdict}: {claim.check.title} ({claim.took_s:.0f} s)"
    if claim.outcome is None:
        return [f"{head}: {claim.reason}"]
    return [head, *(f"    {_line(figure)}" for figure in claim.outcome.figures)]


def _line(figure: Figure) -> str:
    verdict = f"  [{bound(figure)}: {figure.verdict}]" if figure.verdict else ""
    return f"{figure.name}: {value(figure.measured, figure.unit)}{verdict}"


def value(measured: Estimate, unit: str) -> str:
    """Such as `0.12 ms (0.10 to 0.15)`; no interval where there is none."""
    text = f"{number(measured.value)} {unit}".rstrip()
    if measured.low == measured.high:
        return text
    return f"{text} ({number(measured.low)} to {number(measured.high)})"


def number(of: float) -> str:
    """Three significant digits; whole numbers, and what is above a thousand, without decimals."""
    of = round(of, 9)  # what is left of a difference of equals is nothing
    if of == int(of) or abs(of) >= 1000:
        return f"{of:,.0f}"
    return f"{of:.3g}" if abs(of) < 100 else f"{of:.0f}"


def bound(figure: Figure) -> str:
    """The bound in words; empty where there is none."""
    if figure.bound:
        return figure.bound
    if figure.at_most is not None:
        return f"at most {number(figure.at_most)} {figure.unit}".rstrip()
    return f"at least {number(figure.at_least)} {figure.unit}".rstrip() if figure.at_least is not None else ""


def _head(checked: Sequence[CheckedClaim], circumstances: Circumstances) -> str:
    counted = Counter(claim.verdict for claim in checked)
    tally = ", ".join(
        f"{counted[verdict]} {_plural(verdict, counted[verdict])}" for verdict in Verdict if counted[verdict]
    )
    quick = "\n\n**This was a quick run, too short to judge by.**" if circumstances.quick else ""
    return (
        "# Measurement\n\n"
        "How far poolstorm's own figures can be trusted. `make fidelity` measures what stands here and writes "
        "this "
        "page from it; no figure was entered by hand.\n\n"
        f"Measured on {circumstances.at:%Y-%m-%d %H:%M} UTC in {circumstances.took_s / 60:.0f} min: "
        f"{tally}.{quick}\n\n"
        "A figure is the median over rounds, followed by the interval in which the true median lies with 90 % "
        "confidence (with fewer than five rounds, their whole range) unless the check says otherwise. The verdict "
        "goes by the figure; where the interval reaches across the bound, the verdict says so."
    )  # fmt: skip


def _plural(verdict: Verdict, count: int) -> str:
    if count == 1:
        return f"check {verdict}"
    return f"checks {dict(zip(Verdict, ('hold', 'fall short', 'could not be measured'), strict=True))[verdict]}"


def _overview(checked: Sequence[CheckedClaim]) -> str:
    rows = [f"| [{claim.check.title}](#{_anchor(claim.check.title)}) | {claim.verdict} |" for claim in checked]
    return "\n".join(["| check | verdict |", "|---|---|", *rows])


def _anchor(title: str) -> str:
    kept = "".join(char for char in title.lower() if char.isalnum() or char in " -")
    return kept.replace(" ", "-")


def _section(claim: CheckedClaim) -> str:
    check = claim.check
    parts = [f"## {check.title}", f"Claim: {check.claim}", f"How: {check.method}"]
    if claim.outcome is None:
        parts.append(f"**Could not be measured**: {claim.reason}.")
        return "\n\n".join(parts)
    rows = [
        f"| {figure.name} | {value(figure.measured, figure.unit)} | {bound(figure)} | {_judgement(figure)} |"
        for figure in claim.outcome.figures
    ]
    parts.append("\n".join(["| figure | measured | bound | verdict |", "|---|---|---|---|", *rows]))
    parts += claim.outcome.notes
    return "\n\n".join(parts)


def _judgement(figure: Figure) -> str:
    sign = _SIGNS[figure.verdict]
    return sign if figure.verdict is None or figure.clear else f"{sign} (the interval reaches across the bound)"


def _where(circumstances: Circumstances) -> str:
    rows = [f"| {name} | {text} |" for name, text in {**circumstances.machine, **circumstances.versions}.items()]
    return "\n".join(["## Where", "", "| what | which |", "|---|---|", *rows, f"| seed | {circumstances.seed} |"])
