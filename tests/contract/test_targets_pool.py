"""How targets behave when the pool or the database fails them, and that their settings are in force."""

from __future__ import annotations

import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from urllib.parse import urlsplit

import httpx
import psycopg2
import pytest

from harness.environment.children import module_command, python_environment
from harness.environment.ports import free_port
from harness.environment.postgres import DatabaseServer
from targets.settings import DATABASE_URL_VARIABLE
from tests.contract.conftest import TargetFactory
from tests.contract.contract_support import (
    BANKS,
    OWN_POOLS,
    RunningTarget,
    backends,
    query,
    terminate_backends,
    wait_until,
)

pytestmark = pytest.mark.integration

ALL = list(BANKS)
POOLED = [name for name in ALL if "no-pool" not in name]
QUEUE_POOLED = [name for name in POOLED if name not in OWN_POOLS]
"""On SQLAlchemy's pool; what drivers' own pools do otherwise is in test_targets_own_pools."""
CONNECT_IN_WORKERS = ("psycopg-raw",)
SESSIONS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
UNAVAILABLE = (503, "database-unavailable", "none")
TOO_MANY = (503, "too-many-connections", "none")


def problem(response: httpx.Response) -> tuple[int, str, str]:
    body = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, body["kind"], body["effect"]


def hold_all(
    target: RunningTarget, threads: ThreadPoolExecutor, number: int, ms: int
) -> list[Future[httpx.Response]]:
    """Start so many holds, and return once each has its connection."""
    holds = [threads.submit(target.client.get, "/hold", params={"ms": ms}) for _ in range(number)]
    wait_until(lambda: target.pool()["checked_out"] == number and not target.pool()["waiting"], "all hold")
    return holds


def read_many(target: RunningTarget, number: int) -> list[int]:
    with ThreadPoolExecutor(number) as threads:
        return list(
            threads.map(lambda user: target.client.get(f"/users/{user}").status_code, range(1, number + 1))
        )


# --- exhaustion ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", POOLED)
def test_an_exhausted_pool_refuses_with_retry_after_and_health_answers(name: str, start: TargetFactory) -> None:
    target = start(name, pool_size=1, max_overflow=0, pool_timeout_s=0.2)
    with ThreadPoolExecutor(1) as threads:
        [holding] = hold_all(target, threads, 1, 900)
        refused = target.client.get("/hold", params={"ms": 0})
        health = target.pool()
        assert not holding.done()
        assert target.client.get("/health/live").status_code == 200
        assert holding.result().status_code == 200
    assert problem(refused) == (503, "pool-exhausted", "none")
    assert refused.headers["retry-after"] == "1"
    acquire_ms = float(refused.headers["server-timing"].partition("acquire;dur=")[2].partition(",")[0])
    assert acquire_ms >= 190  # timers of event loops may be a little early
    expected = {"status": "exhausted", "size": 1, "checked_out": 1, "checked_in": 0, "limit": 1, "overflow": 0}
    assert {key: health[key] for key in expected} == expected
    assert (health["timed_out_total"], health["checked_out_max"], health["waiting"]) == (1, 1, 0)
    assert target.settles()["status"] == "ok"
    assert target.client.get("/users/1").status_code == 200


@pytest.mark.parametrize("name", ALL)
def test_health_answers_while_every_worker_thread_or_connection_is_taken(name: str, start: TargetFactory) -> None:
    target = start(name, pool_size=2, max_overflow=0, pool_timeout_s=5, threadpool_tokens=4)
    # Five are fewer than the pool and the threads together: from six on, `def` targets stall until the timeout,
    # as those who hold a connection then find no thread to finish in.
    with ThreadPoolExecutor(5) as threads:
        holds = [threads.submit(target.client.get, "/hold", params={"ms": 300}) for _ in range(5)]
        wait_until(lambda: target.pool()["checked_out"] >= 2, "connections are held")
        if name in POOLED:
            wait_until(lambda: target.pool()["waiting"] > 0, "others wait for one")
        began = time.monotonic()
        target.pool()
        answered_after_s = time.monotonic() - began
        assert not all(hold.done() for hold in holds)
        assert [hold.result().status_code for hold in holds] == [200] * 5
    assert answered_after_s < 0.5
    highest = target.settles()["checked_out_max"]
    assert highest == 2 if name in POOLED else highest > 2


