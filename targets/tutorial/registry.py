"""The tutorial's systems by name. They run where they are named, and for `poolstorm claims`; never by default."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from targets.registry import TEN_PLUS_TWENTY, Target

_OTHER_STATEMENTS = frozenset({"contract"})
"""Right answers, by other statements than the contract counts."""
_UNTOUCHED = frozenset({"contract"})
"""Whoever asks for right answers before the load has warmed the pool."""

_ALL = (
    Target(
        name="orm-transfer",
        app="targets.tutorial.orm_transfer:app",
        title="Transfer as the tutorial writes it",
        teaches="what becomes of money that is read, changed and written back through the ORM",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
        lacks=_OTHER_STATEMENTS,
    ),
    Target(
        name="get-db",
        app="targets.tutorial.get_db:app",
        title="Session closed in a finally block",
        teaches="that a session takes its connection at the first statement, and what gives it back",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
        lacks=_OTHER_STATEMENTS,
    ),
    Target(
        name="with-session",
        app="targets.tutorial.with_session:app",
        title="Session in a with block",
        teaches="that a with block closes a session as a finally block does",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
        lacks=_OTHER_STATEMENTS,
    ),
    Target(
        name="no-finally",
        app="targets.tutorial.no_finally:app",
        title="Session without finally",
        teaches="who gives back the connection of a session that an error left open",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
        lacks=_OTHER_STATEMENTS,
    ),
    Target(
        name="no-finally-tracked",
        app="targets.tutorial.no_finally_tracked:app",
        title="Session without finally, exceptions kept",
        teaches="how a kept exception keeps a session, and so its connection",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
        lacks=_OTHER_STATEMENTS,
    ),
    Target(
        name="no-finally-uncollected",
        app="targets.tutorial.no_finally_uncollected:app",
        title="Session without finally, no garbage collection",
        teaches="that nothing but garbage collection gives back what was never closed",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
        lacks=_OTHER_STATEMENTS,
    ),
    Target(
        name="returned-session",
        app="targets.tutorial.returned_session:app",
        title="Session returned, never closed",
        teaches="what becomes of sessions that nobody closes, error or not",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
        lacks=_OTHER_STATEMENTS,
    ),
    Target(
        name="shared-session",
        app="targets.tutorial.shared_session:app",
        title="One session for all requests",
        teaches="what requests do to each other on one session and its one connection",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
        lacks=frozenset({"contract"}),  # wrong answers are what it is for
    ),
    Target(
        name="async-def-sync",
        app="targets.tutorial.async_def_sync:app",
        title="async def endpoints on a synchronous Session, 10+20",
        teaches="that a synchronous statement in a coroutine holds up every other request",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
        lacks=frozenset({"contract"}),  # it has two of its routes, and does not answer in time
    ),
    Target(
        name="health-in-thread",
        app="targets.tutorial.health_in_thread:app",
        title="Health in a worker thread, 10+20",
        teaches="that a def health route waits for a thread while requests hold all of them",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
    ),
    Target(
        name="health-with-session",
        app="targets.tutorial.health_with_session:app",
        title="Health by way of the database, 10+20",
        teaches="that a health route which needs a connection tells nothing once there is none",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
        lacks=_OTHER_STATEMENTS,
    ),
    Target(
        name="cold-start",
        app="targets.tutorial.cold_start:app",
        title="Cold start, 10+20",
        teaches="that the first requests pay for the connections that they open",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
        lacks=_UNTOUCHED,
    ),
    Target(
        name="single-select",
        app="targets.tutorial.single_select:app",
        title="One SELECT 1 at the start, 10+20",
        teaches="how much of a pool one statement warms",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
        lacks=_UNTOUCHED,
    ),
    Target(
        name="prewarmed",
        app="targets.tutorial.prewarmed:app",
        title="pool_size connections opened at the start, 10+20",
        teaches="which connects pre-warming spares, and which it cannot",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
        lacks=_UNTOUCHED,
    ),
    Target(
        name="slow-query-log",
        app="targets.tutorial.slow_query_log:app",
        title="Slow-query log by two listeners",
        teaches="which slow statements a listener around cursor execution reports, and which it never sees",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
        lacks=_OTHER_STATEMENTS,
        also=frozenset({"slow-log"}),
    ),
    Target(
        name="slow-query-log-errors",
        app="targets.tutorial.slow_query_log_errors:app",
        title="Slow-query log that hears of errors",
        teaches="that a third listener reports slow statements that end in an error",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
        lacks=_OTHER_STATEMENTS,
        also=frozenset({"slow-log"}),
    ),
    Target(
        name="ten-plus-twenty",
        app="targets.tutorial.ten_plus_twenty:app",
        title="10+20 before any remedy",
        teaches="what exhausts a pool: slow statements, wide rows, distance, a busy database",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
    ),
    Target(
        name="fewer-columns",
        app="targets.tutorial.fewer_columns:app",
        title="10+20, pages of three columns",
        teaches="which connections are held for less time where fewer columns are fetched",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
        lacks=frozenset({"contract"}),  # what was asked for beyond the three columns is left out
    ),
    Target(
        name="cached-reads",
        app="targets.tutorial.cached_reads:app",
        title="10+20, hot reads cached",
        teaches="which connections a cache spares, and how many of its answers are old",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
        lacks=frozenset({"contract"}),  # old balances
    ),
    Target(
        name="rw-split",
        app="targets.tutorial.rw_split:app",
        title="Reads on a replica (20+30), writes on the primary (10+20)",
        teaches="how much a replica relieves the primary, and that a client may not find what it has just written",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
        lacks=frozenset({"contract"}),  # what was just written may not be there yet
        needs_parts=frozenset({"replica"}),
    ),
    Target(
        name="rw-split-sticky",
        app="targets.tutorial.rw_split_sticky:app",
        title="Reads on a replica, and what is not there yet from the primary",
        teaches="that asking the primary where the replica has nothing lets each client find its own write",
        driver="psycopg2",
        defaults=TEN_PLUS_TWENTY,
        lacks=frozenset({"contract"}),  # a balance may still be that of a moment ago
        needs_parts=frozenset({"replica"}),
    ),
)

TUTORIAL: Mapping[str, Target] = MappingProxyType({target.name: target for target in _ALL})
