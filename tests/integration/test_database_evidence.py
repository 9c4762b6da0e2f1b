"""What PostgreSQL itself tells of sessions that are made to wait, to idle and to vanish."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import asyncpg
import psutil
import psycopg2
import psycopg2.errors
import psycopg2.extensions
import pytest

from harness.environment.address import own_session
from harness.environment.database import TrialDatabase
from harness.environment.own_traffic import OwnTraffic
from harness.environment.parts import PRIMARY
from harness.environment.postgres import DatabaseServer
from harness.environment.server_log import ServerLog, logged
from harness.environment.totals import Totals
from harness.records import DatabaseReading, DatabaseTotals
from harness.sampling.errors import ErrorsGauge
from harness.sampling.gauges import DatabaseGauge, UnreadableError
from harness.staging import errors_gauge
from harness.witnesses.totals import grown, settled_totals
from tests.integration.processes import soon

pytestmark = pytest.mark.integration

Session = psycopg2.extensions.connection


@pytest.fixture(scope="module")
def one_database(postgres_server: DatabaseServer) -> Iterator[TrialDatabase]:
    with postgres_server.fresh_database() as database:
        yield database


@pytest.fixture
def database(one_database: TrialDatabase) -> TrialDatabase:
    """As new but for its counters; nobody is in it."""
    with closing(psycopg2.connect(one_database.url)) as session, session:
        ask(session, "DROP TABLE IF EXISTS stock")
        ask(session, "CREATE TABLE stock AS SELECT n AS id, 10 AS quantity FROM generate_series(1, 3) AS n")
    totals_of(one_database)
    return one_database


@pytest.fixture
def gauge(database: TrialDatabase) -> Iterator[DatabaseGauge]:
    with closing(DatabaseGauge(PRIMARY, database.admin_url, database.name)) as gauge:
        assert soon(lambda: gauge.read().total == 0)
        yield gauge


def ask(session: Session, query: str) -> None:
    with session.cursor() as cursor:
        cursor.execute(query)


@contextmanager
def at_once(database: TrialDatabase, queries: list[str]) -> Iterator[list[threading.Thread]]:
    """Each in a session, transaction and thread of its own; all are waited for at the end of the block."""
    with ExitStack() as ends:
        sessions = [ends.enter_context(closing(psycopg2.connect(database.url))) for _ in queries]
        for session in sessions:
            session.autocommit = True
        threads = [
            threading.Thread(target=ask, args=(session, query))
            for session, query in zip(sessions, queries, strict=True)
        ]
        for thread in threads:
            thread.start()
        try:
            yield threads
        finally:
            for thread in threads:
                thread.join(20)


def until(gauge: DatabaseGauge, shown: Callable[[DatabaseReading], bool]) -> DatabaseReading:
    """The first reading that shows it."""
    found: list[DatabaseReading] = []

    def look() -> bool:
        found.append(gauge.read())
        return shown(found[-1])

    assert soon(look), found[-1]
    return found[-1]


def test_who_waits_for_a_row_of_a_transaction_left_open_is_seen(
    database: TrialDatabase, gauge: DatabaseGauge
) -> None:
    take = "UPDATE stock SET quantity = quantity - 1 WHERE id = 1"
    with closing(psycopg2.connect(database.url)) as holder:
        ask(holder, take)
        with at_once(database, [take] * 3):
            found = until(gauge, lambda reading: reading.waiting_for_lock == 3)
            holder.commit()
    assert (3, 1, 4) == (found.active, found.idle_in_transaction, found.total)
    assert 3 == found.blocked_by_idle
    assert {"Lock": 3} == found.waits
    assert found.oldest_idle_in_transaction_ms is not None
    assert found.oldest_in_transaction_ms is not None
    assert found.oldest_active_ms is not None
    assert found.oldest_idle_in_transaction_ms <= found.oldest_in_transaction_ms
    assert found.oldest_active_ms <= found.oldest_in_transaction_ms


def test_who_waits_for_a_lock_of_a_statement_at_work_is_behind_nobody_idle(
    database: TrialDatabase, gauge: DatabaseGauge
) -> None:
    with at_once(database, ["LOCK TABLE stock; SELECT pg_sleep(0.6)"]):
        until(gauge, lambda reading: (reading.waits or {}).get("Timeout") == 1)
        with at_once(database, ["SELECT count(*) FROM stock"]):
            found = until(gauge, lambda reading: reading.waiting_for_lock == 1)
    assert 0 == found.blocked_by_idle
    assert {"Lock": 1, "Timeout": 1} == found.waits
    assert (found.oldest_idle_in_transaction_ms, found.idle_in_transaction) == (None, 0)


def test_a_transaction_left_open_grows_older(database: TrialDatabase, gauge: DatabaseGauge) -> None:
    with closing(psycopg2.connect(database.url)) as session:
        ask(session, "SELECT 1")
        first = gauge.read()
        time.sleep(0.05)
        ask(session, "SELECT 2")  # what it idles for begins anew, and its transaction does not
        second = gauge.read()
    assert first.oldest_in_transaction_ms is not None
    assert second.oldest_in_transaction_ms is not None
    assert second.oldest_idle_in_transaction_ms is not None
    assert second.oldest_in_transaction_ms >= first.oldest_in_transaction_ms + 50
    assert second.oldest_idle_in_transaction_ms < second.oldest_in_transaction_ms
    assert (None, {}) == (second.oldest_active_ms, second.waits)


def test_sessions_are_counted_once_as_new(database: TrialDatabase, gauge: DatabaseGauge) -> None:
    told = [gauge.read().started]
    with closing(psycopg2.connect(database.url)), closing(psycopg2.connect(database.url)):
        told.append(gauge.read().started)
        told.append(gauge.read().started)
        with closing(psycopg2.connect(database.url)):
            told.append(gauge.read().started)
    assert [0, 2, 0, 1] == told
    with closing(DatabaseGauge(PRIMARY, database.admin_url, database.name)) as another:
        assert another.read().started is None


def test_what_asyncpg_asks_about_types_is_known_and_other_statements_are_not(
    database: TrialDatabase, gauge: DatabaseGauge
) -> None:
    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(database.url)

    async def told() -> list[int | None]:
        connection = await connect()
        try:
            await connection.execute("CREATE TYPE mood AS ENUM ('well', 'ill')")
            found = [gauge.read().introspecting]
            await connection.set_type_codec("mood", encoder=str, decoder=str)  # asks for the type by its name
            found.append(gauge.read().introspecting)
            await connection.fetchval("SELECT pg_typeof(1)::text")
            found.append(gauge.read().introspecting)
            await connection.prepare(
                "SELECT ARRAY['well'::mood]"
            )  # asks for it by its number, with all it is made of
            found.append(gauge.read().introspecting)
        finally:
            await connection.close()
        return found

    assert [0, 1, 0, 1] == asyncio.run(told())


def test_a_server_that_does_not_track_says_so_by_saying_nothing(
    database: TrialDatabase, gauge: DatabaseGauge
) -> None:
    with closing(psycopg2.connect(database.url, options="-c track_activities=off")):
        found = gauge.read()
    assert 1 == found.total
    assert (None, None, None) == (found.waiting_for_lock, found.waits, found.started)


def totals_of(database: TrialDatabase) -> Totals:
    found = settled_totals(database, within_s=10.0)
    assert found is not None
    assert 0 == found.open_sessions
    return found


def told(database: TrialDatabase, before: Totals) -> DatabaseTotals:
    now = totals_of(database)
    found = grown(before, now, now, OwnTraffic())
    assert found is not None
    return found


def test_sessions_and_transactions_are_counted_once_they_have_ended(database: TrialDatabase) -> None:
    before = totals_of(database)
    for ended in (Session.commit, Session.rollback):
        with closing(psycopg2.connect(database.url)) as session:
            ask(session, "SELECT 1")
            time.sleep(0.02)
            ended(session)
    found = told(database, before)
    assert (2, 2 + 1, 1) == (found.sessions, found.commits, found.rollbacks)  # each session begins with one
    assert (0, 0, 0, 0) == (found.sessions_abandoned, found.sessions_fatal, found.sessions_killed, found.deadlocks)
    assert found.idle_in_transaction_time_ms is not None
    assert found.session_time_ms is not None
    assert 40 <= found.idle_in_transaction_time_ms <= found.session_time_ms


def test_how_sessions_ended_is_told_apart(database: TrialDatabase) -> None:
    before = totals_of(database)
    vanish(database)
    vanish(database, "SELECT 1")
    with closing(psycopg2.connect(database.url)) as session:
        assert 1 == database.server.end_sessions(database.name)
        with pytest.raises(psycopg2.OperationalError):
            ask(session, "SELECT 1")
    with closing(psycopg2.connect(database.url, options="-c idle_in_transaction_session_timeout=20")) as session:
        ask(session, "SELECT 1")
        time.sleep(0.1)
    found = told(database, before)
    assert (4, 2, 1, 1) == (
        found.sessions,
        found.sessions_abandoned,
        found.sessions_killed,
        found.sessions_fatal,
    )


def test_deadlocks_are_counted(database: TrialDatabase) -> None:
    before = totals_of(database)
    deadlock(database)
    assert 1 == told(database, before).deadlocks


def vanish(database: TrialDatabase, query: str = "") -> None:
    """A client that is gone without a goodbye, of which PostgreSQL has taken notice."""
    session = psycopg2.connect(database.url)
    if query:
        ask(session, query)
    pid = session.info.backend_pid
    with socket.socket(fileno=os.dup(session.fileno())) as link:
        link.shutdown(socket.SHUT_RDWR)
    assert soon(lambda: not psutil.pid_exists(pid))
    session.close()


def deadlock(database: TrialDatabase) -> None:
    """Two sessions that take the same two rows the other way round; one of them is refused."""
    with closing(psycopg2.connect(database.url)) as one, closing(psycopg2.connect(database.url)) as other:
        for session in (one, other):
            ask(session, "SET deadlock_timeout = 10")
        ask(one, "UPDATE stock SET quantity = 0 WHERE id = 1")
        ask(other, "UPDATE stock SET quantity = 0 WHERE id = 2")
        refused: list[bool] = []

        def second() -> None:
            try:
                ask(one, "UPDATE stock SET quantity = 0 WHERE id = 2")
            except psycopg2.errors.DeadlockDetected:
                refused.append(True)
                one.rollback()

        thread = threading.Thread(target=second)
        thread.start()
        try:
            ask(other, "UPDATE stock SET quantity = 0 WHERE id = 1")
        except psycopg2.errors.DeadlockDetected:
            refused.append(True)
            other.rollback()
        thread.join(20)
    assert [True] == refused


@pytest.fixture
def errors(database: TrialDatabase) -> ErrorsGauge:
    return ErrorsGauge(PRIMARY, log_of(database), database.name)


def log_of(database: TrialDatabase) -> ServerLog:
    assert database.server.embedded is not None
    return database.server.embedded.log


def fails(session: Session, query: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        ask(session, query)


def test_errors_are_told_by_code_in_the_order_of_their_coming_and_without_a_word(
    database: TrialDatabase, errors: ErrorsGauge
) -> None:
    before = log_of(database).end()
    with closing(psycopg2.connect(database.url, application_name="a web app")) as session:
        session.autocommit = True
        ask(session, "SET default_transaction_read_only = on")
        fails(session, "UPDATE stock SET quantity = 0", psycopg2.errors.ReadOnlySqlTransaction)
        ask(session, "SET default_transaction_read_only = off")
        ask(session, "ALTER TABLE stock ADD UNIQUE (id)")
        fails(session, "INSERT INTO stock VALUES (1, 4711)", psycopg2.errors.UniqueViolation)
        fails(session, "INSERT INTO stock VALUES (1, 4711)", psycopg2.errors.UniqueViolation)
        fails(session, "SELECT 'hush-hush' FROM nowhere", psycopg2.errors.UndefinedTable)
        with closing(psycopg2.connect(database.url)) as other:
            assert 2 == database.server.end_sessions(database.name)
            fails(other, "SELECT 1", psycopg2.OperationalError)
    found = until_told(errors, lambda counts: counts["57P01"] == 2)
    assert {"25006": 1, "23505": 2, "42P01": 1, "57P01": 2} == dict(found)
    said = b"\n".join(log_of(database).since(before).lines)
    assert b"23505" in said
    assert b"4711" not in said
    assert b"hush-hush" not in said


def until_told(errors: ErrorsGauge, told: Callable[[Counter[str]], bool]) -> Counter[str]:
    """All that readings tell until they tell that, in the order of their telling; with sessions that were lost."""
    found: Counter[str] = Counter()

    def look() -> bool:
        reading = errors.read()
        for code in reading.order:
            found[code] += reading.counts[code]
        if reading.lost:
            found["lost"] += reading.lost
        return told(found)

    assert soon(look), found
    return found


def test_a_deadlock_is_told_and_nothing_of_ours(database: TrialDatabase, errors: ErrorsGauge) -> None:
    with closing(own_session(database.url)) as ours:
        fails(ours, "SELECT 1 / 0", psycopg2.errors.DivisionByZero)
    deadlock(database)
    assert {"40P01": 1} == dict(until_told(errors, lambda counts: counts["40P01"] > 0))


def test_a_client_that_vanished_inside_a_transaction_is_lost(database: TrialDatabase, errors: ErrorsGauge) -> None:
    vanish(database)  # of an idle one PostgreSQL says nothing
    vanish(database, "SELECT 1")
    assert {"lost": 1} == dict(until_told(errors, lambda counts: counts["lost"] > 0))


def test_connections_for_which_there_is_no_room_are_told_whatever_they_are_full_of(
    database: TrialDatabase, errors: ErrorsGauge
) -> None:
    with closing(psycopg2.connect(database.admin_url)) as admin:
        admin.autocommit = True
        ask(admin, f"ALTER DATABASE {database.name} CONNECTION LIMIT 0")
        ask(admin, "CREATE ROLE guest LOGIN PASSWORD 'guest'")
        try:
            guest = database.url.replace(database.server.password, "guest").replace(
                database.server.user, "guest", 1
            )
            with pytest.raises(psycopg2.OperationalError, match="too many connections for database"):
                psycopg2.connect(guest)
        finally:
            ask(admin, "DROP ROLE guest")
            ask(admin, f"ALTER DATABASE {database.name} CONNECTION LIMIT -1")
    with ExitStack() as sessions:

        def take_all() -> None:
            for _ in range(200):
                sessions.enter_context(closing(psycopg2.connect(database.url)))

        with pytest.raises(psycopg2.OperationalError, match="too many clients"):
            take_all()
    found = until_told(errors, lambda counts: counts["53300"] >= 2)
    assert {"53300": 2} == dict(found)


def test_ordinary_requests_are_not_logged(database: TrialDatabase) -> None:
    before = log_of(database).end()
    for _ in range(5):
        with closing(psycopg2.connect(database.url)) as session:
            for number in range(20):
                ask(session, f"UPDATE stock SET quantity = quantity - 1 WHERE id = {number % 3}")
                session.commit()
            ask(session, "SELECT * FROM stock")
            session.rollback()
    time.sleep(0.05)
    said = (logged(line) for line in log_of(database).since(before).lines)
    assert [] == [line for line in said if line and line.database == database.name]


def test_of_a_given_server_it_is_told_that_its_log_is_not_read(seeded_server: DatabaseServer) -> None:
    with seeded_server.fresh_database() as database:
        sampled = errors_gauge(PRIMARY, database, 0.2)
        with pytest.raises(UnreadableError, match="the log of a given server is not read"):
            sampled.open_gauge().read()
        assert sampled.every_s is None