@pytest.mark.parametrize("name", QUEUE_POOLED)
def test_a_pool_is_busy_when_only_overflow_is_left(name: str, start: TargetFactory) -> None:
    target = start(name, pool_size=1, max_overflow=2)
    with ThreadPoolExecutor(2) as threads:
        hold_all(target, threads, 2, 300)
        health = target.pool()
    assert (health["status"], health["overflow"], health["limit"]) == ("busy", 1, 3)
    after = target.settles()
    assert (after["opened_total"], after["closed_total"], after["checked_in"]) == (2, 1, 1)


@pytest.mark.parametrize("name", QUEUE_POOLED)
@pytest.mark.parametrize(
    ("size", "overflow", "status", "kept"), [(0, 0, "ok", 4), (0, -1, "ok", 4), (1, -1, "busy", 1)]
)
def test_a_pool_may_have_no_limit(
    name: str, size: int, overflow: int, status: str, kept: int, start: TargetFactory
) -> None:
    target = start(name, pool_size=size, max_overflow=overflow, pool_timeout_s=0)
    with ThreadPoolExecutor(4) as threads:
        hold_all(target, threads, 4, 400)
        health = target.pool()
    assert (status, size, None, 4) == (health["status"], health["size"], health["limit"], health["checked_out"])
    assert (0 if size == 0 else 3) == health["overflow"]
    after = target.settles()
    assert ("ok", kept, 4, 4 - kept) == (
        after["status"],
        after["checked_in"],
        after["opened_total"],
        after["closed_total"],
    )
    told = target.client.get("/settings").json()["pool"]
    assert (size, overflow, 0) == (told["pool_size"], told["max_overflow"], told["pool_timeout_s"])
    assert told["pre_ping"] is True


@pytest.mark.parametrize("name", POOLED)
def test_without_patience_a_full_pool_refuses_at_once(name: str, start: TargetFactory) -> None:
    target = start(name, pool_size=1, max_overflow=0, pool_timeout_s=0)
    with ThreadPoolExecutor(1) as threads:
        [holding] = hold_all(target, threads, 1, 600)
        refused = target.client.get("/users/1")
        assert not holding.done()
        assert holding.result().status_code == 200
    assert problem(refused) == (503, "pool-exhausted", "none")
    assert target.settles()["timed_out_total"] == 1
    assert target.client.get("/users/1").status_code == 200


# --- connections are counted, returned and reused --------------------------------------------------------


def test_connections_opened_per_request_are_none_when_warm_and_one_without_a_pool(bank: RunningTarget) -> None:
    bank.client.get("/users/1")
    before = bank.settles()
    for user in range(1, 21):
        assert bank.client.get(f"/users/{user}").status_code == 200
        after = bank.settles()  # the connection comes back after the answer is out
    opened = after["opened_total"] - before["opened_total"]
    assert opened == (0 if bank.pooled else 20)
    assert after["opened_total"] - after["closed_total"] == after["checked_in"]
    wait_until(lambda: backends(bank.database_url) == after["checked_in"], "PostgreSQL counts the same")


def test_errors_leave_nothing_checked_out(bank: RunningTarget) -> None:
    timed_out = bank.settles()["timed_out_total"]
    twin = {"name": "Twin", "email": "user1@example.org", "balance_cents": 0}
    token = "6f0d6a5e-4c8e-4f7c-9d57-0a4d9b6f3c11"
    poor = {"token": token, "from_user_id": 1, "to_user_id": 2, "amount_cents": 10**9}
    for _ in range(5):
        assert bank.client.get("/users/999999").status_code == 404
        assert bank.client.post("/users", json=twin).status_code == 409
        assert bank.client.post("/transfers", json=poor).status_code == 409
    assert bank.settles()["timed_out_total"] == timed_out
    assert bank.client.get("/users/1").status_code == 200


