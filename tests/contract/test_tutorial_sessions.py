"""What the tutorial's targets do with their sessions: when one has a connection, and when it gives it back."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.contract.conftest import TargetFactory
from tests.contract.contract_support import RunningTarget, backends, wait_until

pytestmark = pytest.mark.integration

CLOSING = ["get-db", "with-session"]
COLLECTED = ["no-finally", "returned-session"]
RAISED = "/trouble/raised/1"


def status(target: RunningTarget, path: str) -> int:
    """On a connection of its own: after an endpoint has raised, uvicorn closes the one that it answered on."""
    return target.client.get(path, headers={"Connection": "close"}).status_code


def statuses(target: RunningTarget, path: str, requests: int) -> list[int]:
    with ThreadPoolExecutor(requests) as threads:
        return sorted(threads.map(lambda _: target.client.get(path).status_code, range(requests)))


def test_a_session_has_no_connection_before_its_first_statement(start: TargetFactory) -> None:
    target = start("get-db", pool_size=1, max_overflow=0, pool_timeout_s=0.1)
    assert statuses(target, "/idle?ms=400", 5) == [200] * 5
    assert (target.pool()["checkouts_total"], backends(target.database_url)) == (0, 0)
    assert statuses(target, "/idle?ms=400&statement=true", 5) == [200, 503, 503, 503, 503]


@pytest.mark.parametrize("name", CLOSING)
def test_a_closed_session_gives_its_connection_back_however_the_request_ends(
    start: TargetFactory, name: str
) -> None:
    target = start(name, pool_size=2, max_overflow=0, pool_timeout_s=0.5)
    too_much = {"token": str(uuid.uuid4()), "from_user_id": 1, "to_user_id": 2, "amount_cents": 10**14}
    taken = {"name": "x", "email": "user1@example.org", "balance_cents": 0}
    for _ in range(4):
        asked = [
            status(target, "/users/1"),
            status(target, "/users/99999"),
            status(target, RAISED),
            status(target, "/trouble/statement"),
            status(target, "/trouble/input/1?amount=much"),
            target.client.post("/transfers", json=too_much).status_code,
            target.client.post("/users", json=taken).status_code,
        ]
        assert asked == [200, 404, 500, 500, 422, 409, 409]
        pool = target.settles()
        assert (pool["opened_total"] - pool["closed_total"]) <= 2


def test_sessions_that_nobody_closes_are_collected_before_the_pool_is_empty(start: TargetFactory) -> None:
    for name in COLLECTED:
        target = start(name, pool_timeout_s=0.2)
        assert [status(target, RAISED) for _ in range(90)] == [500] * 90
        assert 1 <= target.pool()["checked_out_max"] <= 30


@pytest.mark.parametrize("name", ["no-finally-tracked", "no-finally-uncollected"])
def test_what_is_not_collected_keeps_a_connection_each_until_the_pool_is_empty(
    start: TargetFactory, name: str
) -> None:
    target = start(name, pool_size=2, max_overflow=1, pool_timeout_s=0.2)
    assert [status(target, RAISED) for _ in range(5)] == [500, 500, 500, 503, 503]
    assert target.client.get("/users/1").status_code == 503
    assert (target.pool()["checked_out"], target.pool()["status"]) == (3, "exhausted")


def test_kept_exceptions_keep_nothing_of_a_session_that_was_closed(start: TargetFactory) -> None:
    target = start("get-db", pool_size=2, max_overflow=1, pool_timeout_s=0.2)
    assert [status(target, RAISED) for _ in range(9)] == [500] * 9
    target.settles()


def test_one_session_for_all_has_one_connection_and_keeps_it(start: TargetFactory) -> None:
    target = start("shared-session")
    assert [target.client.get(f"/users/{user}").json()["id"] for user in range(1, 9)] == list(range(1, 9))
    wait_until(lambda: target.pool()["waiting"] == 0, "nobody waits")
    assert (target.pool()["checked_out"], target.pool()["checked_out_max"]) == (1, 1)
    assert backends(target.database_url) == 1
