"""Every route and every kind of error, on every target with its default settings."""

from __future__ import annotations

import re
import uuid
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from targets.contract import USER_COLUMNS
from targets.schema import BIO_CHARS, SEED_BALANCE_CENTS
from tests.contract.contract_support import RunningTarget

pytestmark = pytest.mark.integration

PARTS = ("acquire", "connect", "ping", "query")
TIMING = re.compile(", ".join(rf"{part};dur=(\d+\.\d{{3}})" for part in PARTS))


def timing(response: httpx.Response) -> dict[str, float]:
    match = TIMING.fullmatch(response.headers["server-timing"])
    assert match is not None
    return dict(zip(PARTS, map(float, match.groups()), strict=True))


def problem(response: httpx.Response) -> tuple[int, str, str]:
    """Status, kind and effect of a response that must be a well-formed problem."""
    body = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert set(body) == {"type", "title", "status", "detail", "kind", "effect"}
    assert body["type"] == f"urn:poolstorm:problem:{body['kind']}"
    assert body["status"] == response.status_code
    return body["status"], body["kind"], body["effect"]


INVALID = (422, "invalid-input", "none")
NOT_FOUND = (404, "not-found", "none")
CONFLICT = (409, "conflict", "none")


def transfer(sender: int = 1, receiver: int = 2, cents: Any = 5, token: Any = None) -> dict[str, Any]:
    return {
        "token": token or str(uuid.uuid4()),
        "from_user_id": sender,
        "to_user_id": receiver,
        "amount_cents": cents,
    }


def test_a_user_is_read(bank: RunningTarget) -> None:
    response = bank.client.get("/users/7")
    body = response.json()
    assert response.status_code == 200
    assert set(body) == set(USER_COLUMNS)
    assert (body["id"], body["name"], body["email"]) == (7, "User 7", "user7@example.org")
    assert body["balance_cents"] == SEED_BALANCE_CENTS
    assert len(body["bio"]) == BIO_CHARS


def test_users_come_in_pages_with_all_columns_unless_told_otherwise(bank: RunningTarget) -> None:
    body = bank.client.get("/users").json()
    assert (body["page"], body["page_size"]) == (1, 20)
    assert [item["id"] for item in body["items"]] == list(range(1, 21))
    assert set(body["items"][0]) == set(USER_COLUMNS)


def test_a_list_holds_just_the_chosen_columns_of_the_chosen_page(bank: RunningTarget) -> None:
    body = bank.client.get("/users", params={"page": 3, "page_size": 2, "columns": "id,name"}).json()
    items = [{"id": 5, "name": "User 5"}, {"id": 6, "name": "User 6"}]
    assert body == {"items": items, "page": 3, "page_size": 2}


def test_the_page_after_the_last_is_empty(bank: RunningTarget) -> None:
    body = bank.client.get("/users", params={"page": 1_000_000, "page_size": 100}).json()
    assert body["items"] == []


def test_a_created_user_can_be_read(bank: RunningTarget) -> None:
    wanted = {"name": "Ada Ünal 'DROP", "email": f"{uuid.uuid4()}@example.org", "balance_cents": 12}
    created = bank.client.post("/users", json=wanted)
    assert created.status_code == 201
    assert created.json() == {**wanted, "id": created.json()["id"], "bio": ""}
    assert bank.client.get(f"/users/{created.json()['id']}").json() == created.json()


def test_a_second_user_with_the_same_email_conflicts(bank: RunningTarget) -> None:
    wanted = {"name": "Twin", "email": "user1@example.org", "balance_cents": 0}
    assert problem(bank.client.post("/users", json=wanted)) == CONFLICT


def test_a_transfer_moves_money_and_is_found_by_its_token(bank: RunningTarget) -> None:
    before = (bank.balance(11), bank.balance(12))
    wanted = transfer(11, 12, 250)
    response = bank.client.post("/transfers", json=wanted)
    assert response.status_code == 201
    assert response.json() == {**wanted, "created_at": response.json()["created_at"]}
    assert (bank.balance(11), bank.balance(12)) == (before[0] - 250, before[1] + 250)
    found = bank.client.get(f"/transfers/{wanted['token']}")
    assert (found.status_code, found.json()) == (200, response.json())


