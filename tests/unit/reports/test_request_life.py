"""The parts of a request's life, over a ladder of latencies and for each login."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.records import TimesReading, TrialState
from reports.analyse import analyse
from reports.analysis.crossings import Claimed, Crossing, Rung, along_ladder
from reports.analysis.request_life import LifePart, life_of_requests
from reports.read import read_run
from scenarios.model import FaultSpec, Phase, Scenario
from tests.unit.reports.builder import Request, TrialBuilder, ns, target_info, write_run

LADDER_MS = (0, 4, 8)
RUNG_S = 2.0
LOGINS = {"pool": "trust", "none": "trust", "pool-tls": "tls", "none-tls": "tls"}


def rung(latency_ms: int) -> Phase:
    fault = FaultSpec(kind="latency", at_s=0, duration_s=1.9, settings={"latency_ms": latency_ms})
    return Phase(name=f"rung-{latency_ms}", duration_s=RUNG_S, users=1, faults=(fault,) if latency_ms else ())


LADDER = Scenario(name="ladder", title="Ladder", question="?", phases=tuple(map(rung, LADDER_MS)))


def climbed(target: str, repetition: int = 1, *, slower: float = 1.0) -> TrialBuilder:
    """With a pool a read waits three times (ping, begin, select), its return once; without, four times more."""
    pooled = target.startswith("pool")
    built = TrialBuilder(LADDER, target_info(target, {"pool_size": 10 if pooled else None}), repetition)
    built.mark_phases()
    for place, latency_ms in enumerate(LADDER_MS):
        starts_s, wait_ms, phase = place * RUNG_S, latency_ms * slower, f"rung-{latency_ms}"
        if latency_ms:
            built.mark_fault(f"{phase}/1:latency", planned_s=starts_s, heal_planned_s=starts_s + 1.9)
        acquire_ms, connect_ms, release_ms = 0.5 + wait_ms, 0.0, 0.2 + wait_ms
        if not pooled:
            acquire_ms, connect_ms, release_ms = 5 + 4 * wait_ms, 5 + 4 * wait_ms, 0.4 + wait_ms
        built.requests += [
            Request(
                phase,
                starts_s + 0.5,
                acquire_ms + 1 + 2 * wait_ms,
                acquire_ms=acquire_ms,
                connect_ms=connect_ms,
                query_ms=0.3 + 2 * wait_ms,
            )
        ] * 10
        built.readings.append(
            TimesReading(
                t_ns=ns(starts_s + RUNG_S),
                phase=phase,
                of="release",
                count=10,
                p50_ms=release_ms,
                p90_ms=None,
                p99_ms=None,
                max_ms=release_ms,
            )
        )
    return built


def ladders(path: Path, *built: TrialBuilder) -> dict[tuple[LifePart, str], list[Rung]]:
    summary = analyse(read_run(write_run(path / "run", list(built))))
    found = life_of_requests(summary.scenarios[0], LOGINS)
    assert len({(ladder.part, ladder.login) for ladder in found}) == len(found)
    return {(ladder.part, ladder.login): list(ladder.rungs) for ladder in found}


def values(rungs: list[Rung]) -> list[float]:
    assert [float(latency_ms) for latency_ms in LADDER_MS] == [rung.x for rung in rungs]
    return [rung.value for rung in rungs]


def test_every_part_is_told_by_rung(tmp_path: Path) -> None:
    found = ladders(tmp_path, climbed("pool"), climbed("none"))

    assert {(part, "trust") for part in LifePart} == set(found)
    expected = {
        LifePart.ACQUIRE: [0.5, 4.5, 8.5],
        LifePart.QUERY: [0.3, 8.3, 16.3],
        LifePart.RELEASE: [0.2, 4.2, 8.2],
        LifePart.CONNECT: [5, 21, 37],
        LifePart.CLOSE: [0.4, 4.4, 8.4],
        LifePart.SPEEDUP: [6 / 1.5, 30 / 13.5, 54 / 25.5],  # response times: acquire, 1 ms and two waits
    }
    for part, told in expected.items():
        assert told == pytest.approx(values(found[part, "trust"]), rel=0.005), part


def test_each_login_has_its_own(tmp_path: Path) -> None:
    found = ladders(tmp_path, climbed("pool"), climbed("none"), climbed("pool-tls", slower=2))

    assert [0.5, 4.5, 8.5] == pytest.approx(values(found[LifePart.ACQUIRE, "trust"]), rel=0.005)
    assert [0.5, 8.5, 16.5] == pytest.approx(values(found[LifePart.ACQUIRE, "tls"]), rel=0.005)
    assert {LifePart.ACQUIRE, LifePart.QUERY, LifePart.RELEASE} == {part for part, of in found if of == "tls"}


def test_the_interval_is_over_repetitions_and_ratios_are_paired_by_them(tmp_path: Path) -> None:
    pools = [climbed("pool", 1), climbed("pool", 2, slower=1.5)]
    found = ladders(tmp_path, *pools, climbed("none", 1), climbed("none", 2, slower=1.5))

    acquire = found[LifePart.ACQUIRE, "trust"][1]
    assert (4.5, 6.5) == pytest.approx((acquire.low, acquire.high), rel=0.005)
    speedup = found[LifePart.SPEEDUP, "trust"][1]
    slow = (5 + 24 + 1 + 12) / (0.5 + 6 + 1 + 12)
    assert sorted((30 / 13.5, slow)) == pytest.approx([speedup.low, speedup.high], rel=0.005)


def test_a_login_that_could_not_be_had_is_left_out(tmp_path: Path) -> None:
    missing = [climbed("pool-tls"), climbed("none-tls")]
    for built in missing:
        built.state, built.reason = TrialState.FAILED, "the login 'tls' cannot be had"
        built.requests, built.marks, built.readings = [], [], []

    found = ladders(tmp_path, *missing, climbed("pool"), climbed("none"))

    assert {"trust"} == {login for _, login in found}


def test_where_the_claim_of_1_to_5_ms_turns_is_between_two_rungs(tmp_path: Path) -> None:
    found = ladders(tmp_path, climbed("pool"), climbed("none"))

    seen = along_ladder(found[LifePart.ACQUIRE, "trust"], Claimed(1, 5))

    assert (Crossing(0, 4, "above"), Crossing(4, 8, "below")) == seen.crossings
