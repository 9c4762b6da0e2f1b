from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import psycopg2.extensions
import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine

from harness.environment import database as database_module
from harness.environment import waits
from harness.environment.account import Account, server_account
from harness.environment.address import connect
from harness.environment.embedded import EmbeddedServer, embedded_binaries, embedded_server
from harness.environment.leash import Leash
from harness.environment.limits import limit_met
from harness.environment.ports import free_port
from harness.environment.postgres import DatabaseServer, database_server
from harness.errors import EnvironmentSetupError, LeftBehindError
from targets.schema import create_schema, seed
from targets.settings import DatabaseUrl
from tests.integration.command import COMMAND
from tests.integration.processes import descendants

pytestmark = pytest.mark.integration

SECRET = "s3cret/of:the@tests"


def silent(text: str) -> None:
    """Nobody reads progress here."""


@contextmanager
def session(url: str) -> Iterator[psycopg2.extensions.cursor]:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor


def ask(url: str, query: str) -> object:
    with session(url) as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
    assert row is not None
    return row[0]


def databases(server: DatabaseServer) -> set[str]:
    with session(server.url("postgres")) as cursor:
        cursor.execute("SELECT datname FROM pg_database")
        return {str(row[0]) for row in cursor.fetchall()}


@pytest.fixture
def role(postgres_server: DatabaseServer) -> Iterator[str]:
    """A role that may log in with SECRET and nothing else."""
    name = f"role_{secrets.token_hex(4)}"
    with session(postgres_server.url("postgres")) as cursor:
        cursor.execute(f'CREATE ROLE "{name}" LOGIN PASSWORD %s', (SECRET,))
        yield name
        cursor.execute(f'DROP ROLE "{name}"')


def refusal(leash: Leash, url: str, *, allow_remote: bool = False) -> str:
    """The one line with which a URL is refused; it never holds the password."""
    with (
        pytest.raises(EnvironmentSetupError) as caught,
        database_server(leash, url=url, allow_remote=allow_remote, progress=silent),
    ):
        pass
    text = str(caught.value)
    assert "\n" not in text
    assert SECRET not in text
    assert "s3cret" not in text
    return text


def test_the_embedded_server_says_what_it_is(postgres_server: DatabaseServer) -> None:
    assert postgres_server.origin == "embedded"
    assert postgres_server.host == "127.0.0.1"
    assert int(postgres_server.version.split(".")[0]) >= 16
    settings = postgres_server.settings()
    assert {name: settings[name] for name in ("max_connections", "fsync", "synchronous_commit")} == {
        "max_connections": "100",
        "fsync": "off",
        "synchronous_commit": "off",
    }


def test_the_embedded_server_wants_its_password(postgres_server: DatabaseServer) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(
            host=postgres_server.host,
            port=postgres_server.port,
            user=postgres_server.user,
            password="wrong",
            dbname="postgres",
        )


def test_the_password_is_shown_nowhere(postgres_server: DatabaseServer) -> None:
    password = postgres_server.password
    assert len(password) >= 32
    assert password not in repr(postgres_server)
    with postgres_server.fresh_database() as database:
        assert password not in repr(database)
        assert postgres_server.redact(f"lost {database.url}") == (
            f"lost postgresql://poolstorm:***@127.0.0.1:{postgres_server.port}/{database.name}"
        )
        lines = [line for _, line in descendants(psutil.Process())]
        assert any("postgres" in line for line in lines)
        assert [line for line in lines if password in line] == []


def test_the_password_is_on_no_disk(postgres_server: DatabaseServer) -> None:
    data = Path(str(ask(postgres_server.url("postgres"), "SHOW data_directory")))
    assert data.parent.stat().st_mode & 0o777 == 0o700
    contents: dict[Path, bytes] = {}
    for path in data.parent.rglob("*"):
        with suppress(FileNotFoundError, IsADirectoryError):  # the running server removes files as it likes
            contents[path] = path.read_bytes()
    assert len(contents) > 100
    password = postgres_server.password.encode()
    assert [path for path, content in contents.items() if password in content] == []


