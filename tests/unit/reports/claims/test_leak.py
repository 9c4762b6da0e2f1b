"""The ruling on sessions that an error leaves open, from synthetic runs."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from harness.records import Outcome
from reports.claims.base import RulingVerdict
from reports.claims.evidence import MissingEvidenceError
from reports.claims.rulings.leak import FORMS, leak
from scenarios.raised import SCENARIO
from tests.unit.reports.builder import Request, TrialBuilder, pool_reading, target_info
from tests.unit.reports.claims.support import evidence_of

SENT = 100
RAISED = (Outcome.FAILED, "internal-error")


class Left(NamedTuple):
    """Connections out at most and at the end, and requests refused."""

    most: int
    out: int
    refused: int


COLLECTED, EMPTIED, CLOSED = Left(12, 5, 0), Left(30, 30, 70), Left(4, 0, 0)
USUAL = {
    "no-finally": COLLECTED,
    "no-finally-tracked": EMPTIED,
    "no-finally-uncollected": EMPTIED,
    "returned-session": COLLECTED,
    "get-db": CLOSED,
    "with-session": CLOSED,
}


def trial(
    target: str, left: Left, repetition: int = 1, sent: int = SENT, ended: tuple[Outcome, str] = RAISED
) -> TrialBuilder:
    made = TrialBuilder(SCENARIO, target_info(target), repetition=repetition)
    made.mark_phases()
    refused = min(left.refused, sent)
    made.requests += [Request("errors", 0.6, 3.0, *ended, operation="raised") for _ in range(sent - refused)]
    made.requests += [
        Request("errors", 1.0, 200.0, Outcome.REFUSED, "pool-exhausted", operation="raised")
        for _ in range(refused)
    ]
    made.requests += [Request("reads", 4.0, 3.0, operation="read_user") for _ in range(20)]
    made.readings.append(pool_reading(2.0, left.out))
    made.pool_at_end = pool_reading(6.0, left.out, checked_out_max=left.most)
    return made


def runs(**changes: list[Left]) -> dict[str, list[TrialBuilder]]:
    """Three trials of each form, as usual but for the changes (`_` for `-`)."""
    lefts = {target: [left] * 3 for target, left in USUAL.items()}
    lefts.update({target.replace("_", "-"): left for target, left in changes.items()})
    assert lefts.keys() == FORMS.keys()
    return {
        "leak": [
            trial(target, left, repetition)
            for target, each in lefts.items()
            for repetition, left in enumerate(each, 1)
        ]
    }


@pytest.mark.parametrize(
    ("plain", "verdict"),
    [
        ([COLLECTED, COLLECTED, COLLECTED], RulingVerdict.REFUTED),
        ([COLLECTED, Left(30, 3, 4), COLLECTED], RulingVerdict.REFUTED),
        ([EMPTIED, EMPTIED, EMPTIED], RulingVerdict.SUPPORTED),
        ([EMPTIED, COLLECTED, EMPTIED], RulingVerdict.INCONCLUSIVE),
    ],
)
def test_whether_the_pool_is_empty_for_good_decides(
    tmp_path: Path, plain: list[Left], verdict: RulingVerdict
) -> None:
    found = leak(evidence_of(tmp_path, runs(no_finally=plain)))
    assert found.verdict is verdict


def test_the_condition_names_what_keeps_the_exception(tmp_path: Path) -> None:
    found = leak(evidence_of(tmp_path, runs()))
    assert "kept 3 of 3 trials ended with none left, with collection off 3 of 3" in found.said
    assert "(30 errors left 30 out, with the pool empty in 3 of 3 trials)" in found.condition
    assert "3.11.9, whose garbage collection" in found.condition
    found = leak(evidence_of(tmp_path / "again", runs(no_finally_tracked=[EMPTIED, COLLECTED, EMPTIED])))
    assert "the pool empty in 2 of 3 trials" in found.condition


@pytest.mark.parametrize("cure", ["get_db", "with_session"])
def test_a_cure_that_leaks_leaves_nothing_to_be_said(tmp_path: Path, cure: str) -> None:
    found = leak(evidence_of(tmp_path, runs(**{cure: [CLOSED, Left(4, 1, 0), CLOSED]})))
    assert found.verdict is RulingVerdict.INCONCLUSIVE
    assert cure.replace("_", "-") in found.said


def test_too_few_errors_show_nothing(tmp_path: Path) -> None:
    few = runs()
    few["leak"][0] = trial("no-finally", COLLECTED, sent=59)
    with pytest.raises(MissingEvidenceError, match="only 59 requests ended in errors on no-finally, of 60"):
        leak(evidence_of(tmp_path, few))


@pytest.mark.parametrize(
    ("target", "ended"), [("no-finally", (Outcome.OK, "-")), ("get-db", (Outcome.FAILED, "not-found"))]
)
def test_requests_that_did_not_raise_took_nothing_along(
    tmp_path: Path, target: str, ended: tuple[Outcome, str]
) -> None:
    quiet = {
        "leak": [trial(name, left, ended=ended if name == target else RAISED) for name, left in USUAL.items()]
    }
    with pytest.raises(MissingEvidenceError, match=f"only 0 requests ended in errors on {target}, of 60"):
        leak(evidence_of(tmp_path, quiet))


def test_a_pool_that_fewer_errors_emptied_than_it_has_connections_was_emptied_by_something_else(
    tmp_path: Path,
) -> None:
    lefts = {**USUAL, "no-finally": Left(30, 30, 71)}
    others = {"leak": [trial(name, left) for name, left in lefts.items()]}
    with pytest.raises(MissingEvidenceError, match="only 29 requests ended in errors on no-finally, of 30"):
        leak(evidence_of(tmp_path, others))


def test_where_nothing_ever_leaked_nothing_shows_that_a_leak_would_have_been_seen(tmp_path: Path) -> None:
    unseen = runs(no_finally_tracked=[COLLECTED] * 3, no_finally_uncollected=[COLLECTED] * 3)
    found = leak(evidence_of(tmp_path, unseen))
    assert (found.verdict, "would have been seen" in found.said) == (RulingVerdict.INCONCLUSIVE, True)
