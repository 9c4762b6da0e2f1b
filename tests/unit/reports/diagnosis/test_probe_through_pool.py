"""probe-through-pool is named where a liveness check fails with the pool, and not where it is answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.records import Outcome
from reports.diagnosis.rule import CannotTell, Seen
from reports.diagnosis.rules.probe_through_pool import RULE
from tests.unit.reports.builder import Request, pool_reading
from tests.unit.reports.diagnosis.support import every, evidence_of, sessions, trial_of


def requests(name: str, failed: int, after_ms: float) -> list[Request]:
    return [
        Request("steady", n / 20, after_ms, Outcome.UNKNOWN, "http-500", operation=name)
        if n < failed
        else Request("steady", n / 20, 900.0, operation=name)
        for n in range(30)
    ]


def seen(tmp_path: Path, name: str, *, failed: int, after_ms: float = 1000.0) -> Seen | CannotTell | None:
    read = every(20, lambda t: pool_reading(t, 4, limit=4, waiting=9, timed_out_total=round(20 * t)))
    asked = [*requests("/slow", 20, 1000.0), *requests(name, failed, after_ms)]
    return RULE.asked(evidence_of(tmp_path, trial_of(asked, read)))


@pytest.mark.parametrize("name", ["/healthz", "/health", "/livez", "/api/status", "GET /ping", "/health/live"])
def test_a_check_that_fails_with_the_pool_is_named(tmp_path: Path, name: str) -> None:
    assert isinstance(seen(tmp_path, name, failed=20), Seen)


@pytest.mark.parametrize("name", ["/ready", "/health/ready", "/orders", "/delivery", "/upload"])
def test_other_routes_may_ask_the_database(tmp_path: Path, name: str) -> None:
    assert seen(tmp_path, name, failed=20) is None


def test_a_check_that_is_answered_is_not(tmp_path: Path) -> None:
    assert seen(tmp_path, "/healthz", failed=0) is None


def test_a_check_that_fails_for_a_reason_of_its_own_is_not(tmp_path: Path) -> None:
    assert seen(tmp_path, "/healthz", failed=20, after_ms=5.0) is None


def test_without_a_probe_the_failures_tell(tmp_path: Path) -> None:
    asked = [*requests("/slow", 20, 1000.0), *requests("/healthz", 20, 1000.0)]
    read = every(20, lambda t: sessions(t, active=4))
    assert isinstance(RULE.asked(evidence_of(tmp_path, trial_of(asked, read))), Seen)


def test_the_client_alone_cannot_tell(tmp_path: Path) -> None:
    asked = [*requests("/slow", 20, 1000.0), *requests("/healthz", 20, 1000.0)]
    assert isinstance(RULE.asked(evidence_of(tmp_path, trial_of(asked))), CannotTell)
