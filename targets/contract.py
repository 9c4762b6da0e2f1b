"""The HTTP contract of every target: what goes in, what comes out, what the problems are called.

Pure data: it imports neither FastAPI nor SQLAlchemy. All amounts are integer cents.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

SERVER_TIMING_HEADER = "server-timing"
TIMING_ACQUIRE = "acquire"
"""The whole checkout: waiting in the pool's queue, pre-ping, and opening a connection where one was opened."""
TIMING_CONNECT = "connect"
"""The part of it spent opening connections and setting them up."""
TIMING_PING = "ping"
"""The part of it spent testing pooled connections before they are handed out."""
TIMING_QUERY = "query"
"""Executions of cursors. COMMIT and ROLLBACK are none."""

PROBLEM_MEDIA_TYPE = "application/problem+json"
PROBLEM_TYPE_PREFIX = "urn:poolstorm:problem:"
RETRY_AFTER_S = 1

MAX_ID = 2**63 - 1
MAX_CENTS = 10**15
MAX_PAGE = 1_000_000
MAX_PAGE_SIZE = 100
MAX_HOLD_MS = 60_000


class ProblemKind(StrEnum):
    """What went wrong; stable names."""

    POOL_EXHAUSTED = "pool-exhausted"
    TOO_MANY_CONNECTIONS = "too-many-connections"
    DATABASE_UNAVAILABLE = "database-unavailable"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    INSUFFICIENT_FUNDS = "insufficient-funds"
    INVALID_INPUT = "invalid-input"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    INTERNAL_ERROR = "internal-error"


PROBLEM_STATUS: Mapping[ProblemKind, int] = MappingProxyType(
    {
        ProblemKind.POOL_EXHAUSTED: 503,
        ProblemKind.TOO_MANY_CONNECTIONS: 503,
        ProblemKind.DATABASE_UNAVAILABLE: 503,
        ProblemKind.NOT_FOUND: 404,
        ProblemKind.CONFLICT: 409,
        ProblemKind.INSUFFICIENT_FUNDS: 409,
        ProblemKind.INVALID_INPUT: 422,
        ProblemKind.METHOD_NOT_ALLOWED: 405,
        ProblemKind.INTERNAL_ERROR: 500,
    }
)

PROBLEM_TITLE: Mapping[ProblemKind, str] = MappingProxyType(
    {
        ProblemKind.POOL_EXHAUSTED: "All database connections are in use",
        ProblemKind.TOO_MANY_CONNECTIONS: "PostgreSQL takes no more connections",
        ProblemKind.DATABASE_UNAVAILABLE: "The database cannot be reached",
        ProblemKind.NOT_FOUND: "There is no such thing",
        ProblemKind.CONFLICT: "The request contradicts what is stored",
        ProblemKind.INSUFFICIENT_FUNDS: "The balance is too small",
        ProblemKind.INVALID_INPUT: "The request is not valid",
        ProblemKind.METHOD_NOT_ALLOWED: "The method is not allowed here",
        ProblemKind.INTERNAL_ERROR: "The service failed",
    }
)

Effect = Literal["none", "unknown"]
"""What a failed request may have changed. `unknown`: COMMIT was sent, and its answer was lost."""


class ProblemBody(BaseModel):
    """The body of every error (RFC 9457), with the kind and the effect beside the standard members."""

    model_config = ConfigDict(frozen=True)

    type: str
    title: str
    status: int
    detail: str
    kind: ProblemKind
    effect: Effect

    @classmethod
    def of(cls, kind: ProblemKind, detail: str, effect: Effect = "none") -> Self:
        """The body for a problem of this kind."""
        return cls(
            type=PROBLEM_TYPE_PREFIX + kind,
            title=PROBLEM_TITLE[kind],
            status=PROBLEM_STATUS[kind],
            detail=detail,
            kind=kind,
            effect=effect,
        )


# --- requests --------------------------------------------------------------------------------------------

UserColumn = Literal["id", "name", "email", "balance_cents", "bio"]
USER_COLUMNS: tuple[UserColumn, ...] = ("id", "name", "email", "balance_cents", "bio")


