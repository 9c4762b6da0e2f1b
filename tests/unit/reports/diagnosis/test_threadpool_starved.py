"""threadpool-starved is named where threads are gone and connections idle, and not where threads wait for them."""

from __future__ import annotations

from pathlib import Path

from reports.diagnosis.rule import CannotTell, Seen
from reports.diagnosis.rules.threadpool_starved import RULE
from tests.unit.reports.builder import Request, pool_reading
from tests.unit.reports.diagnosis.support import every, evidence_of, host, inside, sessions, trial_of, under_way

REQUESTS = [Request("steady", n / 50, 800.0) for n in range(60)]


def seen(tmp_path: Path, *, borrowed: int, out: int, waiting: int) -> Seen | CannotTell | None:
    read = every(
        20,
        lambda t: inside(t, tokens=40, borrowed=borrowed, threads_waited_for=12 if borrowed == 40 else 0),
        lambda t: pool_reading(t, out, limit=10, waiting=waiting),
    )
    return RULE.asked(evidence_of(tmp_path, trial_of(REQUESTS, read)))


def test_threads_that_do_other_work_are_named(tmp_path: Path) -> None:
    said = seen(tmp_path, borrowed=40, out=1, waiting=0)
    assert isinstance(said, Seen)
    assert "all 40 threads" in said.said[0]


def test_threads_that_wait_for_the_pool_are_not(tmp_path: Path) -> None:
    assert seen(tmp_path, borrowed=40, out=10, waiting=30) is None


def test_threads_that_are_left_are_not(tmp_path: Path) -> None:
    assert seen(tmp_path, borrowed=12, out=1, waiting=0) is None


def from_outside(tmp_path: Path, *, threads: int, active: int, idle: int) -> Seen | CannotTell | None:
    read = every(
        20,
        lambda t: host(t, t / 50, threads=threads),
        lambda t: sessions(t, active=active, idle=idle),
        lambda t: under_way(t, 20),
    )
    return RULE.asked(evidence_of(tmp_path, trial_of(REQUESTS, read)))


def test_without_a_probe_a_plateau_of_threads_and_idle_sessions_tell(tmp_path: Path) -> None:
    assert isinstance(from_outside(tmp_path, threads=45, active=0, idle=5), Seen)


def test_sessions_at_work_rule_it_out(tmp_path: Path) -> None:
    assert from_outside(tmp_path, threads=45, active=5, idle=0) is None


def test_few_threads_rule_it_out(tmp_path: Path) -> None:
    assert from_outside(tmp_path, threads=9, active=0, idle=5) is None


def test_the_client_alone_cannot_tell(tmp_path: Path) -> None:
    assert isinstance(RULE.asked(evidence_of(tmp_path, trial_of(REQUESTS))), CannotTell)