def test_a_transfer_sent_again_moves_nothing_and_answers_as_before(bank: RunningTarget) -> None:
    wanted = transfer(21, 22, 300)
    first = bank.client.post("/transfers", json=wanted)
    after = bank.balance(21)
    second = bank.client.post("/transfers", json=wanted)
    assert (second.status_code, second.json()) == (200, first.json())
    assert bank.balance(21) == after == SEED_BALANCE_CENTS - 300


def test_a_transfer_of_everything_can_still_be_sent_again(bank: RunningTarget) -> None:
    wanted = transfer(23, 24, SEED_BALANCE_CENTS)
    statuses = [bank.client.post("/transfers", json=wanted).status_code for _ in range(2)]
    assert statuses == [201, 200]


def test_a_used_token_with_other_content_conflicts(bank: RunningTarget) -> None:
    wanted = transfer(25, 26, 1)
    bank.client.post("/transfers", json=wanted)
    assert problem(bank.client.post("/transfers", json={**wanted, "amount_cents": 2})) == CONFLICT
    assert problem(bank.client.post("/transfers", json={**wanted, "to_user_id": 27})) == CONFLICT
    assert bank.balance(25) == SEED_BALANCE_CENTS - 1


def test_too_little_money_moves_none_and_leaves_the_token_free(bank: RunningTarget) -> None:
    wanted = transfer(31, 32, SEED_BALANCE_CENTS + 1)
    assert problem(bank.client.post("/transfers", json=wanted)) == (409, "insufficient-funds", "none")
    assert (bank.balance(31), bank.balance(32)) == (SEED_BALANCE_CENTS, SEED_BALANCE_CENTS)
    assert problem(bank.client.get(f"/transfers/{wanted['token']}")) == NOT_FOUND


@pytest.mark.parametrize(("sender", "receiver"), [(1, 2**62), (2**62, 1)])
def test_a_transfer_with_an_unknown_user_is_not_found(bank: RunningTarget, sender: int, receiver: int) -> None:
    assert problem(bank.client.post("/transfers", json=transfer(sender, receiver))) == NOT_FOUND


def test_a_hold_says_how_long_it_held_and_its_query_took_that_long(bank: RunningTarget) -> None:
    response = bank.client.get("/hold", params={"ms": 150})
    assert (response.status_code, response.json()) == (200, {"held_ms": 150})
    assert timing(response)["query"] >= 150


def test_slow_statements_are_logged_and_quick_ones_are_not(bank: RunningTarget) -> None:
    bank.client.get("/users/1")
    bank.client.get("/hold", params={"ms": 160})
    slow = [line for line in bank.log_path.read_text().splitlines() if " ms: " in line]
    assert len(slow) > 0
    assert all("pg_sleep" in line for line in slow)


@pytest.mark.parametrize(
    "path",
    ["/users/1", "/users?columns=id", "/hold?ms=0", "/users/999999", f"/transfers/{uuid.uuid4()}"],
)
def test_whatever_touched_the_pool_says_where_the_time_went(bank: RunningTarget, path: str) -> None:
    told = timing(bank.client.get(path))
    assert told["acquire"] >= told["connect"] + told["ping"] >= 0
    assert told["query"] > 0


def test_a_warm_request_connects_or_pings_and_both_are_told_and_counted(bank: RunningTarget) -> None:
    bank.client.get("/users/1")
    before = bank.settles()
    told = timing(bank.client.get("/users/1"))
    after = bank.settles()
    assert (told["ping"] > 0, told["connect"] > 0) == (bank.pings, not bank.pooled)
    counted = ("requests_total", "checkouts_total", "statements_total", "pings_total", "opened_total")
    assert [after[name] - before[name] for name in counted] == [1, 1, 1, bank.pings, not bank.pooled]


def test_how_long_connections_were_held_is_told_and_then_forgotten(bank: RunningTarget) -> None:
    bank.settles()
    bank.client.post("/health/times/take").raise_for_status()
    for ms in (30, 30, 60):
        bank.client.get("/hold", params={"ms": ms})
    bank.settles()
    taken = bank.client.post("/health/times/take").json()
    assert [taken[of]["count"] for of in ("held", "release")] == [3, 3]
    assert 30 <= taken["held"]["p50_ms"] <= 60 <= taken["held"]["max_ms"]
    assert 0 < taken["release"]["p50_ms"] <= taken["release"]["max_ms"] < taken["held"]["max_ms"]
    nothing = {"count": 0, "p50_ms": None, "p90_ms": None, "p99_ms": None, "max_ms": None}
    assert bank.client.post("/health/times/take").json() == {"held": nothing, "release": nothing}


