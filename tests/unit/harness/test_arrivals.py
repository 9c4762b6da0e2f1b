"""When requests of an open workload are to be sent."""

from __future__ import annotations

import math
import random
import statistics
from bisect import bisect_right
from itertools import pairwise
from typing import Any

import pytest
from pydantic import ValidationError

from harness.load.arrivals import Lead, arrival_offsets_ns
from scenarios.model import Arrivals

MS = 1_000_000


def offsets(arrivals: Arrivals, duration_s: float, seed: int = 1) -> list[int]:
    return list(arrival_offsets_ns(arrivals, duration_s, random.Random(seed)))


def test_a_constant_process_spaces_requests_evenly_from_the_start_and_stops_before_the_end() -> None:
    # 50/s is one each 20 ms; the one at exactly 100 ms belongs to the next phase.
    assert offsets(Arrivals(rate_per_s=50), 0.1) == [0, 20 * MS, 40 * MS, 60 * MS, 80 * MS]


def test_a_rising_ramp_sends_the_area_under_its_rate() -> None:
    # 0..2 s from 10/s to 30/s: 10*2 + (30-10)*2/2 = 40 requests; request i where 10 t + 5 t^2 = i:
    # i = 15 gives t = 1 (10 + 5).
    ramp = Arrivals(process="ramp", rate_per_s=10, to_rate_per_s=30)
    sent = offsets(ramp, 2.0)
    assert len(sent) == 40
    assert pytest.approx(1000 * MS, abs=2) == sent[15]


def test_a_falling_ramp_ends_although_its_root_does() -> None:
    # From 30/s to 10/s over 2 s: the same 40 requests, mirrored.
    ramp = Arrivals(process="ramp", rate_per_s=30, to_rate_per_s=10)
    sent = offsets(ramp, 2.0)
    assert len(sent) == 40
    gaps = [after - before for before, after in pairwise(sent)]
    assert gaps == sorted(gaps)


def test_steps_are_constant_processes_one_after_the_other() -> None:
    # Two steps of 0.1 s: 10/s sends one at 0; 30/s sends three, 33.3 ms apart, from 100 ms on.
    step = Arrivals(process="step", rate_per_s=10, to_rate_per_s=30, steps=2)
    assert [0, 100 * MS, 133_333_333, 166_666_667] == offsets(step, 0.2)


@pytest.mark.parametrize(
    ("duration_s", "first", "last", "steps", "expected"),
    [
        (10, 10, 50, 1000, 300),  # (10 + 50) / 2 * 10 s
        (10, 1, 5, 20, 30),
        (30, 1, 10, 60, 165),
    ],
)
def test_many_short_steps_send_no_more_than_their_rates(
    duration_s: float, first: float, last: float, steps: int, expected: int
) -> None:
    step = Arrivals(process="step", rate_per_s=first, to_rate_per_s=last, steps=steps)
    assert expected == len(offsets(step, duration_s))


def due(arrivals: Arrivals, duration_s: float, until_s: float) -> float:
    """The integral of the declared rate up to a time, worked out step by step."""
    first, last = arrivals.rate_per_s, arrivals.to_rate_per_s or arrivals.rate_per_s
    if arrivals.process == "step":
        steps = arrivals.steps or 2
        length_s = duration_s / steps
        rates = [first + (last - first) * step / (steps - 1) for step in range(steps)]
        return math.fsum(
            rate * min(max(until_s - step * length_s, 0.0), length_s) for step, rate in enumerate(rates)
        )
    return first * until_s + (last - first) * until_s**2 / (2 * duration_s)


def any_arrivals(rng: random.Random, process: str) -> Arrivals:
    rates = {"rate_per_s": rng.uniform(0.1, 200), "to_rate_per_s": rng.uniform(0.1, 200)}
    match process:
        case "step":
            return Arrivals(process="step", steps=rng.choice([2, 3, 7, 100, 1000]), **rates)
        case "ramp":
            return Arrivals(process="ramp", **rates)
        case _:
            return Arrivals(process="constant", rate_per_s=rates["rate_per_s"])


