"""How a gate ended, and whether what was planted in its head was there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.records import CalibrationKind, GateOutcome, Plant
from reports.calibration.summary import seen, summarise
from reports.calibration.tally import tally
from reports.gate.verdicts import Verdict
from tests.unit.reports.calibration.made import LATENCY, STATEMENT, calibration, kept, outcome, plan
from tests.unit.reports.gate.support import ROUTE, Change, in_route, slower, then, unchanged


def trips(count: float) -> Change:
    return in_route(lambda one, _: replace(one, counts={**one.counts, "round trips": count}), ROUTE)


def statements(count: float, route: str | None = ROUTE) -> Change:
    return in_route(lambda one, _: replace(one, counts={**one.counts, "statements": count}), route)


def of(plant: Plant, head: Change, both: Change = unchanged) -> GateOutcome:
    return seen(kept(1, head, both=both), plan(CalibrationKind.POWER, plant=plant)).outcome


def test_a_gate_of_the_same_thing_twice_has_nothing_planted() -> None:
    found = seen(kept(7), plan()).outcome
    assert (7, Verdict.PASS, None, None) == (found.number, found.verdict, found.planted, found.proved)
    assert 240 == found.took_s
    assert abs(found.shift or 1) < 0.03


def test_a_latency_is_there_where_requests_take_so_much_longer_for_each_round_trip() -> None:
    """3 round trips of 2 ms more, and 8 ms that become 14."""
    found = of(LATENCY, slower(14 / 8), trips(3))
    assert 6.0 == found.planted
    assert found.achieved == pytest.approx(6.0, rel=0.1)
    assert found.proved is True


def test_a_latency_that_reached_no_request_is_not_proved() -> None:
    found = of(LATENCY, unchanged, trips(3))
    assert found.proved is False
    assert abs(found.achieved or 9) < 0.5


def test_a_statement_is_there_where_each_pair_counted_it() -> None:
    assert of(STATEMENT, statements(4.0, None)).proved is True
    assert of(STATEMENT, unchanged).proved is False
    assert of(STATEMENT, statements(4.0, "all")).proved is False


def test_what_is_broken_is_an_alarm_and_no_find_and_an_open_verdict_is_a_miss() -> None:
    verdicts = ("pass", "regressed", "broken", "inconclusive", "invalid")
    ended = [outcome(number, verdict, proved=True) for number, verdict in enumerate(verdicts, 1)]
    assert 2 == tally(calibration(*ended)).found
    power = tally(calibration(*ended, of=plan(CalibrationKind.POWER, gates=5)))
    assert (1, 1, 0) == (power.found, power.of(Verdict.INCONCLUSIVE), power.unproved)


def test_a_find_of_what_was_not_there_is_a_miss() -> None:
    ended = (outcome(1, "regressed", proved=False), outcome(2, "regressed", proved=True))
    counted = tally(calibration(*ended, of=plan(CalibrationKind.POWER, gates=2)))
    assert (1, 1) == (counted.found, counted.unproved)


def test_a_calibration_is_its_gates() -> None:
    of_three = plan(gates=3)
    made = summarise(of_three, [seen(kept(number, then(slower(1.0))), of_three) for number in (1, 2)], 1)
    assert (2, 1, False) == (len(made.outcomes), made.begun_anew, made.is_finished)
    assert {"p50", "p99", "cpu"} <= {one.metric for one in made.noise}
    assert made.family >= 6
