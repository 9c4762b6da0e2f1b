"""What is wrong with an answer, in one line that repeats nothing of it."""

from __future__ import annotations

from typing import Any

import pytest

from harness.conformance import failed
from harness.expectations import (
    Cost,
    expected_cost,
    recycles_soon,
    wrong_json,
    wrong_page,
    wrong_problem,
    wrong_timing,
)
from harness.http_reader import Answer
from harness.records import Conformance
from targets.contract import EffectivePool, Held, ProblemBody, ProblemKind, UserOut

USER = {"id": 1, "name": "N", "email": "n@example.org", "balance_cents": 5, "bio": ""}
PROBLEM_HEADERS = {"content-type": "application/problem+json"}
GONE = ProblemBody.of(ProblemKind.NOT_FOUND, "There is no user 9.").model_dump(mode="json")
TIMING = "acquire;dur=1.0, connect;dur=0.2, ping;dur=0.5, query;dur=2.0"


def pool(**changes: Any) -> EffectivePool:
    settings = dict.fromkeys(EffectivePool.model_fields)
    return EffectivePool.model_validate({**settings, "slow_query_ms": 100.0, **changes})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(200, body=USER), ""),
        (Answer(error="no answer within 5 s"), "no answer within 5 s"),
        (Answer(500, body=USER), "HTTP 500 instead of 200"),
        (Answer(200, body=None), "the body is no JSON object"),
        (Answer(200, body=[USER]), "the body is no JSON object"),
        (Answer(200, body={"id": 1, "name": "hush"}), "the body lacks balance_cents, bio, email"),
        (Answer(200, body={**USER, "password": "hush"}), "the body has members that are not in the contract"),
        (Answer(200, body={**USER, "balance_cents": "hush"}), "the body has no proper balance_cents"),
        (Answer(200, body={**USER, "id": 2}), "the body has another id than it must"),
    ],
)
def test_a_body_is_held_against_the_contract(answer: Answer, expected: str) -> None:
    assert wrong_json(answer, 200, UserOut, {"id": 1}) == expected


def test_a_body_that_is_right_is_not_wrong_for_its_status_alone() -> None:
    assert wrong_json(Answer(201, body={"held_ms": 0}), 201, Held, {"held_ms": 0}) == ""


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(404, PROBLEM_HEADERS, GONE), ""),
        (Answer(404, {"content-type": "application/json"}, GONE), "an error that is not application/problem+json"),
        (
            Answer(404, PROBLEM_HEADERS, {**GONE, "effect": "unknown"}),
            "the problem has another effect than it must",
        ),
        (Answer(404, PROBLEM_HEADERS, {**GONE, "kind": "conflict"}), "the problem has another kind than it must"),
        (Answer(404, PROBLEM_HEADERS, {"detail": "hush"}), "the body lacks effect, kind, status, title, type"),
        (Answer(200, PROBLEM_HEADERS, GONE), "HTTP 200 instead of 404"),
    ],
)
def test_an_error_is_the_problem_that_it_must_be(answer: Answer, expected: str) -> None:
    assert wrong_problem(answer, ProblemKind.NOT_FOUND) == expected


def test_a_header_that_goes_with_a_problem_is_missed() -> None:
    answer = Answer(404, PROBLEM_HEADERS, GONE)
    assert wrong_problem(answer, ProblemKind.NOT_FOUND, "allow") == "without the header allow"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"items": [{"id": 1}, {"id": 2}], "page": 1, "page_size": 2}, ""),
        ({"items": [{"id": 2}, {"id": 1}], "page": 1, "page_size": 2}, "the page has other users"),
        ({"items": [{"id": 1}], "page": 1, "page_size": 2}, "the page has other users"),
        (
            {"items": [{"id": 1, "bio": ""}], "page": 1, "page_size": 2},
            "the page has other columns than were asked for",
        ),
        ({"items": [], "page": 2, "page_size": 2}, "the body is another page than was asked for"),
        ({"items": []}, "the body is no page"),
        (None, "the body is no page"),
    ],
)
def test_a_page_holds_the_first_users_and_the_columns_asked_for(body: object, expected: str) -> None:
    assert wrong_page(Answer(200, body=body), 2, {"id"}) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (TIMING, ""),
        (None, "no Server-Timing"),
        ("acquire;dur=1.0", "Server-Timing lacks connect, ping, query"),
        (TIMING.replace("2.0", "9000"), "Server-Timing is not to be believed: parts are longer than the request"),
        ("hush" * 1000, "Server-Timing is not to be believed: too long"),
    ],
)
def test_server_timing_tells_every_part_believably(header: str | None, expected: str) -> None:
    headers = {} if header is None else {"server-timing": header}
    assert wrong_timing(Answer(200, headers, {}, took_ns=5_000_000)) == expected


def test_costs_follow_from_the_settings() -> None:
    pinging = expected_cost("transfer", pool(pool_size=10, pre_ping=True))
    assert pinging == Cost(requests=1, checkouts=1, statements=3, opened=0, pings=1)
    assert expected_cost("read-user", pool(pool_size=10, pre_ping=False)).pings == 0
    unlimited = expected_cost("read-user", pool(pool_size=0, max_overflow=-1, pool_timeout_s=0, pre_ping=True))
    assert unlimited == Cost(requests=1, checkouts=1, statements=1, opened=0, pings=1)
    assert expected_cost("read-user", pool()) == Cost(requests=1, checkouts=1, statements=1, opened=1, pings=0)


@pytest.mark.parametrize(
    ("recycle_s", "expected"), [(None, False), (-1, False), (3600, False), (1, True), (0, True)]
)
def test_a_pool_that_recycles_soon_is_known(recycle_s: int | None, expected: bool) -> None:
    assert recycles_soon(pool(pool_recycle_s=recycle_s)) is expected


def test_what_failed_fits_on_a_line() -> None:
    results = [Conformance(when="before", name=f"n{n}", passed=n == 0, detail=f"d{n}" * bool(n)) for n in range(6)]
    assert failed(results[:1]) == ""
    assert failed(results[:3]) == "n1 (d1), n2 (d2)"
    assert failed(results) == "n1 (d1), n2 (d2), n3 (d3) and 2 more"