@pytest.mark.parametrize("path", ["/health/live", "/health/db", "/settings", "/nowhere", "/users/x"])
def test_what_did_not_touch_the_pool_has_no_timing(bank: RunningTarget, path: str) -> None:
    assert "server-timing" not in bank.client.get(path).headers


def test_liveness_answers(bank: RunningTarget) -> None:
    response = bank.client.get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


def test_the_gauges_agree_with_the_settings(bank: RunningTarget) -> None:
    pool, defaults = bank.settles(), bank.target.defaults
    expected = (defaults.pool_size, defaults.limit) if "no-pool" not in bank.target.name else (0, None)
    assert (pool["size"], pool["limit"]) == expected
    assert (pool["status"], pool["overflow"], pool["checked_out"]) == ("ok", 0, 0)


def test_settings_are_told_without_an_address(bank: RunningTarget) -> None:
    response = bank.client.get("/settings")
    body, defaults = response.json(), bank.target.defaults
    pooled = {name: getattr(defaults, name) for name in ("pool_size", "max_overflow", "pool_timeout_s")}
    assert (body["target"], body["driver"]) == (bank.target.name, bank.target.driver)
    assert {name: body["pool"][name] for name in pooled} == (pooled if bank.pooled else dict.fromkeys(pooled))
    assert body["threadpool_tokens"] == 40
    assert bank.database_url.rpartition("@")[2] not in response.text


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/nowhere", NOT_FOUND),
        ("/users/999999", NOT_FOUND),
        (f"/transfers/{uuid.uuid4()}", NOT_FOUND),
        ("/users/0", INVALID),
        ("/users/x", INVALID),
        (f"/users/{2**63}", INVALID),
        ("/transfers/not-a-token", INVALID),
        ("/users?page=0", INVALID),
        ("/users?page_size=0", INVALID),
        ("/users?page_size=101", INVALID),
        ("/users?columns=id,password", INVALID),
        ("/users?columns=", INVALID),
        ("/hold?ms=-1", INVALID),
        ("/hold?ms=60001", INVALID),
        ("/hold?ms=soon", INVALID),
        ("/hold", INVALID),
    ],
)
def test_a_wrong_get_is_a_problem(bank: RunningTarget, path: str, expected: tuple[int, str, str]) -> None:
    assert problem(bank.client.get(path)) == expected


def test_a_wrong_method_is_a_problem_that_lists_the_right_ones(bank: RunningTarget) -> None:
    response = bank.client.delete("/health/live")
    assert problem(response) == (405, "method-not-allowed", "none")
    assert response.headers["allow"] == "GET"


@pytest.mark.parametrize(
    "change",
    [
        {"amount_cents": 0},
        {"amount_cents": -5},
        {"amount_cents": 1.5},
        {"amount_cents": "5"},
        {"amount_cents": True},
        {"amount_cents": 10**30},
        {"to_user_id": 1},
        {"token": "no-token"},
        {"token": None},
        {"note": "unknown member"},
    ],
)
def test_a_transfer_that_makes_no_sense_is_invalid(bank: RunningTarget, change: dict[str, Any]) -> None:
    assert problem(bank.client.post("/transfers", json={**transfer(), **change})) == INVALID


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "nul \x00 inside"},
        {"email": "nobody"},
        {"email": "a\x00@b"},
        {"balance_cents": -1},
        {"balance_cents": 10**19},
        {"balance_cents": None},
    ],
)
def test_a_user_who_makes_no_sense_is_invalid(bank: RunningTarget, change: dict[str, Any]) -> None:
    wanted = {"name": "N", "email": f"{uuid.uuid4()}@example.org", "balance_cents": 0, **change}
    assert problem(bank.client.post("/users", json=wanted)) == INVALID


@pytest.mark.parametrize(
    "body", ["{", '{"name": "\\ud800", "email": "a@b", "balance_cents": 0}', "[" * 50_000, "[]"]
)
def test_a_body_that_is_no_user_is_invalid(bank: RunningTarget, body: str) -> None:
    response = bank.client.post("/users", content=body, headers={"content-type": "application/json"})
    assert problem(response) == INVALID


def test_a_problem_shows_no_password(bank: RunningTarget) -> None:
    password = urlsplit(bank.database_url).password
    assert password is not None
    texts = [bank.client.get(path).text for path in ("/users/x", "/nowhere", "/settings", "/health/db")]
    assert not any(password in text for text in [*texts, bank.log_path.read_text()])
