"""Connections that PostgreSQL refuses are the pool's, where there is one, and otherwise those of no pool."""

from __future__ import annotations

from pathlib import Path

from harness.records import DatabaseTotals, ErrorsReading, Reading
from reports.diagnosis.evidence import Evidence
from reports.diagnosis.rule import CannotTell, Seen
from reports.diagnosis.rules.no_pool_no_cap import RULE as NO_POOL
from reports.diagnosis.rules.too_many_clients import RULE as TOO_MANY
from tests.unit.reports.builder import Request, ns, pool_reading
from tests.unit.reports.diagnosis.support import every, evidence_of, inside, sessions, totalled, trial_of

REQUESTS = [Request("steady", n / 50, 50.0) for n in range(80)]


def probed(tmp_path: Path, *, limit: int | None, opened: int, refused: int | None = 20) -> Evidence:
    def gauges(t: float) -> Reading:
        so_far = round(opened * t / 1.9)
        return pool_reading(t, 8, limit=limit, opened_total=so_far, checkouts_total=round(80 * t / 1.9))

    told = None if refused is None else {"53300": refused}
    read = every(20, lambda t: inside(t, errors=told), gauges, lambda t: sessions(t, active=10))
    return evidence_of(tmp_path, trial_of(REQUESTS, read))


def test_a_pool_that_may_open_too_many_is_named(tmp_path: Path) -> None:
    evidence = probed(tmp_path, limit=40, opened=30)
    said = TOO_MANY.asked(evidence)
    assert isinstance(said, Seen)
    assert "10 in each of 1" in said.remedy
    assert NO_POOL.asked(evidence) is None


def test_no_pool_is_named(tmp_path: Path) -> None:
    evidence = probed(tmp_path, limit=None, opened=80)
    assert isinstance(NO_POOL.asked(evidence), Seen)
    assert TOO_MANY.asked(evidence) is None


def test_without_a_refusal_neither_is(tmp_path: Path) -> None:
    assert NO_POOL.asked(probed(tmp_path / "none", limit=None, opened=80, refused=0)) is None
    assert TOO_MANY.asked(probed(tmp_path / "pool", limit=40, opened=30, refused=0)) is None


def logged(tmp_path: Path, opened: int, idle: int) -> Evidence:
    """Without a probe, from PostgreSQL's own log and totals."""
    errors = ErrorsReading(t_ns=ns(1.0), counts={"53300": 20}, order=("53300",))
    read = [*every(20, lambda t: sessions(t, active=10 - idle, idle=idle)), errors]
    totals = DatabaseTotals(sessions=opened, deadlocks=0, commits=80, rollbacks=80)
    return totalled(evidence_of(tmp_path, trial_of(REQUESTS, read)), totals)


def test_without_a_probe_the_log_tells_and_sessions_tell_them_apart(tmp_path: Path) -> None:
    each, shared = logged(tmp_path / "each", 80, 0), logged(tmp_path / "shared", 30, 5)
    assert isinstance(NO_POOL.asked(each), Seen)
    assert TOO_MANY.asked(each) is None
    assert isinstance(TOO_MANY.asked(shared), Seen)
    assert NO_POOL.asked(shared) is None


def test_the_client_alone_cannot_tell(tmp_path: Path) -> None:
    evidence = evidence_of(tmp_path, trial_of(REQUESTS))
    assert isinstance(NO_POOL.asked(evidence), CannotTell)
    assert isinstance(TOO_MANY.asked(evidence), CannotTell)
