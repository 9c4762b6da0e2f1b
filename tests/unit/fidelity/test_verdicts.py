"""From figures to verdicts, exit codes and the document."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest

from benchmarks.fidelity.base import Bench, Check, CheckedClaim, Figure, Outcome, Verdict, exit_code
from benchmarks.fidelity.checks import CHECKS
from benchmarks.fidelity.comparison import difference, excess, shuffled
from benchmarks.fidelity.document import Circumstances, lines, markdown, number
from benchmarks.fidelity.statistics import Estimate

HOLDS, SHORT, UNKNOWN = Verdict.HOLDS, Verdict.FALLS_SHORT, Verdict.NOT_MEASURED


def figure(value: float, **bounds: float) -> Figure:
    return Figure("something", Estimate(value, value - 1, value + 1, 5), "ms", **bounds)  # type: ignore[arg-type]


def never(_: Bench) -> Outcome:
    raise AssertionError("nothing is run here")


def claim_of(*figures: Figure, reason: str = "") -> CheckedClaim:
    check = Check("example", "An example", "It is so.", "By looking.", never)
    return CheckedClaim(check, None if reason else Outcome(figures), 1.0, reason)


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        (figure(5.0, at_most=5.0), HOLDS),
        (figure(5.1, at_most=5.0), SHORT),
        (figure(-5.1, at_most=5.0, at_least=-5.0), SHORT),
        (figure(-4.0, at_most=5.0, at_least=-5.0), HOLDS),
        (figure(math.nan, at_most=5.0), SHORT),
        (figure(math.nan, at_least=5.0), SHORT),
        (figure(5.0), None),
    ],
)
def test_a_figure_is_judged_by_its_value(measured: Figure, verdict: Verdict | None) -> None:
    assert verdict == measured.verdict


def test_an_interval_across_the_bound_is_not_clear() -> None:
    assert (True, False, False, True) == tuple(figure(value, at_most=5.0).clear for value in (3.0, 4.5, 5.5, 7.0))


def test_one_figure_that_falls_short_is_enough() -> None:
    assert SHORT is claim_of(figure(1, at_most=5), figure(6, at_most=5), figure(9)).verdict


def test_a_check_that_judged_nothing_has_measured_nothing() -> None:
    assert UNKNOWN is claim_of(figure(1)).verdict
    assert UNKNOWN is claim_of(reason="no vegeta").verdict


@pytest.mark.parametrize(
    ("checked", "code"),
    [
        ((claim_of(figure(1, at_most=5)),), 0),
        ((claim_of(figure(1, at_most=5)), claim_of(figure(6, at_most=5))), 4),
        ((claim_of(figure(1, at_most=5)), claim_of(reason="no vegeta")), 2),
        ((claim_of(figure(6, at_most=5)), claim_of(reason="no vegeta")), 4),
        ((), 2),
    ],
)
def test_the_exit_code_tells_the_worst(checked: tuple[CheckedClaim, ...], code: int) -> None:
    assert code == exit_code(checked)


def test_a_difference_is_paired_by_round_and_bounded_by_the_larger_of_two() -> None:
    # 25 % of their median of 4 ms is 1 ms, more than 0.5 ms.
    found = difference("p99", [4.2, 5.2, 3.2], [4.0, 5.0, 3.0], within_ms=0.5, within_share=0.25)
    assert pytest.approx(0.2) == found.measured.value
    assert (1.0, -1.0) == (found.at_most, found.at_least)
    assert HOLDS is found.verdict


def test_being_faster_is_as_suspicious_as_being_slower_where_both_should_agree() -> None:
    twice = {"at_most": 10, "both_ways": True}
    assert SHORT is excess("p50", [0.8, 0.8], [1.0, 1.0], **twice).verdict  # type: ignore[arg-type]
    assert HOLDS is excess("p50", [0.8, 0.8], [1.0, 1.0], at_most=10, both_ways=False).verdict


def test_every_round_has_both_in_an_order_that_varies() -> None:
    import random

    orders = shuffled(40, ("a", "b"), random.Random(1))
    assert {("a", "b"), ("b", "a")} == set(orders)


def test_the_document_tells_verdict_figure_bound_and_circumstances() -> None:
    checked = (
        claim_of(figure(1.25, at_most=5), figure(4.5, at_most=5), figure(6, at_most=5)),
        claim_of(reason="there is no vegeta"),
    )
    text = markdown(
        checked,
        Circumstances(
            at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
            took_s=1500,
            quick=False,
            seed=7,
            machine={"processor": "Example CPU, 2 cores"},
            versions={"vegeta": "1.2.3"},
        ),
    )
    assert "Measured on 2026-01-02 03:04 UTC in 25 min: 1 check falls short, 1 check could not be" in text
    assert "| something | 1.25 ms (0.25 to 2.25) | at most 5 ms | holds |" in text
    assert (
        "| something | 4.5 ms (3.5 to 5.5) | at most 5 ms | holds (the interval reaches across the bound) |"
        in text
    )
    assert "| something | 6 ms (5 to 7) | at most 5 ms | **falls short** (the interval reaches" in text
    assert "**Could not be measured**: there is no vegeta." in text
    assert "| processor | Example CPU, 2 cores |" in text
    assert "| vegeta | 1.2.3 |" in text
    assert "quick" not in text


def test_a_quick_document_says_so() -> None:
    circumstances = Circumstances(datetime(2026, 1, 2, tzinfo=UTC), 60, True, 7, {}, {})
    assert "quick run" in markdown((claim_of(figure(1, at_most=5)),), circumstances)


def test_the_terminal_gets_the_reason_where_nothing_could_be_measured() -> None:
    assert ["could not be measured: An example (1 s): no Go"] == lines(claim_of(reason="no Go"))


@pytest.mark.parametrize(
    ("value", "text"), [(3.0, "3"), (0.12345, "0.123"), (12.345, "12.3"), (123.4, "123"), (12345.6, "12,346")]
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert text == number(value)


def test_checks_are_known_by_different_names() -> None:
    assert len(CHECKS) == len({check.name for check in CHECKS})