def test_each_trial_gets_a_copy_of_the_template(leash: Leash, postgres_server: DatabaseServer) -> None:
    def build(url: str) -> None:
        left_open.append(psycopg2.connect(url))  # a pool that its builder forgot
        with session(url) as cursor:
            cursor.execute("CREATE TABLE things AS SELECT generate_series(1, 100) AS id")

    left_open: list[psycopg2.extensions.connection] = []
    before = databases(postgres_server)
    with database_server(leash, url=given(postgres_server), allow_remote=False, progress=silent) as server:
        server.create_template(build)
        with server.fresh_database() as first, server.fresh_database() as second:
            with session(first.url) as cursor:
                cursor.execute("DELETE FROM things WHERE id <= 40")
            counts = [ask(database.url, "SELECT count(*) FROM things") for database in (first, second)]
            analysed = ask(first.url, "SELECT reltuples FROM pg_class WHERE relname = 'things'")
            assert first.name != second.name

    assert counts == [60, 100]
    assert analysed == 100
    assert databases(postgres_server) == before
    left_open[0].close()


def given(server: DatabaseServer) -> str:
    return server.url("postgres")


def test_a_fresh_database_is_dropped_with_its_connections_and_on_errors(postgres_server: DatabaseServer) -> None:
    left_open: list[psycopg2.extensions.connection] = []

    def trial() -> None:
        with postgres_server.fresh_database() as database:
            left_open.append(psycopg2.connect(database.url))
            raise ZeroDivisionError

    before = databases(postgres_server)
    with pytest.raises(ZeroDivisionError):
        trial()
    assert databases(postgres_server) == before
    with pytest.raises(psycopg2.OperationalError), left_open[0].cursor() as cursor:
        cursor.execute("SELECT 1")
    left_open[0].close()


def test_a_given_server_is_used_and_left_as_it_was(leash: Leash, postgres_server: DatabaseServer) -> None:
    before = databases(postgres_server)
    with database_server(leash, url=given(postgres_server), allow_remote=False, progress=silent) as server:
        assert server.origin == "given"
        assert server.process_id() is None
        server.create_template(lambda url: None)
        assert len(databases(postgres_server) - before) == 1
    assert databases(postgres_server) == before
    assert ask(given(postgres_server), "SELECT 1") == 1  # it still runs


def test_a_server_that_does_not_answer_is_refused(leash: Leash) -> None:
    port = free_port()
    text = refusal(leash, f"postgresql://me:s3cret%2Fof@127.0.0.1:{port}/db")
    assert f"no access to PostgreSQL at 127.0.0.1:{port}/db" in text
    assert "Connection refused" in text
    assert text.endswith("start the server or correct --database-url")


def test_a_wrong_password_is_refused_without_showing_it(
    leash: Leash, postgres_server: DatabaseServer, role: str
) -> None:
    port = postgres_server.port
    text = refusal(leash, f"postgresql://{role}:s3cret-but-wrong@127.0.0.1:{port}/postgres")
    assert f'password authentication failed for user "{role}"' in text


def test_a_role_that_may_not_create_databases_is_refused(
    leash: Leash, postgres_server: DatabaseServer, role: str
) -> None:
    quoted = SECRET.replace("/", "%2F").replace(":", "%3A").replace("@", "%40")
    text = refusal(leash, f"postgresql://{role}:{quoted}@localhost:{postgres_server.port}/postgres")
    assert text.endswith(f'have an administrator run: ALTER ROLE "{role}" CREATEDB')


