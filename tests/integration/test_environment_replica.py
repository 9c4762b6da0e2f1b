"""The replica as a part: it follows, it is late as its link is, it breaks and mends, and nothing of it stays."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections import namedtuple
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest

from harness.environment import replica
from harness.environment.leash import Leash
from harness.environment.parts import (
    KNOWN_PARTS,
    REPLICA,
    Link,
    Parts,
    Pausable,
    Restartable,
    Terminable,
)
from harness.environment.postgres import DatabaseServer, database_server
from harness.environment.primary import primary_of
from harness.environment.replica import Replica, ReplicaOfTrial, replica_of, running_replica
from harness.environment.segments import segment_of
from harness.environment.toxiproxy import Toxiproxy
from harness.errors import ReplicaUnavailableError
from harness.faults.latency import Latency
from harness.faults.proxy_down import ProxyDown
from harness.sampling.gauges import ReplicationGauge, UnreadableError
from scenarios.model import REPLICA_LINK, REPLICATION_LINK
from tests.integration.processes import soon

pytestmark = pytest.mark.integration

LATE_MS = 50
COMMITS = 25


def quiet(text: str) -> None:
    """Nobody reads progress here."""


def fill(url: str) -> None:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE things AS SELECT 7 AS id")


@pytest.fixture(scope="module")
def primary(leash: Leash) -> Iterator[DatabaseServer]:
    """A primary of this module's own: it is stopped and started again."""
    with database_server(leash, url=None, allow_remote=False, progress=quiet, replicated=True) as server:
        server.create_template(fill)
        yield server


@pytest.fixture(scope="module")
def follower(leash: Leash, primary: DatabaseServer, toxiproxy: Toxiproxy) -> Iterator[Replica]:
    with running_replica(leash, primary, toxiproxy, quiet) as following:
        yield following


@contextmanager
def trial(
    primary: DatabaseServer, follower: Replica, toxiproxy: Toxiproxy
) -> Iterator[tuple[str, ReplicaOfTrial]]:
    """A trial's database: where it is written, and where it is read."""
    with (
        primary.fresh_database() as database,
        replica_of(follower, database, toxiproxy, "trial") as there,
    ):
        yield database.url, there


