from __future__ import annotations

import http.client
import json
import socket
import statistics
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from harness.environment.leash import Leash
from harness.environment.ports import free_port
from harness.environment.target import RunningTarget, target_process
from harness.errors import EnvironmentSetupError
from harness.subject import Readiness, standard_launch

pytestmark = pytest.mark.integration

APP = "tests.integration.apps.tiny:app"
TINY = standard_launch(APP)
DATABASE_URL = "postgresql://me:s3cret@127.0.0.1:5432/db"


def get(target: RunningTarget, path: str, times: int = 1) -> tuple[object, list[float]]:
    """The last answer, and how long each took in milliseconds, on one connection."""
    connection = http.client.HTTPConnection(target.host, target.port, timeout=5)
    took_ms = []
    for _ in range(times):
        started = time.perf_counter()
        connection.request("GET", path)
        body = connection.getresponse().read()
        took_ms.append((time.perf_counter() - started) * 1e3)
    connection.close()
    return json.loads(body), took_ms


def test_a_target_answers_and_ends_with_the_block(leash: Leash, tmp_path: Path) -> None:
    with target_process(leash, launch=TINY, name=APP, environment={}, log_path=tmp_path / "target.log") as target:
        assert get(target, "/health/live")[0] == {"status": "alive"}
        assert target.url == f"http://127.0.0.1:{target.port}"
        assert psutil.pid_exists(target.pid)
    assert not target.child.alive()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((target.host, target.port), timeout=5)


def test_answers_do_not_wait_for_delayed_acknowledgements(leash: Leash, tmp_path: Path) -> None:
    with target_process(leash, launch=TINY, name=APP, environment={}, log_path=tmp_path / "target.log") as target:
        _, took_ms = get(target, "/health/live", times=51)
    assert statistics.median(took_ms) < 20  # with Nagle's algorithm each takes 40 ms and more


def test_a_target_gets_only_what_it_needs(leash: Leash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "someone's")
    environment = {"POOLSTORM_DATABASE_URL": DATABASE_URL}
    with target_process(
        leash, launch=TINY, name=APP, environment=environment, log_path=tmp_path / "target.log"
    ) as target:
        names, _ = get(target, "/environment")
        command_line = " ".join(psutil.Process(target.pid).cmdline())
    assert isinstance(names, list)
    assert "POOLSTORM_DATABASE_URL" in names
    assert [name for name in names if name.startswith("PG")] == []
    assert "s3cret" not in command_line
    assert "s3cret" not in (tmp_path / "target.log").read_text()


def test_a_port_can_be_chosen(leash: Leash, tmp_path: Path) -> None:
    port = free_port()
    log_path = tmp_path / "target.log"
    with target_process(leash, launch=TINY, name=APP, environment={}, log_path=log_path, port=port) as target:
        assert target.port == port


def test_an_occupied_port_is_refused(leash: Leash, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(EnvironmentSetupError) as caught,
            target_process(
                leash,
                launch=standard_launch(APP),
                name=APP,
                environment={},
                log_path=tmp_path / "target.log",
                port=port,
            ),
        ):
            pass
    assert str(caught.value) == (
        f"port {port} on 127.0.0.1 is in use; end the program that listens there or choose another port"
    )


def test_a_target_that_dies_is_quoted(leash: Leash, tmp_path: Path) -> None:
    with (
        pytest.raises(EnvironmentSetupError) as caught,
        target_process(
            leash,
            launch=standard_launch(APP),
            name=APP,
            environment={"TINY_DIES": "1"},
            log_path=tmp_path / "target.log",
        ),
    ):
        pass
    text = str(caught.value)
    assert f"target {APP} ended with exit code 1" in text
    assert "RuntimeError: tiny was told to die" in text
    assert "\n" not in text


def test_a_target_that_is_not_alive_is_given_up(leash: Leash, tmp_path: Path) -> None:
    app = "tests.integration.apps.tiny:without_liveness"
    with (
        pytest.raises(EnvironmentSetupError, match=r"was not ready in 2 s \(404 from /health/live\)"),
        target_process(
            leash,
            launch=replace(standard_launch(app), readiness=Readiness(within_s=2.0)),
            name=app,
            environment={},
            log_path=tmp_path / "target.log",
        ),
    ):
        pass