@pytest.mark.parametrize("host", ["192.0.2.1", "[2001:db8::1]"])
def test_a_server_elsewhere_is_refused_unless_allowed(leash: Leash, host: str) -> None:
    text = refusal(leash, f"postgresql://me:s3cret@{host}:5432/db")
    assert text.startswith("the host of --database-url is not this machine")
    assert text.endswith("use a local server or add --allow-remote-database")


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="root and setpriv are needed to give a power up"
)
@pytest.mark.parametrize(
    ("power", "said"),
    [
        ("setuid", "this root may not become 'nobody' (Operation not permitted)"),
        ("setgid", "this root may not become 'nobody' (Operation not permitted)"),
        ("chown", "this root may give no file to 'nobody'"),
    ],
)
def test_a_root_without_its_powers_is_told_which_is_missing(tmp_path: Path, power: str, said: str) -> None:
    ended = subprocess.run(
        ["setpriv", f"--bounding-set=-{power}", f"--inh-caps=-{power}", *COMMAND, "run", "-o", tmp_path / "out"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False), ended.stderr
    assert f"PostgreSQL does not run as root, and {said}; run as another user, or give a server" in ended.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts PostgreSQL under another account")
def test_binaries_that_the_account_cannot_reach_are_copied(
    leash: Leash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = embedded_binaries().parents[1]
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.exists():
            (hidden / folder.name).symlink_to(folder)
    binaries = hidden / package.name / embedded_binaries().parent.name / "bin"
    account = server_account()
    assert isinstance(account, Account)
    assert not account.can_run(binaries / "postgres")

    monkeypatch.setattr("harness.environment.embedded.embedded_binaries", lambda: binaries)
    with database_server(leash, url=None, allow_remote=False, progress=silent) as server:
        assert ask(server.url("postgres"), "SELECT 1") == 1
        data = Path(str(ask(server.url("postgres"), "SHOW data_directory")))
        assert (data.parent / "install").is_dir()
    assert not data.parent.exists()


HOSTILE = {
    "PGHOSTADDR": "127.0.0.9",
    "PGSSLMODE": "require",
    "PGOPTIONS": "-c no_such_setting=1",
    "PGSERVICE": "nobody's",
    "PGCHANNELBINDING": "require",
    "PGTARGETSESSIONATTRS": "standby",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_given_server_is_the_one_in_the_url_whatever_the_environment_says(
    leash: Leash, postgres_server: DatabaseServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, HOSTILE[name])
    with database_server(leash, url=given(postgres_server), allow_remote=False, progress=silent) as server:
        server.create_template(lambda url: None)
        with server.fresh_database() as database:
            assert 1 == ask(database.url, "SELECT 1")
    assert HOSTILE[name] == os.environ[name]


def test_the_embedded_server_starts_whatever_the_environment_says(
    leash: Leash, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    with database_server(leash, url=None, allow_remote=False, progress=silent) as server:
        assert 1 == ask(server.url("postgres"), "SELECT 1")


@pytest.fixture
def plain(postgres_server: DatabaseServer) -> Iterator[str]:
    """The URL of a role that may create databases and is no superuser."""
    name = f"plain_{secrets.token_hex(4)}"
    with session(postgres_server.url("postgres")) as cursor:
        cursor.execute(f"CREATE ROLE {name} LOGIN CREATEDB PASSWORD 'x'")
        yield f"postgresql://{name}:x@127.0.0.1:{postgres_server.port}/postgres"
        cursor.execute(f"DROP ROLE {name}")


def seed_bank(url: str) -> None:
    engine = create_engine(DatabaseUrl.parse(url).psycopg2())
    create_schema(engine)
    seed(engine)  # and leaves its pool open


def test_a_role_that_is_no_superuser_is_enough(leash: Leash, postgres_server: DatabaseServer, plain: str) -> None:
    before = databases(postgres_server)
    url = plain.replace("postgresql:", "postgresql+asyncpg:")
    said: list[str] = []
    with database_server(leash, url=url, allow_remote=False, progress=said.append) as server:
        server.create_template(seed_bank)
        with server.fresh_database() as database:
            assert 1 == ask(database.url, "SELECT 1")
            assert database.transactions() >= 0
            left_open = psycopg2.connect(database.url)
    assert before == databases(postgres_server)
    assert ["'+asyncpg' of --database-url is left aside: each target chooses its own driver"] == said
    left_open.close()


def test_a_session_of_another_role_keeps_its_database_and_no_other_and_is_told_of(
    leash: Leash, postgres_server: DatabaseServer, plain: str
) -> None:
    before = databases(postgres_server)
    names: list[str] = []

    def watched() -> None:
        with database_server(leash, url=plain, allow_remote=False, progress=silent) as server:
            server.create_template(lambda url: None)
            with server.fresh_database() as database:
                names.append(database.name)
                onlookers.append(psycopg2.connect(postgres_server.url(database.name)))

    onlookers: list[psycopg2.extensions.connection] = []
    with pytest.raises(
        EnvironmentSetupError, match=r"end the sessions of other roles in it and run: DROP DATABASE"
    ):
        watched()
    left = databases(postgres_server) - before
    assert set(names) == left
    onlookers[0].close()
    with session(postgres_server.url("postgres")) as cursor:
        cursor.execute(f"DROP DATABASE {names[0]}")


@pytest.mark.parametrize("limit", ["role", "database", "server"])
def test_a_limit_of_connections_is_named(
    leash: Leash, postgres_server: DatabaseServer, plain: str, limit: str
) -> None:
    name = plain.partition("//")[2].partition(":")[0]
    before = databases(postgres_server)
    held: list[psycopg2.extensions.connection] = []
    with database_server(leash, url=plain, allow_remote=False, progress=silent) as server:
        server.create_template(lambda url: None)
        with server.fresh_database() as database, session(postgres_server.url("postgres")) as admin:
            none = server.connection_limits(database.name)
            assert (97, None, None) == (none.server, none.role, none.database)
            admin.execute(
                {
                    "role": f"ALTER ROLE {name} CONNECTION LIMIT 4",
                    "database": f"ALTER DATABASE {database.name} CONNECTION LIMIT 3",
                    "server": "SELECT 1",
                }[limit]
            )
            asked = server.connection_limits(database.name)
            met, room = asked.room()
            assert limit == met
            assert f"the {limit}'s limit is" in asked.too_few_for(room + 1)
            assert "" == asked.too_few_for(room)
            with pytest.raises(psycopg2.OperationalError) as caught:
                held.extend(psycopg2.connect(database.url) for _ in range(200))
            assert limit == limit_met(str(caught.value))
            if limit != "database":
                with pytest.raises(EnvironmentSetupError, match=r"; end other sessions, or raise") as told:
                    server.settings()
                assert "\n" not in str(told.value)
            admin.execute(f"ALTER ROLE {name} CONNECTION LIMIT -1")
            for connection in held:
                connection.close()
            held.clear()
            wait_until_few(postgres_server)
    assert before == databases(postgres_server)


def wait_until_few(server: DatabaseServer) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with suppress(psycopg2.OperationalError):
            if server.connection_limits().server_sessions < 20:
                return
        time.sleep(0.05)


def test_options_of_the_url_reach_every_driver(
    leash: Leash, postgres_server: DatabaseServer, tmp_path: Path
) -> None:
    """The embedded server knows no TLS: who asks for it is refused, and who has it disabled is not."""
    text = refusal(leash, f"{given(postgres_server)}?sslmode=require")
    assert "server does not support SSL, but SSL was required" in text

    with database_server(
        leash, url=f"{given(postgres_server)}?sslmode=disable", allow_remote=False, progress=silent
    ) as server:
        address = DatabaseUrl.parse(server.url("postgres").replace("disable", "require"))
    with pytest.raises(OperationalError, match="server does not support SSL"):
        create_engine(address.psycopg2()).connect()

    async def by_asyncpg() -> None:
        await create_async_engine(address.asyncpg()).connect()

    with pytest.raises(ConnectionError, match="rejected SSL upgrade"):
        asyncio.run(by_asyncpg())


def segments() -> set[str]:
    """Segments of System V's shared memory and of POSIX's that PostgreSQL has on this machine now."""
    listed = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return {line.split()[1] for line in listed} | {path.name for path in Path("/dev/shm").glob("PostgreSQL.*")}


@pytest.mark.skipif(not Path("/proc/sysvipc/shm").exists(), reason="lists segments as Linux does")
def test_a_killed_server_leaves_no_shared_memory_behind() -> None:
    before = segments()
    with Leash() as leash, database_server(leash, url=None, allow_remote=False, progress=silent) as server:
        pid = server.process_id()
        assert pid is not None
        assert len(segments() - before) == 1  # the interlock; what is dynamic lies in the data folder
        os.kill(pid, signal.SIGKILL)
    assert set() == segments() - before


@pytest.mark.parametrize(
    "setting", ["statement_timeout = '1ms'", "lock_timeout = '1ms'", "idle_in_transaction_session_timeout = '1ms'"]
)
def test_what_binds_the_sessions_of_applications_does_not_bind_the_harness(
    leash: Leash, postgres_server: DatabaseServer, plain: str, setting: str
) -> None:
    role = plain.split("//")[1].split(":", maxsplit=1)[0]
    with session(postgres_server.url("postgres")) as cursor:
        cursor.execute(f"ALTER ROLE {role} SET {setting}")
    with database_server(leash, url=plain, allow_remote=False, progress=silent) as server:
        server.create_template(lambda url: None)
        with server.fresh_database() as database:
            assert database.transactions() >= 0


def test_a_role_whose_sessions_are_read_only_is_refused_before_anything_is_created(
    leash: Leash, postgres_server: DatabaseServer, plain: str
) -> None:
    role = plain.split("//")[1].split(":", maxsplit=1)[0]
    with session(postgres_server.url("postgres")) as cursor:
        cursor.execute(f"ALTER ROLE {role} SET default_transaction_read_only = on")
    with (
        pytest.raises(EnvironmentSetupError, match="are read-only; have an administrator run: ALTER ROLE"),
        database_server(leash, url=plain, allow_remote=False, progress=silent),
    ):
        pass


def test_a_server_that_has_gone_is_told_as_holding_what_could_not_be_dropped(
    leash: Leash, caplog: pytest.LogCaptureFixture
) -> None:
    names: list[str] = []

    def given() -> None:
        with embedded_server(leash) as embedded:
            address = embedded.address
            url = f"postgresql://{address.user}:{address.password}@{address.host}:{address.port}/postgres"
            with database_server(leash, url=url, allow_remote=False, progress=silent) as server:
                server.create_template(lambda url: None)
                with server.fresh_database() as database:
                    names.append(database.name)
                    embedded.stop()
                    raise ValueError("the root cause")

    with pytest.raises(ValueError, match="the root cause"):
        given()
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert 1 == len(told)
    assert f"may still hold the database {names[0]}" in told[0]
    assert "so with" in told[0]
    assert "_template_" in told[0]
    assert "DROP DATABASE IF EXISTS" in told[0]
    assert "sessions of other roles" not in told[0]


@pytest.fixture
def standing_still(leash: Leash) -> Iterator[tuple[EmbeddedServer, str]]:
    """A server that a test may stop at any time, given by its URL; it goes on in the end."""
    with embedded_server(leash) as embedded:
        address = embedded.address
        yield (
            embedded,
            f"postgresql://{address.user}:{address.password}@{address.host}:{address.port}/postgres",
        )


def test_a_given_server_that_stands_still_is_waited_for_once_and_not_for_each_database(
    leash: Leash,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    standing_still: tuple[EmbeddedServer, str],
) -> None:
    embedded, url = standing_still
    asked: list[str] = []

    def counted(*given: Any) -> psycopg2.extensions.connection:
        asked.append("asked")
        return connect(*given)

    def interrupted() -> None:
        with database_server(leash, url=url, allow_remote=False, progress=silent) as server:
            for _ in range(3):
                server.create_template(lambda url: None)
            with server.fresh_database():
                embedded.pause()
                monkeypatch.setattr(waits, "CONNECTED_WITHIN_S", 1.0)
                monkeypatch.setattr(waits, "HURRIED_WITHIN_S", 0.25)
                monkeypatch.setattr(database_module, "connect", counted)
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert ["asked"] * 2 == asked  # at the end of the trial, and at that of the run
    (told,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert 3 == told.count("_template_")


def test_who_does_not_wait_until_databases_are_dropped_is_told_what_is_left(
    leash: Leash, standing_still: tuple[EmbeddedServer, str]
) -> None:
    embedded, url = standing_still

    def impatient() -> None:
        with database_server(leash, url=url, allow_remote=False, progress=silent) as server:
            server.create_template(lambda url: None)
            embedded.pause()
            signal.setitimer(signal.ITIMER_REAL, 0.3)  # on the way out

    def ctrl_c(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, ctrl_c)
    try:
        with pytest.raises(
            LeftBehindError, match="you did not wait until it was dropped; once it answers, run: DROP"
        ):
            impatient()
    finally:
        signal.signal(signal.SIGALRM, before)