@pytest.mark.parametrize("process", ["constant", "ramp", "step"])
@pytest.mark.parametrize("seed", range(40))
def test_at_every_moment_as_many_are_sent_as_the_rate_declares_within_one(process: str, seed: int) -> None:
    rng = random.Random(f"{process} {seed}")
    arrivals, duration_s = any_arrivals(rng, process), rng.uniform(0.5, 30)
    sent = offsets(arrivals, duration_s)
    assert sent == sorted(sent)
    moments_s = [duration_s, *(rng.uniform(0, duration_s) for _ in range(50)), *(t / 1e9 for t in sent[:50])]
    for moment_s in moments_s:
        so_far = bisect_right(sent, moment_s * 1e9)
        assert abs(so_far - due(arrivals, duration_s, moment_s)) <= 1 + 1e-4


@pytest.mark.parametrize("seed", range(10))
def test_poisson_processes_send_their_rate_in_the_mean(seed: int) -> None:
    rng = random.Random(seed)
    rate, duration_s = rng.uniform(10, 200), rng.uniform(20, 60)
    found = len(offsets(Arrivals(process="poisson", rate_per_s=rate), duration_s, seed))
    # A Poisson count's standard deviation is its root: six of them either way.
    assert abs(found - rate * duration_s) < 6 * math.sqrt(rate * duration_s)


@pytest.mark.parametrize(
    "impossible",
    [
        {"rate_per_s": -5},
        {"rate_per_s": 0},
        {"rate_per_s": float("nan")},
        {"process": "ramp", "rate_per_s": 5},
        {"process": "constant", "rate_per_s": 5, "to_rate_per_s": 6},
        {"process": "step", "rate_per_s": 5, "to_rate_per_s": 6},
        {"process": "step", "rate_per_s": 5, "to_rate_per_s": 6, "steps": 1},
        {"process": "burst", "rate_per_s": 5},
    ],
)
def test_arrivals_that_cannot_be_are_refused(impossible: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Arrivals(**impossible)


def test_a_poisson_process_keeps_its_mean_rate_and_varies_its_gaps() -> None:
    sent = offsets(Arrivals(process="poisson", rate_per_s=100), 100.0)
    # 10,000 expected; the standard deviation of a Poisson count is its root, 100: five of them either way.
    assert abs(len(sent) - 10_000) < 500
    gaps = [after - before for before, after in pairwise(sent)]
    # Exponential gaps: the share shorter than the mean is 1 - 1/e = 63.2 %.
    shorter = sum(gap < 10 * MS for gap in gaps) / len(gaps)
    assert pytest.approx(0.632, abs=0.03) == shorter


def test_the_same_seed_sends_at_the_same_times_and_another_does_not() -> None:
    poisson = Arrivals(process="poisson", rate_per_s=20)
    assert offsets(poisson, 5.0, seed=3) == offsets(poisson, 5.0, seed=3)
    assert offsets(poisson, 5.0, seed=3) != offsets(poisson, 5.0, seed=4)


def test_the_lead_grows_until_one_request_in_ten_is_late() -> None:
    rng = random.Random(5)
    lead = Lead()
    late, leads_ns = 0, []
    for number in range(20_000):
        late_ns = round(rng.lognormvariate(math.log(90_000), 0.3)) - lead.ns  # 90 us from setting off to sending
        lead.learn(late_ns)
        if number >= 10_000:
            late += late_ns > 0
            leads_ns.append(lead.ns)
    assert pytest.approx(0.1, abs=0.02) == late / 10_000
    # ln of the upper tenth: ln 90 + 1.2816 * 0.3
    assert pytest.approx(132_200, rel=0.1) == statistics.fmean(leads_ns)


def test_the_lead_has_a_bound_and_goes_back_to_none() -> None:
    lead = Lead()
    for _ in range(1000):
        lead.learn(5_000_000)
    assert Lead.MOST_NS == lead.ns
    for _ in range(12_000):
        lead.learn(-1)
    assert 0 == lead.ns
