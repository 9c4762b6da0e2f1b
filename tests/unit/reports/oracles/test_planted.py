"""Oracles on synthetic histories: each planted anomaly breaks the one that it is for, and no other."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.records import BankReading, DatabaseReading, Outcome, PoolReading
from reports.oracles import judge, judge_all
from reports.oracles.cases import BROKEN, ORACLES, PASSED, UNKNOWN, Case, Disturbance, Judgement, Wait
from reports.summary import OracleVerdict
from tests.unit.reports.builder import ns, pool_reading
from tests.unit.reports.oracles.world import (
    LENGTH_S,
    LIMIT,
    TIMEOUT_S,
    TOTAL_CENTS,
    World,
    good_world,
    read_of,
    sessions,
)

SEEDS = range(25)
Plant = Callable[[World], None]
ALL = {"acquire", "bank", "bound", "leak", "ledger", "recovery", "staleness"}


def verdicts(case: Case) -> dict[str, OracleVerdict]:
    return {name: judgement.verdict for name, judgement in judge(case).items()}


def but(verdict: OracleVerdict, *names: str) -> dict[str, OracleVerdict]:
    return dict.fromkeys(ALL, PASSED) | dict.fromkeys(names, verdict)


def money_made_and_lost_again(world: World) -> None:
    place = world.any_reading(BankReading)
    world.change(place, total_cents=TOTAL_CENTS + world.rng.choice([-1, 1]) * world.rng.randint(1, 9_999))


def money_gone_in_the_end(world: World) -> None:
    world.total_after_cents -= world.rng.randint(1, 9_999)


def balance_below_zero_for_a_moment(world: World) -> None:
    world.change(world.any_reading(BankReading), negative_balances=1)


def balance_below_zero_in_the_end(world: World) -> None:
    world.negative_balances = world.rng.randint(1, 3)


def acknowledged_transfer_lost(world: World) -> None:
    world.stored.remove(world.of(Outcome.OK).token)


def refused_transfer_done(world: World) -> None:
    world.stored.append(world.of(Outcome.REFUSED, Outcome.FAILED).token)


def transfer_stored_twice(world: World) -> None:
    world.stored.append(world.of(Outcome.OK).token)


def connection_never_returned(world: World) -> None:
    left = world.rng.randint(1, LIMIT)
    world.pool_at_end = pool_reading(LENGTH_S, left, checkouts_total=900)


def session_of_no_pool(world: World) -> None:
    world.sessions_at_end = sessions(LENGTH_S, world.pool_at_end.checked_in + world.rng.randint(1, 5))


def session_left_in_a_transaction(world: World) -> None:
    world.sessions_at_end = sessions(LENGTH_S, 4, idle_in_transaction=1)


def wait_beyond_the_timeout(world: World) -> None:
    world.waits[0] = replace(world.waits[0], longest_ms=world.rng.uniform(500, 5_000), own_ms=50.0)


def refusal_far_too_late(world: World) -> None:
    world.waits[1] = replace(world.waits[1], longest_ms=TIMEOUT_S * 1000 + world.rng.uniform(260, 9_000))


def more_out_than_allowed(world: World) -> None:
    out = LIMIT + world.rng.randint(1, 9)
    world.change(world.any_reading(PoolReading), checked_out=out, checked_out_max=out)


def more_sessions_than_allowed(world: World) -> None:
    first_s = world.rng.choice([8.0, 11.0, 15.4])
    world.readings = [r for r in world.readings if not isinstance(r, DatabaseReading) or r.t_ns < ns(first_s)]
    world.readings += [sessions(first_s + n / 5, LIMIT + world.rng.randint(1, 9)) for n in range(3)]


def own_write_missed_at_first(world: World) -> None:
    write = world.of(Outcome.OK)
    assert write.answered_ns is not None
    world.reads = [read for read in world.reads if read.token != write.token]
    looks = world.rng.randint(1, 20)
    world.reads += [read_of(write, n * 7_000_000, n == looks) for n in range(looks + 1)]


def own_write_never_seen(world: World) -> None:
    write = world.of(Outcome.OK)
    world.reads = [read for read in world.reads if read.token != write.token]
    world.reads += [read_of(write, n * 7_000_000, False) for n in range(20)]


def own_write_gone_again(world: World) -> None:
    world.reads.append(read_of(world.of(Outcome.OK), 90_000_000, False))


def no_success_after_the_healing(world: World) -> None:
    world.returns[0] = replace(world.returns[0], first_success_ms=None, normal_p50_ms=None)


def never_as_fast_as_before(world: World) -> None:
    world.returns[0] = replace(world.returns[0], normal_p50_ms=None)


@pytest.mark.parametrize("seed", SEEDS)
def test_where_all_is_right_every_oracle_passes(seed: int) -> None:
    said = judge(good_world(seed).case())
    assert but(PASSED) == {name: judgement.verdict for name, judgement in said.items()}, said
    assert all(judgement.evidence for judgement in said.values())


@pytest.mark.parametrize(
    ("plant", "breaks"),
    [
        (money_made_and_lost_again, "bank"),
        (money_gone_in_the_end, "bank"),
        (balance_below_zero_for_a_moment, "bank"),
        (balance_below_zero_in_the_end, "bank"),
        (acknowledged_transfer_lost, "ledger"),
        (refused_transfer_done, "ledger"),
        (transfer_stored_twice, "ledger"),
        (connection_never_returned, "leak"),
        (session_of_no_pool, "leak"),
        (session_left_in_a_transaction, "leak"),
        (wait_beyond_the_timeout, "acquire"),
        (refusal_far_too_late, "acquire"),
        (more_out_than_allowed, "bound"),
        (more_sessions_than_allowed, "bound"),
        (own_write_missed_at_first, "staleness"),
        (own_write_never_seen, "staleness"),
        (own_write_gone_again, "staleness"),
        (no_success_after_the_healing, "recovery"),
        (never_as_fast_as_before, "recovery"),
    ],
)
def test_a_planted_anomaly_breaks_its_oracle_and_no_other(plant: Plant, breaks: str) -> None:
    for seed in SEEDS:
        world = good_world(seed)
        plant(world)
        assert but(BROKEN, breaks) == verdicts(world.case()), f"seed {seed}"


def request_missing(world: World) -> None:
    world.not_in_history = world.rng.randint(1, 9)


def requests_dropped(world: World) -> None:
    world.dropped = 1


def write_twice_in_the_history(world: World) -> None:
    world.writes.append(world.of(Outcome.OK))


def stored_token_of_nobody(world: World) -> None:
    world.stored.append(str(uuid.UUID(int=world.rng.getrandbits(128), version=4)))


def read_of_a_token_of_nobody(world: World) -> None:
    read = read_of(world.of(Outcome.OK), 0, True)
    world.reads.append(read.model_copy(update={"token": "nobody-sent-this"}))


def answered_before_it_was_sent(world: World) -> None:
    place = world.writes.index(world.of(Outcome.OK))
    world.writes[place] = world.writes[place].model_copy(update={"answered_ns": world.writes[place].sent_ns - 1})


def sent_before_the_trial(world: World) -> None:
    place = world.rng.randrange(len(world.reads))
    world.reads[place] = world.reads[place].model_copy(update={"sent_ns": -1})


@pytest.mark.parametrize(
    ("plant", "why"),
    [
        (request_missing, "of the"),
        (requests_dropped, "beyond what a history holds"),
        (write_twice_in_the_history, "was sent twice"),
        (stored_token_of_nobody, "a token that nobody sent"),
        (read_of_a_token_of_nobody, "a token that nobody sent"),
        (answered_before_it_was_sent, "the clock went back"),
        (sent_before_the_trial, "the clock went back"),
    ],
)
def test_a_history_that_cannot_be_believed_leaves_unknown_what_rests_on_it(plant: Plant, why: str) -> None:
    for seed in SEEDS:
        world = good_world(seed)
        plant(world)
        said = judge(world.case())
        assert but(UNKNOWN, "ledger", "staleness") == verdicts(world.case()), f"seed {seed}"
        assert why in said["ledger"].said
        assert why in said["staleness"].said


def test_a_lost_transfer_in_a_history_with_holes_is_not_called_lost() -> None:
    world = good_world(1)
    acknowledged_transfer_lost(world)
    request_missing(world)
    assert but(UNKNOWN, "ledger", "staleness") == verdicts(world.case())


def few_transfers(world: World) -> None:
    world.writes = [write for write in world.writes if write.outcome is not Outcome.OK]
    known = {write.token for write in world.writes}
    world.stored = [token for token in world.stored if token in known]
    world.reads = []


def pool_hardly_used(world: World) -> None:
    world.pool_at_end = pool_reading(LENGTH_S, 0, checkouts_total=19)


def sessions_not_counted(world: World) -> None:
    world.sessions_at_end = None


def few_waits(world: World) -> None:
    world.waits = [replace(world.waits[0], count=19)]


def no_waits(world: World) -> None:
    world.waits = []


def few_readings(world: World) -> None:
    world.readings = [r for r in world.readings if isinstance(r, BankReading) or r.t_ns < ns(0.5)]


def no_fault(world: World) -> None:
    world.returns = []


def hardly_watched_after_the_healing(world: World) -> None:
    world.returns[0] = replace(world.returns[0], requests=9)


def cut_off_by_the_end(world: World) -> None:
    world.returns[0] = replace(world.returns[0], normal_p50_ms=None, watched_ms=900.0)


def usual_not_known(world: World) -> None:
    world.returns[0] = replace(world.returns[0], normal=0, normal_p50_ms=None)


def reads_that_tell_nothing(world: World) -> None:
    world.reads = [read.model_copy(update={"seen": None}) for read in world.reads]


@pytest.mark.parametrize(
    ("plant", "unknown"),
    [
        (few_transfers, ("bank", "ledger", "staleness")),
        (pool_hardly_used, ("leak",)),
        (sessions_not_counted, ("leak",)),
        (few_waits, ("acquire",)),
        (no_waits, ("acquire",)),
        (few_readings, ("bound",)),
        (no_fault, ("recovery",)),
        (hardly_watched_after_the_healing, ("recovery",)),
        (cut_off_by_the_end, ("recovery",)),
        (usual_not_known, ("recovery",)),
        (reads_that_tell_nothing, ("staleness",)),
    ],
)
def test_too_little_evidence_is_unknown_and_never_passed(plant: Plant, unknown: tuple[str, ...]) -> None:
    for seed in SEEDS:
        world = good_world(seed)
        plant(world)
        assert but(UNKNOWN, *unknown) == verdicts(world.case()), f"seed {seed}"


def test_nothing_at_all_passes_nothing() -> None:
    world = World(good_world(0).rng)
    world.pool_at_end = pool_reading(LENGTH_S, 0)
    assert dict.fromkeys(ALL, UNKNOWN) == verdicts(world.case())


def test_a_session_just_closed_or_orphaned_by_a_fault_is_not_held_against_the_pool() -> None:
    world = good_world(2)
    world.disturbances = [Disturbance(ns(5), ns(6))]
    world.readings = [r for r in world.readings if not isinstance(r, DatabaseReading)]
    for n in range(1, 100):
        orphans = 5.0 <= n / 5 < 7.0 or n % 10 in (
            3,
            4,
        )  # while a fault acts and for 1 s after it; else twice in a row
        world.readings.append(sessions(n / 5, LIMIT + 4 * orphans))
    assert but(PASSED) == verdicts(world.case())


def test_a_session_that_the_pool_opened_after_the_drain_is_not_held_against_it() -> None:
    """An app's answers are asked once more before its sessions are counted."""
    world = good_world(2)
    opened = world.pool_at_end.checked_in + 1
    world.sessions_at_end = sessions(LENGTH_S, opened)
    assert verdicts(world.case())["leak"] is BROKEN
    world.pool_beside_sessions = world.pool_at_end.model_copy(update={"checked_in": opened})
    assert verdicts(world.case())["leak"] is PASSED


