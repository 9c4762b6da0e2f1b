"""idle-in-transaction is named where connections are held and unused, and not where statements are slow."""

from __future__ import annotations

from pathlib import Path

from reports.diagnosis.rule import CannotTell, Seen
from reports.diagnosis.rules.idle_in_transaction import RULE
from reports.summary import Sureness
from scenarios.model import FaultSpec
from tests.unit.reports.builder import Request, pool_reading
from tests.unit.reports.diagnosis.support import SCENARIO, every, evidence_of, host, inside, sessions, trial_of

REQUESTS = [Request("steady", n / 50, 500.0) for n in range(60)]


def seen(
    tmp_path: Path, *, idle: float, query: float, out: int = 4, cores: float = 0.1
) -> Seen | CannotTell | None:
    """Milliseconds that connections were held without and with a statement, for each second."""
    read = every(
        20,
        lambda t: inside(t, idle_ms_total=idle * t, query_ms_total=query * t),
        lambda t: pool_reading(t, out, limit=4),
        lambda t: host(t, cores * t),
    )
    return RULE.asked(evidence_of(tmp_path, trial_of(REQUESTS, read)))


def test_connections_held_without_a_statement_are_named(tmp_path: Path) -> None:
    said = seen(tmp_path, idle=3800, query=100)
    assert isinstance(said, Seen)
    assert said.said[0].startswith("97%")


def test_slow_statements_are_not(tmp_path: Path) -> None:
    assert seen(tmp_path, idle=100, query=3800) is None


def test_a_pool_with_room_is_not(tmp_path: Path) -> None:
    assert seen(tmp_path, idle=900, query=10, out=1) is None


def test_an_app_that_computes_meanwhile_is_not(tmp_path: Path) -> None:
    assert seen(tmp_path, idle=2000, query=100, cores=0.75) is None


def from_outside(tmp_path: Path, *, active: int, waiting: int, idle: int = 0) -> Seen | CannotTell | None:
    read = every(20, lambda t: sessions(t, active, idle, waiting), lambda t: host(t, t / 20))
    return RULE.asked(evidence_of(tmp_path, trial_of(REQUESTS, read)))


def test_without_a_probe_sessions_in_a_transaction_tell(tmp_path: Path) -> None:
    said = from_outside(tmp_path, active=0, waiting=4)
    assert isinstance(said, Seen)
    assert said.sure is Sureness.LIKELY


def test_without_a_probe_a_silent_link_explains_them(tmp_path: Path) -> None:
    silent = SCENARIO.phases[0].model_copy(
        update={"faults": (FaultSpec(kind="timeout", at_s=0.5, duration_s=1.0),)}
    )
    read = every(20, lambda t: sessions(t, 0, 0, 4), lambda t: host(t, t / 20))
    trial = trial_of(REQUESTS, read, scenario=SCENARIO.model_copy(update={"phases": (silent,)}))
    trial.mark_fault("steady/1:timeout", planned_s=0.5, heal_planned_s=1.5)
    said = RULE.asked(evidence_of(tmp_path, trial))
    assert isinstance(said, CannotTell)
    assert "kept answers from the app" in said.why


def test_sessions_at_work_rule_it_out(tmp_path: Path) -> None:
    assert from_outside(tmp_path, active=4, waiting=0) is None


def test_the_client_alone_cannot_tell(tmp_path: Path) -> None:
    assert isinstance(RULE.asked(evidence_of(tmp_path, trial_of(REQUESTS))), CannotTell)
