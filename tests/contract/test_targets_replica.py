"""The targets that read from a replica: what goes where, what is missed, and what breaks with which server."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from harness.environment.children import module_command, python_environment
from harness.environment.leash import Leash
from harness.environment.ports import free_port
from harness.environment.postgres import DatabaseServer, database_server
from harness.environment.replica import Replica, ReplicaOfTrial, replica_of, running_replica
from harness.environment.toxiproxy import Proxy, Toxiproxy
from targets.contract import ProblemKind
from targets.schema import create_schema, seed
from targets.settings import DATABASE_URL_VARIABLE, REPLICA_URL_VARIABLE, DatabaseUrl
from targets.tutorial.registry import TUTORIAL
from tests.contract.contract_support import RunningTarget, query, running_target, wait_until

pytestmark = pytest.mark.integration

NAMES = ["rw-split", "rw-split-sticky"]
LATE_MS = 2000
"""More than a request takes on a busy machine."""


def quiet(text: str) -> None:
    """Nobody reads progress here."""


def build(url: str) -> None:
    engine = create_engine(DatabaseUrl.parse(url).psycopg2(), poolclass=NullPool)
    create_schema(engine)
    seed(engine)
    engine.dispose()


@pytest.fixture(scope="module")
def primary(leash: Leash) -> Iterator[DatabaseServer]:
    with database_server(leash, url=None, allow_remote=False, progress=quiet, replicated=True) as server:
        server.create_template(build)
        yield server


@pytest.fixture(scope="module")
def follower(leash: Leash, primary: DatabaseServer, toxiproxy: Toxiproxy) -> Iterator[Replica]:
    with running_replica(leash, primary, toxiproxy, quiet) as following:
        yield following


@dataclass(frozen=True)
class Split:
    """A target between its two servers; each link can be broken."""

    target: RunningTarget
    primary_link: Proxy
    replica: ReplicaOfTrial

    def post(self, path: str, document: object) -> int:
        return self.target.client.post(path, json=document).status_code

    def get(self, path: str) -> int:
        return self.target.client.get(path).status_code

    def transfer(self) -> str:
        """The token of a transfer that was acknowledged."""
        token = str(uuid.uuid4())
        wanted = {"token": token, "from_user_id": 1, "to_user_id": 2, "amount_cents": 5}
        assert 201 == self.post("/transfers", wanted)
        return token


@pytest.fixture(params=NAMES)
def split(
    request: pytest.FixtureRequest,
    leash: Leash,
    primary: DatabaseServer,
    follower: Replica,
    toxiproxy: Toxiproxy,
    tmp_path: Path,
) -> Iterator[Split]:
    with (
        primary.fresh_database() as database,
        replica_of(follower, database, toxiproxy, "trial") as there,
    ):
        link = toxiproxy.create_proxy("trial", primary.host, primary.port)
        own = {REPLICA_URL_VARIABLE: there.url}
        url = database.url_through(link.host, link.port)
        with running_target(leash, TUTORIAL[request.param], url, tmp_path, own=own) as running:
            yield Split(running, link, there)
        link.destroy()


def sessions(url: str) -> int:
    asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    return int(query(url, asked)[0][0])


def test_reads_have_a_session_on_the_replica_and_writes_on_the_primary(split: Split) -> None:
    on_primary, on_replica = split.target.database_url, split.replica.database.url
    for path in ("/users/1", "/users?page=1&page_size=5&columns=id", "/hold?ms=0"):
        assert 200 == split.get(path)
        split.target.settles()  # connections come back after the answer
    wait_until(lambda: (0, 1) == (sessions(on_primary), sessions(on_replica)), "reads have one on the replica")
    split.transfer()
    wait_until(lambda: (1, 1) == (sessions(on_primary), sessions(on_replica)), "writes have one on the primary")


def test_a_transfer_is_found_on_the_replica_once_it_is_there(split: Split) -> None:
    token = split.transfer()
    wait_until(lambda: split.get(f"/transfers/{token}") == 200, "the transfer is found")
    assert 404 == split.get(f"/transfers/{uuid.uuid4()}")


def test_behind_a_late_link_a_clients_own_write_is_missed_without_the_cure_and_found_with_it(split: Split) -> None:
    split.replica.replica.replication.add_toxic("latency", "downstream", {"latency": LATE_MS, "jitter": 0}, "late")
    try:
        token = split.transfer()
        expected = {"rw-split": 404, "rw-split-sticky": 200}[split.target.target.name]
        assert expected == split.get(f"/transfers/{token}")
    finally:
        split.replica.replica.replication.remove_toxic("late")
    wait_until(lambda: split.get(f"/transfers/{token}") == 200, "the transfer is found")


def test_without_its_replica_it_writes_and_does_not_read(split: Split) -> None:
    assert 200 == split.get("/users/1")
    split.replica.link.disable()
    refused = split.target.client.get("/users/1")
    assert (503, ProblemKind.DATABASE_UNAVAILABLE) == (refused.status_code, refused.json()["kind"])
    split.transfer()
    split.replica.link.enable()
    wait_until(lambda: split.get("/users/1") == 200, "reads are back")


def test_without_its_primary_it_reads_and_does_not_write(split: Split) -> None:
    token = split.transfer()
    wait_until(lambda: split.get(f"/transfers/{token}") == 200, "the transfer is found")
    split.primary_link.disable()
    assert 200 == split.get("/users/1")
    wanted = {"token": str(uuid.uuid4()), "from_user_id": 1, "to_user_id": 2, "amount_cents": 5}
    assert 503 == split.post("/transfers", wanted)
    split.primary_link.enable()
    split.transfer()


def test_its_gauges_count_both_pools_and_all_connections_come_back(split: Split) -> None:
    split.transfer()
    assert 200 == split.get("/users/1")
    health = split.target.settles()
    # 10+20 and 20+30, one connection open in each; a request each, and one checkout.
    assert (30, 80, 2) == (health["size"], health["limit"], health["checked_in"])
    assert (2, 2, 2) == (health["requests_total"], health["checkouts_total"], health["opened_total"])
    taken = split.target.client.post("/health/times/take").json()
    assert (2, 2) == (taken["held"]["count"], taken["release"]["count"])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", ["", "mysql://root:hush-hush@127.0.0.1/bank"])
def test_without_a_proper_address_of_the_replica_it_ends_with_one_line_and_code_2(name: str, value: str) -> None:
    own = {DATABASE_URL_VARIABLE: "postgresql://u:p@127.0.0.1:1/bank", REPLICA_URL_VARIABLE: value}
    command = module_command("uvicorn", TUTORIAL[name].app, "--port", str(free_port()))
    ended = subprocess.run(
        command, check=False, env=python_environment(own), capture_output=True, text=True, timeout=30
    )
    assert 2 == ended.returncode
    (line,) = ended.stderr.strip().splitlines()
    assert REPLICA_URL_VARIABLE in line
    assert "hush-hush" not in line
