"""docs/gating-regressions.md, from what was kept of the gates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmarks.gate.regressions.gates import Outcome
from benchmarks.gate.regressions.model import OfShop, Regression

_OPENING = """# Regressions made by hand

Thirty-six changes for the worse, of kinds that users make, each gated as it stands: which does `poolstorm gate`
catch? They were chosen, with the scenario and the figure that ought to tell each, before any was gated; one
pair of most was tried for whether it runs, and by that `late-commit` got another scenario, and
`command-timeout-removed` another figure to be told by.
[benchmarks/gate/regressions](../benchmarks/gate/regressions/) runs them and writes this page. Caught is what
ends with exit code 4. A gate that stays open, or cannot be used, has missed.

Those of a standard target compare it with itself under other settings, with another target, or with a changed
copy of its code. Those of the shop are two commits of [examples/shop](../examples/shop/), compared by
`--base-ref`. What a steady load does not bring out has the scenario that does: what hurts under a fault is seen
by a gate with that fault.
"""

_FOUND = """
What these gates found wrong with the gate itself:

- *statement-cache-off* was open the first time, at 49 % more round trips: one pair's p50 of a seldom asked
  route kept every p at a half. That is mended ([decision 0021](decisions/0021-the-gates-test.md)), and the line
  is of the gate after it.
- *eager-join-removed* was called broken by a leak that is none: housekeeping opened a second connection between
  the count of the pool and that of PostgreSQL's sessions, in 2 of 12 pairs. An unchanged shop may meet the
  same. Its statements and round trips were a regression besides.
- *nested-checkout* was called broken for a Server-Timing where the contract has none, which no longer breaks.
"""


def document(regressions: Mapping[str, Regression], outcomes: Mapping[str, Outcome]) -> str:
    """The whole page."""
    return (
        "\n".join((_OPENING, *_sums(regressions, outcomes), "", *_table(regressions, outcomes), *_notes(outcomes)))
        + "\n"
    )


def _notes(outcomes: Mapping[str, Outcome]) -> Iterator[str]:
    if outcomes:
        yield _FOUND.rstrip()


def _sums(regressions: Mapping[str, Regression], outcomes: Mapping[str, Outcome]) -> Iterator[str]:
    run = [outcomes[name] for name in regressions if name in outcomes]
    missed = [one.name for one in run if not one.caught]
    left = [name for name in regressions if name not in outcomes]
    otherwise = [one.name for one in run if one.caught and not one.as_expected]
    at_first = sum(one.first.caught for one in run)
    yield (
        f"**{at_first} of {len(run)} caught by their first gate**, {len(run) - len(missed)} by their last, "
        f"of {len(regressions)} in all."
    )
    if missed:
        yield f"Missed: {', '.join(missed)}."
    if otherwise:
        yield f"Caught, though not by the figure that was expected: {', '.join(otherwise)}."
    if left:
        yield f"Not run yet: {', '.join(left)}."


def _table(regressions: Mapping[str, Regression], outcomes: Mapping[str, Outcome]) -> Iterator[str]:
    yield "| regression | what the user did | of | scenario | verdict | told by | pairs | min | measured |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, one in regressions.items():
        of = "shop" if isinstance(one.change, OfShop) else one.change.base
        found = outcomes.get(name)
        if found is None:
            yield f"| {name} | {one.kind} | {of} | {one.scenario} | not run yet | | | | |"
            continue
        verdict = found.verdict
        told = ", ".join(found.told_by) if found.caught else found.said
        told += "".join(f"; before: {one.verdict} ({one.commit})" for one in found.earlier)
        yield (
            f"| {name} | {one.kind} | {of} | {one.scenario} | {verdict if found.caught else f'**{verdict}**'} | "
            f"{told.replace('|', '/')} | {found.pairs} | {found.minutes:g} | {found.measured_at:%Y-%m-%d %H:%M} "
            f"({found.commit}) |"
        )