def _split_columns(value: Any) -> Any:
    """`id,name` as a list without repetitions; what a query string repeats is joined first."""
    parts = value if isinstance(value, list | tuple) else [value]
    names = [name.strip() for part in parts for name in str(part).split(",")]
    return list(dict.fromkeys(names))


Columns = Annotated[list[UserColumn], BeforeValidator(_split_columns)]
UserId = Annotated[int, Field(ge=1, le=MAX_ID)]
# PostgreSQL's text holds every character but NUL.
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
Email = Annotated[str, Field(max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$")]


class RequestModel(BaseModel):
    """Base of request bodies: frozen, and a member that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class UserIn(RequestModel):
    """`POST /users`."""

    name: Name
    email: Email
    balance_cents: int = Field(ge=0, le=MAX_CENTS, strict=True)


class TransferIn(RequestModel):
    """`POST /transfers`. The same token sent again moves nothing a second time."""

    token: UUID
    from_user_id: int = Field(ge=1, le=MAX_ID, strict=True)
    to_user_id: int = Field(ge=1, le=MAX_ID, strict=True)
    amount_cents: int = Field(gt=0, le=MAX_CENTS, strict=True)

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Self:
        if self.from_user_id == self.to_user_id:
            raise ValueError("from_user_id and to_user_id must differ")
        return self


# --- responses -------------------------------------------------------------------------------------------


class ResponseModel(BaseModel):
    """Base of responses, read from rows or plain objects."""

    model_config = ConfigDict(from_attributes=True)


class UserOut(ResponseModel):
    """One user, complete."""

    id: int
    name: str
    email: str
    balance_cents: int
    bio: str


class UserPart(ResponseModel):
    """One user with the chosen columns only; the others are unset, and left out of the answer."""

    id: int | None = None
    name: str | None = None
    email: str | None = None
    balance_cents: int | None = None
    bio: str | None = None


class UserPage(ResponseModel):
    """`GET /users`: a page of users in the order of their ids."""

    items: list[UserPart]
    page: int
    page_size: int


class TransferOut(ResponseModel):
    """A transfer as stored."""

    token: UUID
    from_user_id: int
    to_user_id: int
    amount_cents: int
    created_at: datetime

    def repeats(self, wanted: TransferIn) -> bool:
        """Whether `wanted` asks for the very transfer that is stored."""
        return self.model_dump(exclude={"created_at"}) == wanted.model_dump()


class Held(ResponseModel):
    """`GET /hold`."""

    held_ms: int


class Live(ResponseModel):
    """`GET /health/live`."""

    status: Literal["alive"] = "alive"


PoolStatus = Literal["ok", "busy", "exhausted"]


class PoolHealth(ResponseModel):
    """`GET /health/db`: the gauges of the pool, from memory alone. See `targets.gauges.PoolState`."""

    status: PoolStatus
    size: int
    checked_in: int
    checked_out: int
    overflow: int
    limit: int | None
    waiting: int
    checked_out_max: int
    opened_total: int
    closed_total: int
    invalidated_total: int
    timed_out_total: int
    requests_total: int
    checkouts_total: int
    statements_total: int
    pings_total: int


class Times(ResponseModel):
    """How long something took, `count` times over. Percentiles are null where it did not happen."""

    count: int
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    max_ms: float | None


class TimesTaken(ResponseModel):
    """`POST /health/times/take`: of the connections that came back since the last time it was asked.

    `held` is from having a connection to its being back, its release included; `release` from the rollback that
    ends its use to its being back in the pool, or closed where the pool does not keep it.
    """

    held: Times
    release: Times


class EffectivePool(ResponseModel):
    """The settings in force; null where a target has no pool that they could apply to."""

    pool_size: int | None
    max_overflow: int | None
    pool_timeout_s: float | None
    pool_recycle_s: int | None
    pre_ping: bool | None
    use_lifo: bool | None
    connect_timeout_s: int | None
    slow_query_ms: float


class EffectiveSettings(ResponseModel):
    """`GET /settings`. No address: it holds a password."""

    target: str
    driver: str
    pool: EffectivePool
    threadpool_tokens: int
