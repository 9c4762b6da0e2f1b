"""Trust, password and TLS: each opens the door that it names, for its trial, and no other."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from harness.environment.address import Address
from harness.environment.database import DatabaseServer
from harness.environment.embedded import BINARIES_VARIABLE
from harness.environment.leash import Leash
from harness.environment.logins import logging_in
from harness.environment.postgres import database_server
from harness.environment.stack import StackOptions, running_stack
from harness.errors import EnvironmentSetupError, LoginUnavailableError
from harness.experiments import Experiment, plan_of
from harness.records import Login, RunState, TrialState
from harness.run import Nobody, run_plan
from harness.store import RunStore
from harness.subject import login_ladder
from reports.read import read_run
from scenarios.model import Phase, Scenario
from targets.settings import DatabaseUrl
from tests.integration.postgres_with_tls import binaries_with_tls

pytestmark = pytest.mark.integration

_ENCRYPTED = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


def silent(text: str) -> None:
    """Nobody reads progress here."""


def ask(url: str, statement: str) -> object:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None


def refused(url: str, statement: str = "SELECT 1") -> str:
    """What PostgreSQL said; the error must not live on, as it holds a session that waits for a password."""
    try:
        ask(url, statement)
    except psycopg2.Error as error:
        return str(error)
    pytest.fail(f"was let in, and could {statement}")


def roles(server: DatabaseServer) -> object:
    return ask(server.admin_url, "SELECT count(*) FROM pg_roles WHERE rolname NOT LIKE 'pg_%'")


def rules(server: DatabaseServer) -> object:
    return ask(server.admin_url, "SELECT pg_read_file('pg_hba.conf')")


@pytest.fixture(scope="module")
def server_with_tls(leash: Leash) -> Iterator[DatabaseServer]:
    """A server of our own, from binaries that know TLS."""
    with ExitStack() as up:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(BINARIES_VARIABLE, str(binaries_with_tls()))
            server = up.enter_context(database_server(leash, url=None, allow_remote=False, progress=silent))
        yield server


def test_with_trust_no_password_is_asked_for(postgres_server: DatabaseServer) -> None:
    with postgres_server.fresh_database() as database:
        ask(database.url, "CREATE TABLE things (id int GENERATED ALWAYS AS IDENTITY, name text)")
        with logging_in(database, Login.TRUST) as address:
            url = address.url(database.name)

            assert "" == address.password
            assert address.user == ask(url, "SELECT session_user")
            assert 1 == ask(url, "INSERT INTO things (name) VALUES ('a') RETURNING id")


def test_trust_opens_no_other_door(postgres_server: DatabaseServer) -> None:
    with (
        postgres_server.fresh_database() as database,
        postgres_server.fresh_database() as other,
        logging_in(database, Login.TRUST) as address,
    ):
        url = address.url(database.name)
        without = Address(address.host, address.port, postgres_server.user, "", "postgres")

        assert "password" in refused(address.url(other.name))
        assert "password" in refused(address.url("postgres"))
        assert "password" in refused(without.url(database.name))
        assert "permission denied" in refused(url, f'SET ROLE "{postgres_server.user}"')
        assert "permission denied" in refused(url, "CREATE TABLE mine (id int)")
        assert "permission denied" in refused(url, "CREATE DATABASE mine")


def test_trust_goes_with_its_trial(postgres_server: DatabaseServer) -> None:
    before = roles(postgres_server), rules(postgres_server)
    with postgres_server.fresh_database() as database:
        ask(database.url, "CREATE TABLE things (id int)")
        with logging_in(database, Login.TRUST) as address:
            url = address.url(database.name)
            left_open = psycopg2.connect(url)

        assert before == (roles(postgres_server), rules(postgres_server))
        assert refused(url)
        left_open.close()


def test_a_trusted_session_can_be_ended_as_others_can(postgres_server: DatabaseServer) -> None:
    with (
        postgres_server.fresh_database() as database,
        logging_in(database, Login.TRUST) as address,
        closing(psycopg2.connect(address.url(database.name))),
    ):
        assert 1 == postgres_server.end_sessions(database.name)


def test_a_build_without_tls_says_so_and_stays_as_it_was(postgres_server: DatabaseServer) -> None:
    with postgres_server.fresh_database() as database:
        with pytest.raises(LoginUnavailableError) as caught, logging_in(database, Login.TLS):
            pass

        assert "this build of PostgreSQL knows no TLS" in str(caught.value)
        assert BINARIES_VARIABLE in str(caught.value)
        assert "\n" not in str(caught.value)
        assert "off" == ask(database.url, "SHOW ssl")


@pytest.mark.parametrize(("login", "mend"), [(Login.TRUST, "--database-url"), (Login.TLS, "ssl = on")])
def test_what_a_given_server_does_not_offer_is_left_out(
    seeded_server: DatabaseServer, login: Login, mend: str
) -> None:
    with seeded_server.fresh_database() as database:
        with pytest.raises(LoginUnavailableError) as caught, logging_in(database, login):
            pass

        assert mend in str(caught.value)
        assert login.value in str(caught.value)
        assert "\n" not in str(caught.value)
        assert seeded_server.password not in str(caught.value)


def test_within_tls_both_drivers_log_in_by_password(server_with_tls: DatabaseServer) -> None:
    async def asyncpg_says(url: str) -> object:
        engine = create_async_engine(DatabaseUrl.parse(url).asyncpg(), poolclass=NullPool)
        async with engine.connect() as connection:
            found = (await connection.execute(text(_ENCRYPTED))).scalar()
        await engine.dispose()
        return found

    with server_with_tls.fresh_database() as database, logging_in(database, Login.TLS) as address:
        url = address.url(database.name)
        engine = create_engine(DatabaseUrl.parse(url).psycopg2(), poolclass=NullPool)
        with engine.connect() as connection:
            assert True is connection.execute(text(_ENCRYPTED)).scalar()
        engine.dispose()
        assert True is asyncio.run(asyncpg_says(url))
        wrong = Address(address.host, address.port, address.user, "wrong", "postgres", address.options)
        assert "password authentication failed" in refused(wrong.url(database.name))


def test_the_key_of_tls_is_for_the_server_alone_and_goes_with_the_trial(server_with_tls: DatabaseServer) -> None:
    data = Path(str(ask(server_with_tls.admin_url, "SHOW data_directory")))
    with server_with_tls.fresh_database() as database:
        with logging_in(database, Login.TLS):
            key = data / "server.key"
            assert 0o600 == stat.S_IMODE(key.stat().st_mode)
            assert data.stat().st_uid == key.stat().st_uid

        assert not key.exists()


def test_after_a_trial_with_tls_drivers_left_to_themselves_do_without(server_with_tls: DatabaseServer) -> None:
    for _ in range(2):  # and it can be had again
        with server_with_tls.fresh_database() as database:
            assert False is ask(database.url, _ENCRYPTED)
            with logging_in(database, Login.TLS) as address:
                assert True is ask(address.url(database.name), _ENCRYPTED)
            with logging_in(database, Login.SCRAM) as address:
                assert False is ask(address.url(database.name), _ENCRYPTED)


def test_tls_is_asked_of_a_given_server_that_has_it(leash: Leash, server_with_tls: DatabaseServer) -> None:
    with server_with_tls.fresh_database() as own, logging_in(own, Login.TLS):
        given = f"{server_with_tls.admin_url}?sslmode=disable"
        with (
            database_server(leash, url=given, allow_remote=False, progress=silent) as server,
            server.fresh_database() as database,
            logging_in(database, Login.TLS) as address,
        ):
            assert True is ask(address.url(database.name), _ENCRYPTED)
            assert False is ask(database.url, _ENCRYPTED)


def test_a_folder_without_binaries_is_refused_in_one_line(
    leash: Leash, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(BINARIES_VARIABLE, str(tmp_path))
    with (
        pytest.raises(EnvironmentSetupError, match="without postgres and initdb; name the one that") as caught,
        database_server(leash, url=None, allow_remote=False, progress=silent),
    ):
        pass
    assert "\n" not in str(caught.value)


def test_a_run_measures_the_logins_that_there_are_and_says_which_there_is_not(tmp_path: Path) -> None:
    subjects = {subject.name: subject for subject in login_ladder()}
    tellers = Scenario(
        name="brief",
        title="Brief",
        question="?",
        phases=(Phase(name="only", duration_s=1, users=2, behaviour="teller"),),
    )
    plan = plan_of(
        Experiment(
            name="brief",
            question="?",
            subjects=(subjects["sync-pool-trust"], subjects["no-pool-tls"], subjects["no-pool-trust"]),
            scenarios=(tellers,),
            control="sync-pool-trust",
            repetitions=1,
        )
    )
    store = RunStore.create(tmp_path / "run")
    with running_stack(StackOptions(), silent) as stack:
        manifest = run_plan(plan, "brief", store, stack, Nobody())

    records = {trial.record.spec.target: trial.record for trial in read_run(store.path).trials}
    assert RunState.FINISHED is manifest.state
    assert {"sync-pool-trust": "trust", "no-pool-tls": "tls", "no-pool-trust": "trust"} == {
        name: record.target.login for name, record in records.items()
    }
    assert (TrialState.FAILED, True) == (records["no-pool-tls"].state, "no TLS" in records["no-pool-tls"].reason)
    for name in ("sync-pool-trust", "no-pool-trust"):
        assert (TrialState.COMPLETED, "") == (records[name].state, records[name].reason)
        assert [] == [asked.name for asked in records[name].conformance if not asked.passed]
        bank = records[name].bank
        assert bank is not None
        assert 0 < bank.transfers_stored == bank.transfers_acknowledged