def test_opening_a_connection_is_not_waiting_for_one() -> None:
    world = good_world(3)
    world.waits = [Wait("read in far", 400, longest_ms=TIMEOUT_S * 1000 + 900, own_ms=900)]
    assert but(PASSED) == verdicts(world.case())


def test_an_oracle_that_fails_says_unknown_and_takes_no_other_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: Case) -> Judgement:
        raise ZeroDivisionError("of nothing")

    monkeypatch.setitem(ORACLES, "bank", fails)
    said = judge(good_world(4).case())
    assert but(UNKNOWN, "bank") == {name: judgement.verdict for name, judgement in said.items()}
    assert "the oracle could not be asked (ZeroDivisionError: of nothing)" == said["bank"].said


def test_of_several_trials_the_worst_speaks_and_evidence_adds_up() -> None:
    good, broken, unknown = good_world(5), good_world(6), good_world(7)
    money_gone_in_the_end(broken)
    few_transfers(unknown)
    cases = [good.case(), unknown.case(), broken.case()]
    results = {result.oracle: result for result in judge_all(cases)}
    assert BROKEN is results["bank"].verdict
    assert results["bank"].said.startswith("000-x-a-r1: after the load the sum was off by -")
    assert UNKNOWN is results["ledger"].verdict
    assert PASSED is results["leak"].verdict
    assert sum(judge(case)["bank"].evidence for case in cases) == results["bank"].evidence
    assert () == judge_all([])
