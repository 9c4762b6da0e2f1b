"""The primary as a part: what an embedded and a given server can do, and that all is well after the block."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psutil
import psycopg2
import pytest

from harness.environment import waits
from harness.environment.database import TrialDatabase
from harness.environment.leash import Leash
from harness.environment.parts import ABILITIES, PRIMARY, Parts, Pausable, Restartable, Terminable
from harness.environment.postgres import DatabaseServer, database_server
from harness.environment.primary import primary_of
from harness.errors import TrialFailedError
from harness.processes import processor_time_s
from harness.sampling.gauges import DatabaseGauge, UnreadableError
from harness.witnesses.totals import settled_totals
from tests.integration.processes import soon

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def own(leash: Leash) -> Iterator[DatabaseServer]:
    """A server of this module's own: it is stopped and started again."""
    with database_server(leash, url=None, allow_remote=False, progress=lambda text: None) as server:
        server.create_template(fill)
        yield server


def fill(url: str) -> None:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE things AS SELECT 7 AS id")


def ask(database: TrialDatabase, query: str = "SELECT id FROM things") -> object:
    with closing(psycopg2.connect(database.url, connect_timeout=5)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
    return row[0] if row else None


def with_capability(primary: object, capability: Any) -> Any:
    """The primary as a fault gets it, which asks for a capability (`Any`: a protocol is no concrete type)."""
    return Parts({PRIMARY: primary}).require(PRIMARY, capability)


def test_our_own_server_is_started_again_on_the_same_port_with_all_that_was_committed(own: DatabaseServer) -> None:
    with own.fresh_database() as database, primary_of(database) as primary:
        before = primary.pid
        part = with_capability(primary, Restartable)
        part.stop()
        assert primary.pid is None
        with pytest.raises(psycopg2.OperationalError, match="Connection refused"):
            ask(database)
        part.start()
        assert 7 == ask(database)
        assert primary.pid == own.process_id() not in (None, before)


def test_processor_time_goes_on_through_a_restart(own: DatabaseServer) -> None:
    work = "SELECT count(*) FROM generate_series(1, 1500000) AS n WHERE md5(n::text) = 'none'"
    assert own.embedded is not None
    processes = {PRIMARY: own.embedded}
    with own.fresh_database() as database, primary_of(database) as primary:
        told_s = [processor_time_s(processes)[PRIMARY]]
        for restart in (False, True, True):
            if restart:
                with_capability(primary, Restartable).stop()
                told_s.append(processor_time_s(processes)[PRIMARY])
                with_capability(primary, Restartable).start()
            with closing(psycopg2.connect(database.url)) as session, session.cursor() as cursor:
                cursor.execute(work)
                told_s.append(processor_time_s(processes)[PRIMARY])  # a session that just ends is not seen
    assert sorted(told_s) == told_s
    once_s = told_s[1] - told_s[0]
    assert once_s > 0.05
    assert 2 * once_s < told_s[-1] - told_s[0] < 6 * once_s


def test_our_own_server_stands_still_with_all_its_sessions_and_goes_on(own: DatabaseServer) -> None:
    with (
        own.fresh_database() as database,
        primary_of(database) as primary,
        closing(psycopg2.connect(database.url)) as held,
        held.cursor() as cursor,
    ):
        part = with_capability(primary, Pausable)
        part.pause()
        assert soon(lambda: {psutil.STATUS_STOPPED} == states(own)), states(own)
        with pytest.raises(psycopg2.OperationalError, match="no answer within"):
            psycopg2.connect(database.url, connect_timeout=2)
        part.resume()
        cursor.execute("SELECT id FROM things")
        assert (7,) == cursor.fetchone()
        assert soon(lambda: psutil.STATUS_STOPPED not in states(own))


def states(server: DatabaseServer) -> set[str]:
    process = psutil.Process(server.process_id())
    return {each.status() for each in (process, *process.children(recursive=True))}


@pytest.mark.parametrize("broken_by", ["stop", "pause"])
def test_a_server_that_is_left_broken_is_whole_again_after_the_block(own: DatabaseServer, broken_by: str) -> None:
    def trial() -> None:
        with own.fresh_database() as database, primary_of(database) as primary:
            getattr(primary, broken_by)()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        trial()
    assert [] == getattr(caught.value, "__notes__", [])
    own.require_alive()
    assert soon(lambda: psutil.STATUS_STOPPED not in states(own))


def test_a_session_that_stands_still_is_waited_for_so_long_and_no_longer(
    own: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waits, "ANSWERED_WITHIN_S", 0.3)
    with closing(psycopg2.connect(own.admin_url)) as session, session.cursor() as cursor:
        backend = psutil.Process(session.info.backend_pid)
        backend.suspend()
        try:
            with pytest.raises(psycopg2.OperationalError, match="no answer within"):
                cursor.execute("SELECT 1")
        finally:
            backend.resume()


def test_a_server_that_somebody_else_stopped_is_told_from_a_paused_one_and_goes_on(own: DatabaseServer) -> None:
    embedded, pid = own.embedded, own.process_id()
    assert embedded is not None
    assert pid is not None
    with own.fresh_database() as database:
        with primary_of(database) as primary:
            part = with_capability(primary, Pausable)
            part.pause()
            assert not embedded.stands_still()
            part.resume()
            psutil.Process(pid).suspend()
            assert embedded.stands_still()
        assert not embedded.stands_still()
        assert 7 == ask(database)


def test_a_gauge_outlives_a_server_that_stood_still(own: DatabaseServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "HURRIED_WITHIN_S", 0.3)
    with own.fresh_database() as database, primary_of(database) as primary:
        gauge = DatabaseGauge(PRIMARY, database.admin_url, database.name)
        part = with_capability(primary, Pausable)
        part.pause()
        for _ in range(2):  # its session, and the new one that it asks for
            with pytest.raises(UnreadableError):
                gauge.read()
        part.resume()
        with closing(psycopg2.connect(database.url)):
            assert 1 == gauge.read().total
        gauge.close()


def test_a_paused_server_ends_with_its_leash() -> None:
    with (
        Leash() as leash,
        database_server(leash, url=None, allow_remote=False, progress=lambda text: None) as server,
    ):
        process = psutil.Process(server.process_id())
        family = [process, *process.children(recursive=True)]
        assert server.embedded is not None
        server.embedded.pause()
    _, alive = psutil.wait_procs(family, timeout=5)
    assert [] == alive


def test_sessions_of_the_trials_database_are_ended_and_no_others(own: DatabaseServer) -> None:
    with (
        own.fresh_database() as database,
        own.fresh_database() as other,
        primary_of(database) as primary,
        closing(psycopg2.connect(database.url)) as idle,
        closing(psycopg2.connect(database.url)) as busy,
        closing(psycopg2.connect(other.url)) as elsewhere,
    ):
        with busy.cursor() as cursor:
            cursor.execute("SELECT 1")  # and its transaction stays open
        part = with_capability(primary, Terminable)
        assert 1 == part.terminate(idle_only=True)
        assert ["gone", "there", "there"] == [state(each) for each in (idle, busy, elsewhere)]
        assert 1 == part.terminate(idle_only=False)
        assert ["gone", "there"] == [state(each) for each in (busy, elsewhere)]


def state(connection: psycopg2.extensions.connection) -> str:
    time.sleep(0.2)  # what ends a session does not wait for its end
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except psycopg2.Error:
        return "gone"
    return "there"


def test_a_given_server_can_end_sessions_and_nothing_else(leash: Leash, own: DatabaseServer) -> None:
    with (
        database_server(leash, url=own.admin_url, allow_remote=False, progress=lambda text: None) as given,
        given.fresh_database() as database,
        primary_of(database) as primary,
        closing(psycopg2.connect(database.url)) as session,
    ):
        assert primary.pid is None
        assert 1 == with_capability(primary, Terminable).terminate(idle_only=False)
        assert "gone" == state(session)
        for capability in (Restartable, Pausable):
            with pytest.raises(TrialFailedError, match=f"'primary' cannot {ABILITIES[capability]} here"):
                with_capability(primary, capability)


def test_what_was_counted_outlives_a_restart_and_not_a_crash(own: DatabaseServer) -> None:
    with own.fresh_database() as database, primary_of(database) as primary:
        before = database.totals()
        assert before is not None
        assert 7 == ask(database)
        part = with_capability(primary, Restartable)
        part.stop()
        part.start()
        after = settled_totals(database)
        assert after is not None
        assert after.follows(before)
        assert 1 == after.since(before, "sessions")
        with closing(psycopg2.connect(database.url)) as session:
            psutil.Process(session.info.backend_pid).kill()

        def is_begun_anew() -> bool:
            found = settled_totals(database)
            return found is not None and not found.follows(after)

        assert soon(is_begun_anew)
