"""How much an app bears, and the load that is usual for it: the scenario that finds out, and its result. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from harness.records import Calibration, CalibrationStep, Interval, Measure, Outcome
from scenarios.model import Arrivals, Behaviour, Phase, Scenario

SHARE = 0.2
"""Of what an app was seen to bear, what counts as usual: the standard spike then just reaches that."""
FIRST_PER_S = 10
STEPS = 9
STEP_S = 0.8
FEW_STEPS = 4
"""From which it is seen how many requests an arrival is: some 70 arrivals."""
AT_ONCE = 16
"""Requests under way: more make a longer queue, and hardly more throughput."""
MOST_FAILING = 0.05
"""Of a step's requests; one in which more fail is not borne."""
SHORTEST = 1.0
"""Requests a second; less is no load to speak of."""


def calibrating(behaviour: Behaviour) -> Scenario:
    """Arrivals at a rate that doubles from step to step, of which so few are under way at once that what comes
    back in time is what the app bears.
    """
    warm_up = Phase(
        name="warm-up",
        duration_s=1.0,
        arrivals=Arrivals(rate_per_s=FIRST_PER_S),
        behaviour=behaviour,
        warmup=True,
    )
    steps = (
        Phase(
            name=f"step-{number}",
            duration_s=STEP_S,
            arrivals=Arrivals(rate_per_s=FIRST_PER_S * 2**number),
            behaviour=behaviour,
        )
        for number in range(STEPS)
    )
    return Scenario(
        name="calibration",
        title="Calibration",
        question="How many requests a second does the app bear?",
        phases=(warm_up, *steps),
        in_flight_cap=AT_ONCE,
        request_timeout_s=5.0,
    )


def trying(behaviour: Behaviour) -> Scenario:
    """A second of hardly any load, which shows that an app starts, answers, and uses the database it was given."""
    phase = Phase(name="try", duration_s=1.0, arrivals=Arrivals(rate_per_s=5), behaviour=behaviour)
    return Scenario(
        name="trial-start", title="Trial start", question="Does the app start and answer?", phases=(phase,)
    )


def calibrated(target: str, scenario: Scenario, intervals: Iterable[Interval]) -> Calibration | None:
    """What the steps showed; None where not one was borne.

    A request belongs to the step in which it was to be sent. Of a step's rate so much is borne as was answered
    with a success; the most of any step is what the app bears. An arrival of a locustfile may send several
    requests, and so many fewer arrivals are usual.
    """
    ended = _ended(intervals)
    steps = tuple(_steps(scenario, ended))
    borne_per_s = max((step.succeeded_per_s for step in steps if step.failing <= MOST_FAILING), default=0.0)
    if borne_per_s <= 0:
        return None
    return Calibration(
        target=target,
        borne_per_s=borne_per_s,
        usual_per_s=round(max(SHORTEST, SHARE * borne_per_s / _requests_of_arrival(scenario, ended)), 1),
        steps=steps,
    )


def _ended(intervals: Iterable[Interval]) -> Counter[tuple[str, Outcome]]:
    """Requests by the phase in which they were to be sent, and how they ended."""
    found: Counter[tuple[str, Outcome]] = Counter()
    for interval in intervals:
        if interval.key.measure is Measure.RESPONSE:
            found[interval.key.phase, interval.key.outcome] += interval.histogram.get_total_count()
    return found


def _requests_of_arrival(scenario: Scenario, ended: Counter[tuple[str, Outcome]]) -> float:
    """As seen in the first steps, in which hardly any arrival is kept back; one at least."""
    first = [phase for phase in scenario.phases if phase.arrivals][:FEW_STEPS]
    arrivals = sum(phase.arrivals.rate_per_s * phase.duration_s for phase in first if phase.arrivals)
    names = {phase.name for phase in first}
    requests = sum(number for (phase, _), number in ended.items() if phase in names)
    return max(1.0, requests / arrivals) if arrivals else 1.0


def _steps(scenario: Scenario, ended: Counter[tuple[str, Outcome]]) -> Iterable[CalibrationStep]:
    for phase in scenario.phases:
        if phase.warmup or phase.arrivals is None:
            continue
        succeeded = ended[phase.name, Outcome.OK]
        requests = sum(ended[phase.name, outcome] for outcome in Outcome)
        yield CalibrationStep(
            offered_per_s=phase.arrivals.rate_per_s,
            succeeded_per_s=round(succeeded / phase.duration_s, 1),
            failing=round(1 - succeeded / requests, 4) if requests else 1.0,
        )
