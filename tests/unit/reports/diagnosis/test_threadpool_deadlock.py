"""threadpool-deadlock is named where every thread waits for a connection, and not where the holders have one."""

from __future__ import annotations

from pathlib import Path

from harness.records import Outcome
from reports.diagnosis.rule import CannotTell, Seen
from reports.diagnosis.rules.threadpool_deadlock import RULE
from tests.unit.reports.builder import Request, pool_reading
from tests.unit.reports.diagnosis.support import every, evidence_of, host, inside, sessions, trial_of, under_way

REQUESTS = [Request("steady", n / 50, 3000.0) for n in range(60)]


def seen(tmp_path: Path, *, waiting: int, active: int = 0, nested: int = 0) -> Seen | CannotTell | None:
    read = every(
        20,
        lambda t: inside(
            t, tokens=40, borrowed=40, threads_waited_for=15, nested_waits=round(nested * t), nested=0
        ),
        lambda t: pool_reading(t, 5, limit=5, waiting=waiting),
        lambda t: sessions(t, active, idle_in_transaction=5 - active),
    )
    return RULE.asked(evidence_of(tmp_path, trial_of(REQUESTS, read)))


def test_threads_that_all_wait_are_named(tmp_path: Path) -> None:
    said = seen(tmp_path, waiting=40)
    assert isinstance(said, Seen)
    assert "fewer than 45 requests" in said.remedy


def test_holders_with_a_thread_are_an_exhausted_pool(tmp_path: Path) -> None:
    assert seen(tmp_path, waiting=35) is None


def test_holders_at_work_are_an_exhausted_pool(tmp_path: Path) -> None:
    assert seen(tmp_path, waiting=40, active=5) is None


def test_holders_that_wait_for_a_second_connection_are_not(tmp_path: Path) -> None:
    assert seen(tmp_path, waiting=40, nested=10) is None


GAVE_UP = [Request("steady", n / 50, 3000.0, Outcome.UNKNOWN, "http-500") for n in range(20)]


def from_outside(
    tmp_path: Path, *, threads: int, in_flight: int, active: int = 0, asked: int = 80
) -> Seen | CannotTell | None:
    read = every(
        20,
        lambda t: host(t, t / 50, threads=threads),
        lambda t: sessions(t, active, idle_in_transaction=5 - active),
        lambda t: under_way(t, in_flight),
    )
    return RULE.asked(evidence_of(tmp_path, trial_of([*REQUESTS, *GAVE_UP][:asked], read)))


def test_without_a_probe_a_standstill_of_threads_and_sessions_tells(tmp_path: Path) -> None:
    assert isinstance(from_outside(tmp_path, threads=46, in_flight=60), Seen)


def test_where_nobody_gives_up_threads_are_lacking(tmp_path: Path) -> None:
    assert from_outside(tmp_path, threads=46, in_flight=60, asked=60) is None


def test_fewer_requests_rule_it_out(tmp_path: Path) -> None:
    assert from_outside(tmp_path, threads=46, in_flight=30) is None


def test_sessions_at_work_rule_it_out(tmp_path: Path) -> None:
    assert from_outside(tmp_path, threads=46, in_flight=60, active=5) is None


def test_the_client_alone_cannot_tell(tmp_path: Path) -> None:
    assert isinstance(RULE.asked(evidence_of(tmp_path, trial_of(REQUESTS))), CannotTell)
