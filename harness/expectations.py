"""What a target must answer, and at which cost in the database: pure judgements on answers and counters.

Every function gives one line that says what is wrong, or an empty text. No line repeats what the target said, as
that could hold a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError

from harness.http_reader import Answer
from harness.load.server_timing import PARTS, UntrustedTimingError, parse_server_timing
from targets.contract import (
    PROBLEM_MEDIA_TYPE,
    PROBLEM_STATUS,
    SERVER_TIMING_HEADER,
    EffectivePool,
    PoolHealth,
    ProblemBody,
    ProblemKind,
)

STATEMENTS: Mapping[str, int] = MappingProxyType(
    {
        "read-user": 1,
        "list-users": 1,
        "create-user": 1,  # INSERT .. RETURNING
        "transfer": 3,  # lock both accounts, record, move
        "transfer-again": 3,  # lock, record in vain, read what is stored
        "token-conflict": 3,  # likewise
        "insufficient-funds": 2,  # lock, record; then rolled back
        "read-transfer": 1,
        "unknown-user": 1,
        "hold": 1,
    }
)
"""Statements that each operation executes, whatever pool and driver are used."""

SOON_S = 60
"""A pool that recycles connections sooner may replace one in the middle of the suite."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one request added to the totals of `GET /health/db`."""

    requests: int
    checkouts: int
    statements: int
    opened: int
    pings: int

    @classmethod
    def between(cls, before: PoolHealth, after: PoolHealth) -> Cost:
        """The difference of two readings."""
        return cls(
            requests=after.requests_total - before.requests_total,
            checkouts=after.checkouts_total - before.checkouts_total,
            statements=after.statements_total - before.statements_total,
            opened=after.opened_total - before.opened_total,
            pings=after.pings_total - before.pings_total,
        )


def expected_cost(operation: str, pool: EffectivePool) -> Cost:
    """What a request costs when connections are warm, with the settings that the target itself reports."""
    pooled = pool.pool_size is not None
    return Cost(
        requests=1,
        checkouts=1,
        statements=STATEMENTS[operation],
        opened=0 if pooled else 1,
        pings=1 if pooled and pool.pre_ping else 0,
    )


def recycles_soon(pool: EffectivePool) -> bool:
    """Whether connections may be replaced for their age while the suite runs."""
    return pool.pool_recycle_s is not None and 0 <= pool.pool_recycle_s < SOON_S


def wrong_status(answer: Answer, status: int) -> str:
    """Whether it came at all, and with that status."""
    if answer.error:
        return answer.error
    return "" if answer.status == status else f"HTTP {answer.status} instead of {status}"


def wrong_json(answer: Answer, status: int, model: type[BaseModel], expected: Mapping[str, Any]) -> str:
    """Whether it is a `model`, with its members and no others, and has these values."""
    if wrong := wrong_status(answer, status):
        return wrong
    if wrong := wrong_model(answer.body, model):
        return wrong
    differing = sorted(name for name, value in expected.items() if answer.body[name] != value)
    return f"the body has another {', '.join(differing)} than it must" if differing else ""


def wrong_model(body: object, model: type[BaseModel]) -> str:
    """Whether a decoded body is a `model`, with its members and no others."""
    if not isinstance(body, dict):
        return "the body is no JSON object"
    if missing := sorted(set(model.model_fields) - set(body)):
        return f"the body lacks {', '.join(missing)}"
    if set(body) - set(model.model_fields):
        return "the body has members that are not in the contract"
    try:
        model.model_validate(body)
    except ValidationError as error:
        names = dict.fromkeys(str(fault["loc"][0]) for fault in error.errors() if fault["loc"])
        return f"the body has no proper {', '.join(names) or 'form'}"
    return ""


def wrong_problem(answer: Answer, kind: ProblemKind, header: str = "") -> str:
    """Whether it is that problem, without an effect, as application/problem+json and with that header."""
    if wrong := wrong_status(answer, PROBLEM_STATUS[kind]):
        return wrong
    if answer.headers.get("content-type", "").partition(";")[0] != PROBLEM_MEDIA_TYPE:
        return f"an error that is not {PROBLEM_MEDIA_TYPE}"
    if wrong := wrong_model(answer.body, ProblemBody):
        return wrong
    expected = ProblemBody.of(kind, "").model_dump(include={"type", "status", "kind", "effect"})
    if differing := sorted(name for name, value in expected.items() if answer.body[name] != value):
        return f"the problem has another {', '.join(differing)} than it must"
    return "" if not header or header in answer.headers else f"without the header {header}"


def wrong_page(answer: Answer, page_size: int, columns: set[str]) -> str:
    """Whether it is the first page of users, just these columns, in the order of their ids."""
    if wrong := wrong_status(answer, 200):
        return wrong
    body = answer.body
    if not isinstance(body, dict) or set(body) != {"items", "page", "page_size"}:
        return "the body is no page"
    items = body["items"]
    if (body["page"], body["page_size"]) != (1, page_size) or not isinstance(items, list):
        return "the body is another page than was asked for"
    if not all(isinstance(item, dict) and set(item) == columns for item in items):
        return "the page has other columns than were asked for"
    return "" if [item["id"] for item in items] == list(range(1, page_size + 1)) else "the page has other users"


def wrong_timing(answer: Answer) -> str:
    """Whether the answer of an operation that used the database says where its time went, believably."""
    if answer.error:
        return answer.error
    header = answer.headers.get(SERVER_TIMING_HEADER)
    if header is None:
        return "no Server-Timing"
    try:
        told = parse_server_timing(header, answer.took_ns)
    except UntrustedTimingError as error:
        return f"Server-Timing is not to be believed: {error}"
    missing = [part.value for part in PARTS if part not in told]
    return f"Server-Timing lacks {', '.join(missing)}" if missing else ""


def wrong_count(actual: int, expected: int) -> str:
    """Whether a count is as expected."""
    return "" if actual == expected else f"{actual} instead of {expected}"
