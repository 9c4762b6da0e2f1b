"""What the probe tells of the ways in which pools fail: each brought out by a route of a real app."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.environment.ports import free_port
from harness.environment.postgres import DatabaseServer
from harness.inside.channel import Channel
from harness.inside.launch import with_probe
from harness.records import InsideReading
from harness.sampling.inside import inside_reading
from tests.contract.contract_support import wait_until
from tests.integration.processes import soon

pytestmark = pytest.mark.integration

APPS = Path(__file__).parent / "apps"
FIRST_FIELD = list(InsideReading.model_fields).index("errors")
DURATIONS = {"in_loop_ms", "idle_ms_total", "query_ms_total"}
COUNTS = [name for name in list(InsideReading.model_fields)[FIRST_FIELD:] if name not in DURATIONS]
SHORT_S = 0.05
ONE_REQUEST_EACH = httpx.Limits(max_keepalive_connections=0)
"""Of a connection: uvicorn closes those whose app has raised."""

Changes = dict[str, int]


@dataclass(frozen=True)
class Probed:
    """An app with the probe in it."""

    client: httpx.Client
    channel: Channel

    def reading(self) -> InsideReading:
        return inside_reading(self.channel.read(), time.monotonic_ns())

    def counts(self) -> Changes:
        """Every one there is, errors by kind among them."""
        now = self.reading().model_dump(include=set(COUNTS))
        errors = {f"error {kind}": count for kind, count in now.pop("errors").items()}
        return errors | {name: count for name, count in now.items() if count is not None}

    def changes(self, before: Changes) -> Changes:
        after = self.counts()
        return {name: change for name in after if (change := after[name] - before.get(name, 0))}

    @contextmanager
    def telling(self, **expected: int) -> Iterator[None]:
        """That much changes in here, and nothing else does."""
        before = self.at_rest()
        yield
        self.settles(before, expected)

    def at_rest(self) -> Changes:
        """A client has its answer a moment before that is counted as ended."""
        assert soon(lambda: not self.channel.read()["STREAMING"])
        return self.counts()

    def settles(self, before: Changes, expected: Changes) -> None:
        """What comes after the response may take a moment, and whatever comes later still is too much."""
        soon(lambda: self.changes(before) == expected)
        time.sleep(SHORT_S)
        assert expected == self.changes(before)

    def get(self, path: str, status: int = 200, **parameters: Any) -> None:
        assert self.client.get(path, params=parameters or None).status_code == status


@contextmanager
def probed(app: str, url: str, folder: Path) -> Iterator[Probed]:
    told, port = folder / "told", free_port()
    told.mkdir()
    own = with_probe({**os.environ, "DATABASE_URL": url}, told)
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        f"probed_{app}:app",
        "--port",
        str(port),
        "--log-level",
        "critical",
    ]
    with (
        subprocess.Popen(command, cwd=APPS, env=own) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, limits=ONE_REQUEST_EACH) as client,
    ):
        try:
            wait_until(lambda: process.poll() is None and _answers(client), f"{app} answers")
            yield Probed(client, Channel(told))
        finally:
            process.kill()


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/ordinary").status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def _probed_on(server: DatabaseServer, factory: pytest.TempPathFactory, app: str, scheme: str) -> Iterator[Probed]:
    with server.fresh_database() as database:
        url = database.url.replace("postgresql", scheme, 1)
        with probed(app, url, factory.mktemp(app)) as found:
            yield found
            assert found.channel.read()["TROUBLES"] == 0


@pytest.fixture(
    scope="module", params=["postgresql+psycopg2", pytest.param("postgresql+psycopg", marks=pytest.mark.slow)]
)
def in_threads(
    request: pytest.FixtureRequest, postgres_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Probed]:
    with _probed_on(postgres_server, tmp_path_factory, "sync", request.param) as found:
        yield found


@pytest.fixture(scope="module")
def in_loop(postgres_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probed]:
    with _probed_on(postgres_server, tmp_path_factory, "async", "postgresql+asyncpg") as found:
        yield found


@pytest.fixture(scope="module")
def on_asyncpg(postgres_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probed]:
    with _probed_on(postgres_server, tmp_path_factory, "asyncpg", "postgresql") as found:
        yield found


@pytest.fixture(scope="module")
def on_psycopg(postgres_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probed]:
    with _probed_on(postgres_server, tmp_path_factory, "psycopg", "postgresql") as found:
        yield found


def at_once(app: Probed, path: str, number: int = 20) -> None:
    with ThreadPoolExecutor(2) as pool:
        assert {200} == {answer.status_code for answer in pool.map(app.client.get, [path] * number)}


# --- SQLAlchemy in threads -----------------------------------------------------------------------------------


def test_an_ordinary_app_in_threads_has_nothing_to_tell(in_threads: Probed) -> None:
    with in_threads.telling():
        at_once(in_threads, "/ordinary")
    now = in_threads.reading()
    assert (now.pools, now.pools_made, now.engines_in_request) == (1, 1, 0)


def test_a_second_connection_of_a_request(in_threads: Probed) -> None:
    with in_threads.telling(nested=1, nested_waits=1):
        in_threads.get("/nested")


def test_a_second_connection_that_is_waited_for_in_vain(in_threads: Probed) -> None:
    with in_threads.telling(nested=1, nested_waits=2, **{"error pool-timeout": 1}):
        in_threads.get("/nested-in-vain", 500)


def test_a_synchronous_session_in_the_loop(in_threads: Probed) -> None:
    before = in_threads.reading()
    with in_threads.telling(in_loop=4):  # a checkout, two statements, a commit
        in_threads.get("/blocking")
    after = in_threads.reading()
    assert before.in_loop_ms is not None
    assert after.in_loop_ms is not None
    assert after.in_loop_ms > before.in_loop_ms


def test_an_engine_of_a_request_s_own(in_threads: Probed) -> None:
    with in_threads.telling(pools_made=2, engines_in_request=2):  # disposed of, it makes itself another
        in_threads.get("/engine-of-its-own")


def test_a_commit_after_the_response(in_threads: Probed) -> None:
    with in_threads.telling(commits_late=1):
        in_threads.get("/late")


def test_a_commit_after_the_response_that_fails(in_threads: Probed) -> None:
    with in_threads.telling(commits_late=1, commits_failed=1, commits_failed_late=1, **{"error 23505": 1}):
        in_threads.get("/late-and-lost")


def test_a_connection_that_outlives_its_request_and_one_that_two_requests_use(in_threads: Probed) -> None:
    with in_threads.telling(abandoned_total=1, shared=1):
        with in_threads.telling(abandoned=1, abandoned_total=1, out_after_response=1):
            in_threads.get("/leaks")
        with in_threads.telling(shared=1):
            in_threads.get("/uses-what-was-kept")
            in_threads.get("/uses-what-was-kept")
        in_threads.get("/returns")


def test_a_stream_that_keeps_its_connection(in_threads: Probed) -> None:
    with in_threads.telling():
        before = in_threads.at_rest()
        with in_threads.client.stream("GET", "/stream") as answer:
            text = answer.iter_text()
            assert next(text) == "1"
            assert in_threads.changes(before) == {"streaming": 1, "out_after_response": 1}
            in_threads.get("/goes-on")
            assert list(text) == ["end"]


@pytest.mark.parametrize(
    ("statement", "kind"), [("select 1 / 0", "22012"), ("select nothing", "42703"), ("selec", "42601")]
)
def test_an_error_has_its_sqlstate(in_threads: Probed, statement: str, kind: str) -> None:
    with in_threads.telling(**{f"error {kind}": 2}):
        in_threads.get("/fails", 500, statement=statement)
        in_threads.get("/fails", 500, statement=statement)


def test_a_connection_that_is_lost_is_one_error(in_threads: Probed) -> None:
    """Whether libpq still reads why is a matter of luck."""
    before = in_threads.at_rest()
    in_threads.get("/fails", 500, statement="select pg_terminate_backend(pg_backend_pid())")
    in_threads.at_rest()
    assert in_threads.changes(before) in ({"error 57P01": 1}, {"error disconnected": 1})


def test_held_time_is_told_apart_from_time_at_work(in_threads: Probed) -> None:
    def asked(asleep_s: float, busy_s: float) -> tuple[float, float]:
        before, of = in_threads.reading(), ("idle_ms_total", "query_ms_total")
        in_threads.get("/holds", asleep_s=asleep_s, busy_s=busy_s)
        wait_until(lambda: not in_threads.channel.read()["OUT"], "it is back")
        after = in_threads.reading()
        idle_ms, query_ms = (getattr(after, name) - getattr(before, name) for name in of)
        return idle_ms, query_ms

    idle_ms, query_ms = asked(asleep_s=0.3, busy_s=0)
    assert idle_ms > query_ms > 0
    idle_ms, query_ms = asked(asleep_s=0, busy_s=0.3)
    assert query_ms > idle_ms > 0


def test_sums_are_those_of_the_bins(in_threads: Probed) -> None:
    at_once(in_threads, "/ordinary")
    wait_until(lambda: not in_threads.channel.read()["OUT"], "all are back")
    found = in_threads.channel.read(with_times=True)
    held_ns = found.sums_ns["held"]
    assert held_ns - found.sums_ns["release"] <= found["IDLE_NS"] + found["BUSY_NS"] <= held_ns
    assert 0 < found.sums_ns["query"] <= found["BUSY_NS"] < held_ns


# --- SQLAlchemy in the loop ----------------------------------------------------------------------------------


def test_an_ordinary_app_in_the_loop_has_nothing_to_tell(in_loop: Probed) -> None:
    with in_loop.telling():
        at_once(in_loop, "/ordinary")
        at_once(in_loop, "/stream", 5)


def test_tasks_side_by_side_are_not_nested_and_those_of_who_holds_one_are(in_loop: Probed) -> None:
    with in_loop.telling():
        in_loop.get("/side-by-side")
    with in_loop.telling(nested=2, nested_waits=2):
        in_loop.get("/nested")


def test_a_middleware_that_holds_one_while_its_route_asks(in_loop: Probed) -> None:
    with in_loop.telling(nested=1, nested_waits=1):
        in_loop.get("/behind-a-holder")


def test_a_task_that_goes_on_behind_its_request_has_abandoned_nothing(in_loop: Probed) -> None:
    with in_loop.telling():
        in_loop.get("/goes-on-behind")
        wait_until(lambda: not in_loop.channel.read()["OUT"], "it is back")


def test_one_session_used_twice_at_once(in_loop: Probed) -> None:
    with in_loop.telling(commits_failed=1, **{"error overlap": 1}):
        in_loop.get("/overlapping")


def test_a_statement_that_is_given_up(in_loop: Probed) -> None:
    with in_loop.telling(cancelled_out=1, **{"error cancelled": 1}):
        in_loop.get("/given-up")


def test_a_connection_that_was_idle_as_its_task_was_given_up(in_loop: Probed) -> None:
    with in_loop.telling(cancelled_out=1):
        in_loop.get("/given-up-idle")


def test_work_for_a_client_that_has_gone(in_loop: Probed) -> None:
    with in_loop.telling(cancelled_out=1, work_for_nobody=2):
        with pytest.raises(httpx.ReadTimeout):
            in_loop.client.get("/slow", timeout=0.7)
        wait_until(lambda: not in_loop.channel.read()["OUT"], "it is back")


def test_questions_for_types_are_asked_once_for_each_connection_that_meets_one(in_loop: Probed) -> None:
    with in_loop.telling(introspections=1):
        in_loop.get("/new-type", name="kind_of_loop")


# --- asyncpg's own pool --------------------------------------------------------------------------------------


def test_an_ordinary_app_on_asyncpg_tells_its_resets_only(on_asyncpg: Probed) -> None:
    with on_asyncpg.telling(resets=20):
        at_once(on_asyncpg, "/ordinary")
    assert on_asyncpg.reading().engines_in_request == 0


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/late", {"commits_late": 1}),
        (
            "/late-and-lost",
            {"commits_late": 1, "commits_failed": 1, "commits_failed_late": 1, "error 23505": 1},
        ),
        ("/nested-in-vain", {"nested_waits": 1, "error pool-timeout": 1}),
        ("/overlapping", {"error overlap": 1}),
        ("/takes-too-long", {"error timeout": 1}),
        ("/fails", {"error 22012": 1}),
        ("/new-type?name=kind_of_pool", {"introspections": 1}),
        ("/pool-of-its-own", {"pools_made": 1, "engines_in_request": 1}),
    ],
)
def test_on_asyncpg(on_asyncpg: Probed, path: str, expected: Changes) -> None:
    with on_asyncpg.telling(resets=1, **expected):
        on_asyncpg.get(path)


def test_a_server_that_is_not_answered(on_asyncpg: Probed) -> None:
    with on_asyncpg.telling(pools_made=1, engines_in_request=1, **{"error timeout": 1}):
        on_asyncpg.get("/is-not-answered")


def test_a_connection_of_no_request_that_two_use(on_asyncpg: Probed) -> None:
    with on_asyncpg.telling():
        on_asyncpg.get("/uses-what-was-kept")
    with on_asyncpg.telling(shared=1):
        on_asyncpg.get("/uses-what-was-kept")


# --- psycopg's own pools -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/ordinary", "/ordinary-in-a-thread"])
def test_an_ordinary_app_on_psycopg_has_nothing_to_tell(on_psycopg: Probed, path: str) -> None:
    with on_psycopg.telling():
        at_once(on_psycopg, path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/late", {"commits_late": 1}),
        (
            "/late-and-lost",
            {"commits_late": 1, "commits_failed": 1, "commits_failed_late": 1, "error 23505": 1},
        ),
        ("/blocking", {"in_loop": 4}),  # a checkout, two statements, a commit
        ("/nested", {"nested": 1, "nested_waits": 1}),
        ("/nested-in-vain", {"nested": 1, "nested_waits": 2, "error pool-timeout": 1}),
        ("/fails", {"error 22012": 1}),
    ],
)
def test_on_psycopg(on_psycopg: Probed, path: str, expected: Changes) -> None:
    with on_psycopg.telling(**expected):
        on_psycopg.get(path)