@contextmanager
def session(url: str) -> Iterator[psycopg2.extensions.cursor]:
    with closing(psycopg2.connect(url, connect_timeout=5)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor


def write(url: str, number: int) -> None:
    with session(url) as cursor:
        cursor.execute("INSERT INTO things VALUES (%s)", (number,))


def shows(url: str, number: int) -> bool:
    with session(url) as cursor:
        cursor.execute("SELECT count(*) FROM things WHERE id = %s", (number,))
        return cursor.fetchone() == (1,)


def part(there: ReplicaOfTrial, capability: Any, name: str = REPLICA) -> Any:
    """As a fault gets it, which asks for a capability (`Any`: a protocol is no concrete type)."""
    return Parts(there.parts).require(name, capability)


# --- following -------------------------------------------------------------------------------------------


def test_a_trials_database_is_there_from_the_beginning_and_cannot_be_written(
    primary: DatabaseServer, follower: Replica, toxiproxy: Toxiproxy
) -> None:
    with trial(primary, follower, toxiproxy) as (url, there):
        assert shows(there.url, 7)
        with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
            write(there.url, 8)
        write(url, 8)
        assert soon(lambda: shows(there.url, 8))


def test_its_parts_have_every_capability_that_plans_may_count_on(
    primary: DatabaseServer, follower: Replica, toxiproxy: Toxiproxy
) -> None:
    with trial(primary, follower, toxiproxy) as (_, there):
        for name in (REPLICA, REPLICA_LINK, REPLICATION_LINK):
            for capability in KNOWN_PARTS[name]:
                part(there, capability, name)
        assert there.replica.embedded.pid in psutil.pids()
        assert there.replica.cpu_s() > 0


def lag_ms(writer: psycopg2.extensions.cursor, reader: psycopg2.extensions.cursor, number: int) -> float:
    """From the answer to a commit until the replica shows it."""
    writer.execute("INSERT INTO things VALUES (%s)", (number,))
    committed_s = time.perf_counter()
    while True:
        reader.execute("SELECT 1 FROM things WHERE id = %s", (number,))
        if reader.fetchone():
            return (time.perf_counter() - committed_s) * 1e3


def test_it_is_late_by_what_its_link_is_late(
    primary: DatabaseServer, follower: Replica, toxiproxy: Toxiproxy
) -> None:
    fault = Latency({"latency_ms": LATE_MS})
    with (
        trial(primary, follower, toxiproxy) as (url, there),
        session(url) as writer,
        session(there.url) as reader,
    ):
        numbers = iter(range(100, 200))
        before_ms = [lag_ms(writer, reader, next(numbers)) for _ in range(COMMITS)]
        fault.inject(there.parts[REPLICATION_LINK])  # type: ignore[arg-type]
        during_ms = [lag_ms(writer, reader, next(numbers)) for _ in range(COMMITS)]
        fault.heal(there.parts[REPLICATION_LINK])  # type: ignore[arg-type]
        after_ms = [lag_ms(writer, reader, next(numbers)) for _ in range(COMMITS)]
    # What is asked of the measurement: within 10 ms of what was put on the link.
    assert abs(statistics.median(during_ms) - LATE_MS) < 10, during_ms
    assert min(during_ms) > LATE_MS - 2
    assert max(statistics.median(before_ms), statistics.median(after_ms)) < LATE_MS / 2


def test_the_gauge_tells_how_late_it_is_and_that_it_is_cut_off(
    primary: DatabaseServer, follower: Replica, toxiproxy: Toxiproxy
) -> None:
    gauge = ReplicationGauge(REPLICA, primary.admin_url, follower.name)
    late, cut = Latency({"latency_ms": 200}), ProxyDown({})
    with trial(primary, follower, toxiproxy) as (url, there), closing(gauge):
        link: Any = there.parts[REPLICATION_LINK]
        late.inject(link)
        write(url, 20)
        behind = gauge.read()
        assert ("replica", True) == (behind.part, behind.behind_bytes > 0)
        assert soon(lambda: shows(there.url, 20))
        assert soon(lambda: lag_told(gauge, url) > 200)
        late.heal(link)
        cut.inject(link)
        assert soon(lambda: unreadable(gauge) == "the replica is not connected to the primary")
        cut.heal(link)
        assert soon(lambda: unreadable(gauge) == "" and gauge.read().behind_bytes == 0)


def lag_told(gauge: ReplicationGauge, url: str) -> float:
    """After a write of its own: PostgreSQL forgets the last lag when nothing comes for a while."""
    write(url, 21)
    time.sleep(0.4)
    return gauge.read().replay_lag_ms or 0.0


def unreadable(gauge: ReplicationGauge) -> str:
    try:
        gauge.read()
    except UnreadableError as error:
        return str(error)
    return ""


# --- breaking and mending --------------------------------------------------------------------------------


def test_cut_off_from_its_primary_it_shows_what_it_had_and_catches_up(
    primary: DatabaseServer, follower: Replica, toxiproxy: Toxiproxy
) -> None:
    with trial(primary, follower, toxiproxy) as (url, there):
        link = part(there, Link, REPLICATION_LINK)
        link.disable()
        write(url, 30)
        time.sleep(0.3)
        assert shows(there.url, 7)
        assert not shows(there.url, 30)
        link.enable()
        assert soon(lambda: shows(there.url, 30))


def test_gone_to_its_readers_it_goes_on_following(
    primary: DatabaseServer, follower: Replica, toxiproxy: Toxiproxy
) -> None:
    with trial(primary, follower, toxiproxy) as (url, there):
        link = part(there, Link, REPLICA_LINK)
        link.disable()
        with pytest.raises(psycopg2.OperationalError, match="Connection refused"):
            shows(there.url, 7)
        write(url, 40)
        assert soon(lambda: shows(there.database.url, 40))
        link.enable()
        assert shows(there.url, 40)


def test_it_is_started_again_on_the_same_port_and_has_what_was_written_meanwhile(
    primary: DatabaseServer, follower: Replica, toxiproxy: Toxiproxy
) -> None:
    with trial(primary, follower, toxiproxy) as (url, there):
        before = follower.embedded.pid
        replica_part = part(there, Restartable)
        replica_part.stop()
        stopped = follower.embedded.pid
        write(url, 50)
        replica_part.start()
        assert stopped is None
        assert follower.embedded.pid not in (None, before)
        assert soon(lambda: shows(there.url, 50))


def test_it_stands_still_and_goes_on(primary: DatabaseServer, follower: Replica, toxiproxy: Toxiproxy) -> None:
    with trial(primary, follower, toxiproxy) as (url, there), session(there.url) as held:
        replica_part = part(there, Pausable)
        replica_part.pause()
        # Each was told to stand still; one that waits for the disk does so when that has answered.
        assert soon(lambda: {psutil.STATUS_STOPPED} == states(follower)), states(follower)
        write(url, 60)
        replica_part.resume()
        held.execute("SELECT count(*) FROM things WHERE id = 7")
        assert (1,) == held.fetchone()
        assert soon(lambda: shows(there.url, 60))


def states(follower: Replica) -> set[str]:
    process = psutil.Process(follower.embedded.pid)
    return {each.status() for each in (process, *process.children(recursive=True))}


def test_sessions_of_the_trials_database_on_it_are_ended_and_none_on_the_primary(
    primary: DatabaseServer, follower: Replica, toxiproxy: Toxiproxy
) -> None:
    with trial(primary, follower, toxiproxy) as (url, there), session(url) as kept, session(there.url) as ended:
        assert 1 == part(there, Terminable).terminate(idle_only=False)
        time.sleep(0.2)
        with pytest.raises(psycopg2.OperationalError):
            ended.execute("SELECT 1")
        kept.execute("SELECT 1")


@pytest.mark.parametrize("broken_by", ["stop", "pause"])
def test_left_broken_it_is_whole_again_after_the_trial(
    primary: DatabaseServer, follower: Replica, toxiproxy: Toxiproxy, broken_by: str
) -> None:
    def broken() -> None:
        with trial(primary, follower, toxiproxy) as (_, there):
            getattr(there.parts[REPLICA], broken_by)()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        broken()
    assert [] == getattr(caught.value, "__notes__", [])
    with trial(primary, follower, toxiproxy) as (_, there):
        assert shows(there.url, 7)


def test_it_follows_a_primary_that_was_started_again(
    primary: DatabaseServer, follower: Replica, toxiproxy: Toxiproxy
) -> None:
    with (
        primary.fresh_database() as database,
        replica_of(follower, database, toxiproxy, "trial") as there,
        primary_of(database) as primary_part,
    ):
        restartable: Any = primary_part
        restartable.stop()
        assert shows(there.url, 7)
        restartable.start()
        write(database.url, 70)
        assert soon(lambda: shows(there.url, 70))


# --- where there can be none -----------------------------------------------------------------------------


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the replica's folder is made; what is left in it afterwards was left behind."""
    folder = Path(tempfile.mkdtemp(prefix="replica-test-"))
    folder.chmod(0o755)  # whom PostgreSQL runs as must pass
    monkeypatch.setattr(replica, "temporary_parent", lambda account: folder)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def other(leash: Leash) -> Iterator[DatabaseServer]:
    """A server that nothing was arranged on, as someone might give one."""
    with database_server(leash, url=None, allow_remote=False, progress=quiet) as server:
        yield server


def refusal(given: DatabaseServer, leash: Leash, toxiproxy: Toxiproxy) -> str:
    with pytest.raises(ReplicaUnavailableError) as caught, running_replica(leash, given, toxiproxy, quiet):
        pytest.fail("there is a replica")
    line = str(caught.value)
    assert "\n" not in line
    assert given.password not in line
    return line


def test_a_given_server_that_allows_it_has_a_replica(
    leash: Leash, other: DatabaseServer, toxiproxy: Toxiproxy, room: Path
) -> None:
    with database_server(leash, url=other.admin_url, allow_remote=False, progress=quiet) as given:
        given.create_template(fill)
        with (
            running_replica(leash, given, toxiproxy, quiet) as following,
            trial(given, following, toxiproxy) as (url, there),
        ):
            write(url, 8)
            assert soon(lambda: shows(there.url, 8))
    assert [] == list(room.iterdir())


def test_a_role_that_may_not_replicate_is_told_what_to_ask_for(
    leash: Leash, other: DatabaseServer, toxiproxy: Toxiproxy, room: Path
) -> None:
    with session(other.admin_url) as cursor:
        cursor.execute("CREATE ROLE teller LOGIN CREATEDB PASSWORD 'hush'")
    url = f"postgresql://teller:hush@{other.host}:{other.port}/postgres"
    with database_server(leash, url=url, allow_remote=False, progress=quiet) as given:
        assert 'run: ALTER ROLE "teller" REPLICATION' in refusal(given, leash, toxiproxy)
        with session(other.admin_url) as cursor:
            cursor.execute("ALTER ROLE teller REPLICATION")
        with running_replica(leash, given, toxiproxy, quiet) as following, given.fresh_database() as database:
            assert following.database(database.name).name == database.name
    assert [] == list(room.iterdir())


def test_a_server_whose_rules_let_no_replica_in_is_told_which_file(
    leash: Leash, other: DatabaseServer, toxiproxy: Toxiproxy, room: Path
) -> None:
    with session(other.admin_url) as cursor:
        cursor.execute("SHOW hba_file")
        rules = Path(cursor.fetchone()[0])  # type: ignore[index]
        before = rules.read_text()
        rules.write_text("\n".join(line for line in before.splitlines() if "replication" not in line) + "\n")
        cursor.execute("SELECT pg_reload_conf()")
        time.sleep(0.5)  # it is told, and reads them when it comes to it
        try:
            assert "`replication` to its pg_hba.conf" in refusal(other, leash, toxiproxy)
        finally:
            rules.write_text(before)
            cursor.execute("SELECT pg_reload_conf()")
    assert [] == list(room.iterdir())


def test_a_machine_without_room_is_told_how_much_it_takes(
    leash: Leash, other: DatabaseServer, toxiproxy: Toxiproxy, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(
        "harness.environment.base_backup.shutil.disk_usage", lambda path: usage(2**30, 2**30 - 2**20, 2**20)
    )
    assert f"MiB and {room} has 1; make room" in refusal(other, leash, toxiproxy)
    assert [] == list(room.iterdir())


def test_a_server_that_writes_too_little_for_a_replica_is_told_which_setting(
    leash: Leash, other: DatabaseServer, toxiproxy: Toxiproxy, room: Path
) -> None:
    with session(other.admin_url) as cursor:
        cursor.execute("ALTER SYSTEM SET wal_level = minimal")
        cursor.execute("ALTER SYSTEM SET max_wal_senders = 0")
    assert other.embedded is not None
    other.embedded.stop()
    other.embedded.start()
    assert "wal_level of PostgreSQL at" in refusal(other, leash, toxiproxy)
    assert [] == list(room.iterdir())


# --- nothing stays ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("killed", [False, True])
def test_nothing_of_it_is_left_however_it_ends(toxiproxy: Toxiproxy, room: Path, killed: bool) -> None:
    with (
        Leash() as leash,
        database_server(leash, url=None, allow_remote=False, progress=quiet, replicated=True) as server,
    ):
        with running_replica(leash, server, toxiproxy, quiet) as following:
            process = psutil.Process(following.embedded.pid)
            family = [process, *process.children(recursive=True)]
            (pid_file,) = room.glob("*/data/postmaster.pid")
            segment = segment_of(pid_file)
            proxy = following.replication
            if killed:
                process.kill()
        assert segment is not None
        assert segment not in segments()
        assert [] == list(room.iterdir())
        with pytest.raises(psycopg2.OperationalError, match="Connection refused"):
            psycopg2.connect(server.url("postgres", proxy.host, proxy.port))
        server.require_alive()
        with session(server.admin_url) as cursor:
            cursor.execute("SELECT count(*) FROM pg_replication_slots")
            assert (0,) == cursor.fetchone()
    _, alive = psutil.wait_procs(family, timeout=5)
    assert [] == alive


def segments() -> set[int]:
    """System V's shared memory, as the system lists it."""
    lines = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return {int(line.split()[1]) for line in lines}


def test_with_its_server_killed_the_trial_fails_and_the_next_one_too(toxiproxy: Toxiproxy) -> None:
    with (
        Leash() as leash,
        database_server(leash, url=None, allow_remote=False, progress=quiet, replicated=True) as server,
        running_replica(leash, server, toxiproxy, quiet) as following,
        server.fresh_database() as database,
    ):

        def trial_in_which_it_is_killed() -> None:
            with replica_of(following, database, toxiproxy, "trial"):
                if not following.embedded.died():
                    psutil.Process(following.embedded.pid).kill()
                    assert soon(following.embedded.died)

        for _ in range(2):
            with pytest.raises(ReplicaUnavailableError, match="the replica has ended by itself"):
                trial_in_which_it_is_killed()