def test_a_client_that_leaves_in_mid_hold_leaves_nothing_checked_out(bank: RunningTarget) -> None:
    url = bank.client.base_url
    clients = [socket.create_connection((url.host, url.port or 0)) for _ in range(2)]
    for client in clients:
        client.sendall(b"GET /hold?ms=400 HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: bank.pool()["checked_out"] == 2, "both hold")
    for client in clients:
        client.close()
    bank.settles()
    assert read_many(bank, 2) == [200, 200]


# --- the database fails ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_a_database_that_refuses_is_unavailable(name: str, start: TargetFactory) -> None:
    nowhere = f"postgresql://postgres:hush-hush@127.0.0.1:{free_port()}/bank"
    target = start(name, database_url=nowhere, pool_timeout_s=2)
    transfer = {"token": "6f0d6a5e-4c8e-4f7c-9d57-0a4d9b6f3c11", "from_user_id": 1, "to_user_id": 2}
    responses = [
        target.client.get("/users/1"),
        target.client.get("/hold?ms=1"),
        target.client.post("/transfers", json={**transfer, "amount_cents": 1}),
    ]
    assert [problem(response) for response in responses] == [UNAVAILABLE] * 3
    assert all("acquire" in response.headers["server-timing"] for response in responses)
    health = target.settles()
    assert (health["status"], health["opened_total"], health["checked_out"]) == ("ok", 0, 0)
    assert "hush-hush" not in target.log_path.read_text() + "".join(response.text for response in responses)


@pytest.mark.parametrize("name", ALL)
def test_a_wrong_password_is_unavailable_and_not_shown(
    name: str, start: TargetFactory, postgres_server: DatabaseServer
) -> None:
    url = postgres_server.admin_url.replace(postgres_server.password, "hush-hush")
    assert "hush-hush" in url
    target = start(name, database_url=url, pool_timeout_s=2)
    response = target.client.get("/users/1")
    assert problem(response) == UNAVAILABLE
    assert "hush-hush" not in target.log_path.read_text() + response.text


@pytest.fixture
def limited_url(bank: RunningTarget) -> Iterator[str]:
    """The bank's database for a role that may not connect to it now; superusers are not held to such a limit."""
    database = urlsplit(bank.database_url).path.strip("/")
    role = f"{database}_reader"
    query(bank.database_url, f"CREATE ROLE {role} LOGIN PASSWORD 'hush-hush' CONNECTION LIMIT 0")
    query(bank.database_url, f"GRANT SELECT ON users TO {role}")
    yield f"postgresql://{role}:hush-hush@{bank.database_url.rpartition('@')[2]}"
    query(bank.database_url, f"DROP OWNED BY {role}")
    query(bank.database_url, f"DROP ROLE {role}")


def test_too_many_clients_are_unavailable_until_there_is_room(
    bank: RunningTarget, limited_url: str, start: TargetFactory
) -> None:
    limited = start(bank.target.name, database_url=limited_url, pool_size=1, pool_timeout_s=2)
    response = limited.client.get("/users/1")
    assert problem(response) == TOO_MANY
    role = urlsplit(limited_url).username
    query(bank.database_url, f"ALTER ROLE {role} CONNECTION LIMIT 1")
    if bank.target.name in CONNECT_IN_WORKERS:
        wait_until(lambda: limited.client.get("/users/1").status_code == 200, "a worker has tried again")
    assert limited.client.get("/users/1").status_code == 200


@pytest.mark.parametrize("name", QUEUE_POOLED)
def test_without_pre_ping_a_dropped_connection_is_met_once_and_then_replaced(
    name: str, start: TargetFactory
) -> None:
    target = start(name, pre_ping=False, pool_size=3, max_overflow=0)
    assert target.client.get("/users/1").status_code == 200
    target.settles()
    assert terminate_backends(target.database_url) == 1
    wait_until(lambda: backends(target.database_url) == 0, "the backend is gone")
    assert problem(target.client.get("/users/1")) == UNAVAILABLE
    assert target.client.get("/users/1").status_code == 200
    health = target.settles()
    assert (health["opened_total"], health["closed_total"], health["invalidated_total"]) == (2, 1, 1)


@pytest.mark.parametrize("name", QUEUE_POOLED)
def test_with_pre_ping_no_request_meets_a_dropped_connection(name: str, start: TargetFactory) -> None:
    target = start(name, pool_size=3, max_overflow=0)
    with ThreadPoolExecutor(3) as threads:
        hold_all(target, threads, 3, 300)
    target.settles()
    assert terminate_backends(target.database_url) == 3
    wait_until(lambda: backends(target.database_url) == 0, "the backends are gone")
    assert read_many(target, 3) == [200, 200, 200]
    assert target.settles()["invalidated_total"] >= 1


def test_a_connection_lost_in_mid_query_is_unavailable_and_the_next_request_succeeds(bank: RunningTarget) -> None:
    before = bank.settles()
    with ThreadPoolExecutor(2) as threads:
        holds = hold_all(bank, threads, 2, 20_000)
        ended = terminate_backends(bank.database_url)
        assert ended >= 2
        assert [problem(hold.result()) for hold in holds] == [UNAVAILABLE] * 2
    noticed = bank.settles()["invalidated_total"] - before["invalidated_total"]
    assert noticed == 2 or (bank.target.name in OWN_POOLS and 2 <= noticed <= ended)
    if bank.target.name in CONNECT_IN_WORKERS:  # which pauses longer and longer between one request's checks
        assert read_many(bank, ended) == [200] * ended
    assert bank.client.get("/users/1").status_code == 200


def test_a_transfer_cut_off_while_it_waits_for_a_lock_moves_nothing(bank: RunningTarget) -> None:
    transfer = {"token": str(uuid.uuid4()), "from_user_id": 1, "to_user_id": 2, "amount_cents": 1}
    waiting = f"{SESSIONS} AND wait_event_type = 'Lock'"
    with closing(psycopg2.connect(bank.database_url)) as blocker, ThreadPoolExecutor(1) as threads:
        blocker.cursor().execute("SELECT 1 FROM users WHERE id = 1 FOR UPDATE")
        sent = threads.submit(bank.client.post, "/transfers", json=transfer)
        wait_until(lambda: query(bank.database_url, waiting), "the transfer waits")
        query(bank.database_url, f"SELECT pg_terminate_backend(({waiting}))")
        assert problem(sent.result()) == UNAVAILABLE
    assert bank.client.get(f"/transfers/{transfer['token']}").status_code == 404
    assert bank.client.post("/transfers", json=transfer).status_code == 201


@pytest.fixture
def slow_commit(bank: RunningTarget) -> Iterator[None]:
    """Has each COMMIT of a transfer take long enough to be met in the middle."""
    query(bank.database_url, COMMIT_SLOWLY)
    yield
    query(bank.database_url, "DROP FUNCTION dawdle CASCADE")


COMMIT_SLOWLY = """
CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(20); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON transfers DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION dawdle();
"""


@pytest.mark.usefixtures("slow_commit")
def test_a_connection_lost_at_commit_leaves_the_effect_unknown(bank: RunningTarget) -> None:
    transfer = {"token": str(uuid.uuid4()), "from_user_id": 1, "to_user_id": 2, "amount_cents": 1}
    committing = f"{SESSIONS} AND state = 'active' AND query ILIKE 'COMMIT%'"
    with ThreadPoolExecutor(1) as threads:
        sent = threads.submit(bank.client.post, "/transfers", json=transfer)
        wait_until(lambda: query(bank.database_url, committing), "it commits")
        query(bank.database_url, f"SELECT pg_terminate_backend(({committing}))")
        assert problem(sent.result()) == (503, "database-unavailable", "unknown")
    assert bank.client.get(f"/transfers/{transfer['token']}").status_code == 404
    assert bank.settles()["checked_out"] == 0


# --- settings are in force -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", QUEUE_POOLED)
def test_an_old_connection_is_recycled(name: str, start: TargetFactory) -> None:
    target = start(name, pool_recycle_s=1, pre_ping=False)
    for _ in range(2):
        assert target.client.get("/users/1").status_code == 200
        assert target.settles()["opened_total"] == 1
    time.sleep(1.1)
    assert target.client.get("/users/1").status_code == 200
    assert target.settles()["opened_total"] == 2


@pytest.mark.parametrize("name", QUEUE_POOLED)
@pytest.mark.parametrize(("use_lifo", "distinct"), [(False, 3), (True, 1)])
def test_lifo_keeps_to_one_connection_and_fifo_goes_round(
    name: str, use_lifo: bool, distinct: int, start: TargetFactory
) -> None:
    target = start(name, pool_size=3, max_overflow=0, use_lifo=use_lifo, pre_ping=False)
    with ThreadPoolExecutor(3) as threads:
        hold_all(target, threads, 3, 300)
    target.settles()
    began = query(target.database_url, "SELECT now()")[0][0]
    for _ in range(6):
        assert target.client.get("/users/1").status_code == 200
        target.settles()
    used = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    assert query(target.database_url, used + " AND query_start > %s", began) == [(distinct,)]


def test_the_threshold_for_slow_statements_is_in_force(start: TargetFactory) -> None:
    target = start("sync-pool", slow_query_ms=0)
    target.client.get("/users/1")
    logged = target.log_path.read_text()
    assert "ms: SELECT users.id" in logged
    assert target.client.get("/settings").json()["pool"]["slow_query_ms"] == 0


@pytest.mark.parametrize("name", ALL)
def test_a_connect_that_is_never_answered_ends_at_its_timeout(name: str, start: TargetFactory) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        url = f"postgresql://u:hush-hush@127.0.0.1:{port}/bank"
        target = start(name, database_url=url, connect_timeout_s=1, pool_timeout_s=2)
        response = target.client.get("/users/1", timeout=20)
    assert problem(response) == UNAVAILABLE
    part = "acquire" if name in CONNECT_IN_WORKERS else "connect"
    took_ms = float(response.headers["server-timing"].partition(f"{part};dur=")[2].partition(",")[0])
    assert 900 <= took_ms < 10_000  # timers of event loops may be a little early


@pytest.mark.parametrize(
    ("name", "variable", "value"),
    [
        ("sync-pool", "POOLSTORM_POOL_SIZE", "-1"),
        ("async-pool", "POOLSTORM_POOL_SIZE", "ten"),
        ("recommended", "POOLSTORM_PRE_PING", "perhaps"),
        ("sync-pool", "POOLSTORM_POOL_TIMEOUT_S", "nan"),
        ("no-pool", "POOLSTORM_DATABASE_URL", "mysql://root:hush-hush@127.0.0.1/bank"),
        ("async-no-pool", "POOLSTORM_DATABASE_URL", ""),
    ],
)
def test_a_wrong_setting_ends_the_target_with_one_line_and_code_2(name: str, variable: str, value: str) -> None:
    own = {DATABASE_URL_VARIABLE: "postgresql://u:p@127.0.0.1:1/bank", variable: value}
    environment = python_environment(own)
    command = module_command("uvicorn", BANKS[name].app, "--port", str(free_port()))
    ended = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 2
    lines = ended.stderr.strip().splitlines()
    assert len(lines) == 1
    assert variable in lines[0]
    assert "hush-hush" not in ended.stderr
