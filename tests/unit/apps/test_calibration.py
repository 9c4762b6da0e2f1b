"""What the steps of a calibration show of an app."""

from __future__ import annotations

from collections.abc import Iterator

from harness.apps.calibration import AT_ONCE, SHARE, STEP_S, calibrated, calibrating
from harness.records import Interval, Measure, Outcome, SeriesKey, new_histogram

SCENARIO = calibrating("visitor")
OFFERED = [phase.arrivals.rate_per_s for phase in SCENARIO.phases if phase.arrivals and not phase.warmup]


def answers(
    borne_per_s: float, failing: float = 0.0, fails_from_per_s: float = 0.0, requests: int = 1
) -> Iterator[Interval]:
    """What an app would have answered that bears so much, of which a share fails beyond a rate; an arrival is so
    many requests.
    """
    for phase in SCENARIO.phases:
        assert phase.arrivals is not None
        rate = phase.arrivals.rate_per_s
        ended = round(min(rate * requests, borne_per_s) * phase.duration_s)
        failed = round(ended * failing) if rate >= fails_from_per_s else 0
        for outcome, count in ((Outcome.OK, ended - failed), (Outcome.FAILED, failed)):
            for measure in (Measure.RESPONSE, Measure.SERVICE):
                histogram = new_histogram()
                histogram.record_value(1_000_000, count)
                key = SeriesKey(phase.name, "/items", outcome, "-", measure)
                yield Interval(key, 0, 100_000_000, histogram)


def test_rates_double_and_few_requests_are_under_way() -> None:
    assert OFFERED == [10 * 2**n for n in range(len(OFFERED))]
    assert SCENARIO.in_flight_cap == AT_ONCE


def test_what_came_back_is_what_the_app_bears_and_a_share_of_it_is_usual() -> None:
    found = calibrated("app", SCENARIO, answers(300.0))
    assert found is not None
    assert found.borne_per_s == 300.0
    assert found.usual_per_s == SHARE * 300.0
    assert [step.offered_per_s for step in found.steps] == OFFERED
    assert [step.succeeded_per_s for step in found.steps[:3]] == [10.0, 20.0, 40.0]


def test_arrivals_of_several_requests_are_usual_so_many_times_less_often() -> None:
    found = calibrated("app", SCENARIO, answers(300.0, requests=3))
    assert found is not None
    assert (300.0, SHARE * 100.0) == (found.borne_per_s, found.usual_per_s)


def test_a_step_of_which_too_much_fails_is_not_borne() -> None:
    found = calibrated("app", SCENARIO, answers(300.0, failing=0.2, fails_from_per_s=160.0))
    assert found is not None
    assert found.borne_per_s == 80.0
    assert found.steps[-1].failing == 0.2


def test_an_app_that_never_succeeds_bears_nothing() -> None:
    assert calibrated("app", SCENARIO, answers(300.0, failing=1.0)) is None
    assert calibrated("app", SCENARIO, ()) is None


def test_the_usual_load_of_a_slow_app_is_a_load_still() -> None:
    found = calibrated("app", SCENARIO, answers(1 / STEP_S))
    assert found is not None
    assert found.usual_per_s == 1.0
