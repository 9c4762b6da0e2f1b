from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
import psycopg2
import psycopg2.extensions
import pytest

from harness.environment.account import Account, server_account
from harness.environment.leash import Leash
from harness.environment.ports import free_port
from harness.environment.postgres import DatabaseServer, database_server, embedded_binaries
from harness.errors import EnvironmentSetupError
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


@pytest.mark.parametrize("host", ["192.0.2.1", "database.invalid", "[2001:db8::1]"])
def test_a_server_elsewhere_is_refused_unless_allowed(leash: Leash, host: str) -> None:
    text = refusal(leash, f"postgresql://me:s3cret@{host}:5432/db")
    assert f"{host.strip('[]')!r} is not this machine" in text
    assert text.endswith("use a local server or add --allow-remote-database")


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

    monkeypatch.setattr("harness.environment.postgres.embedded_binaries", lambda: binaries)
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
