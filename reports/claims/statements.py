"""What the tutorial states, in our words, and which experiments a ruling needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from harness.errors import PlanError, unknown_name


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. `experiments` name what has to be run for it (`harness.experiments`)."""

    id: str
    text: str
    experiments: tuple[str, ...]


_ALL = (
    Statement("lifecycle-acquire", "Taking a connection from the pool costs 1 to 5 ms.", ("request-life",)),
    Statement("lifecycle-query", "A query by primary key costs 5 to 20 ms.", ("request-life",)),
    Statement("lifecycle-release", "Giving a connection back costs less than 1 ms.", ("request-life",)),
    Statement(
        "connect-cost",
        "Without a pool, opening a connection costs 65 to 160 ms and closing it 5 to 10 ms.",
        ("request-life",),
    ),
    Statement("pool-speedup", "A pool makes a request 10 to 30 times as fast.", ("request-life",)),
    Statement("session-takes-connection", "Creating a Session takes a connection.", ("sessions",)),
    Statement(
        "session-closed-returns",
        "Closing the Session in a finally block gives the connection back, on success and on error.",
        ("sessions",),
    ),
    Statement(
        "async-more-concurrency",
        "Asynchronous endpoints sustain more requests at once than synchronous ones, with fewer threads.",
        ("concurrency",),
    ),
    Statement("async-def-sync-session", "An async def endpoint may use a synchronous Session.", ("concurrency",)),
    Statement(
        "transfer-atomic",
        "A transfer that reads both balances through the ORM, changes them and commits keeps the money's sum.",
        ("transfers",),
    ),
    Statement(
        "rw-split",
        "Reads on a replica (20+30) and writes on the primary (10+20) relieve the primary, and reads stay right.",
        ("own-writes", "rw-split"),
    ),
    Statement(
        "exhaustion-error",
        "With 10+20 connections all in use, the next request fails after pool_timeout with a TimeoutError.",
        ("exhaustion", "exhaustion-30s"),
    ),
    Statement("remedy-bigger-pool", "A pool of 20+40 cures exhaustion.", ("remedies",)),
    Statement(
        "remedy-shorter-hold", "Fetching fewer columns, and so holding for less time, cures it.", ("remedies",)
    ),
    Statement("remedy-cache", "Caching hot reads cures it.", ("remedies",)),
    Statement(
        "leak",
        "A dependency without try/finally leaks a connection at each error, until the pool is empty.",
        ("leak",),
    ),
    Statement(
        "shared-session", "One Session shared by all requests returns inconsistent data.", ("shared-session",)
    ),
    Statement(
        "prewarm",
        "Opening pool_size connections at the start spares the first requests the cost of connecting.",
        ("prewarm",),
    ),
    Statement(
        "monitoring",
        "The pool's gauges at a health endpoint tell exhaustion before users do.",
        ("monitoring", "exhaustion-30s"),
    ),
    Statement(
        "slow-query-log",
        "A listener around cursor execution reports each query over 100 ms, and no other.",
        ("slow-queries",),
    ),
    Statement(
        "recommended",
        "20+30 with a timeout of 30 s, recycling after an hour and pre-ping is the best configuration in general.",
        ("remedies",),
    ),
)

STATEMENTS: Mapping[str, Statement] = MappingProxyType({statement.id: statement for statement in _ALL})


def experiments_for(only: Sequence[str] | None = None) -> tuple[str, ...]:
    """The experiments that statements need, all or the named ones', each once. Raises PlanError for an unknown
    statement.
    """
    chosen = only or tuple(STATEMENTS)
    for name in chosen:
        if name not in STATEMENTS:
            raise PlanError(unknown_name("statement", name, STATEMENTS))
    return tuple(dict.fromkeys(experiment for name in chosen for experiment in STATEMENTS[name].experiments))
