"""A target that stays up, and stock Locust driving it with our scenario files."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
from _pytest.mark import ParameterSet

from scenarios.registry import DEFAULT_SCENARIOS, SCENARIOS
from tests.integration.command import COMMAND, poolstorm, under_way

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Served:
    """`poolstorm serve` under way: what it said, and where the target is."""

    process: subprocess.Popen[str]
    said: str
    url: str


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    process = subprocess.Popen(
        # With 40 threads and 23 connections, the ladder's 110 users block each other until the pool times out:
        # after 30 s as the target comes, so here after half a second.
        [*COMMAND, "serve", "sync-pool", "--pool", "pool_size=3", "--pool", "pool_timeout_s=0.5"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    )
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "Ctrl-C" in line:
            break
    found = re.search(r"is up at (http://127\.0\.0\.1:\d+)", said)
    assert found is not None, said
    yield Served(process, said, found[1])
    if process.poll() is None:
        process.kill()
    process.communicate()


def get(url: str) -> tuple[float, dict[str, object]]:
    """Seconds and JSON of one request."""
    started_s = time.monotonic()
    with urllib.request.urlopen(url, timeout=10) as answer:
        document = json.loads(answer.read())
    return time.monotonic() - started_s, document


def test_the_target_answers_and_takes_the_settings_given(served: Served) -> None:
    _, user = get(f"{served.url}/users/1")
    assert 1 == user["id"]
    _, settings = get(f"{served.url}/settings")
    assert isinstance(settings["pool"], dict)
    assert 3 == settings["pool"]["pool_size"]


def test_the_commands_shown_do_what_they_say(served: Served) -> None:
    get(f"{served.url}/users/1")
    fast_s, _ = get(f"{served.url}/users/1")
    for words in ("50 ms more", "and healed"):
        shown = next(line for line in served.said.splitlines() if words in line)
        command = shown.partition(":")[2].strip()
        subprocess.run(["/bin/sh", "-c", f"{command} -s -f"], check=True, capture_output=True, timeout=10)
        taken_s, _ = get(f"{served.url}/users/1")
        if words == "50 ms more":
            assert taken_s > fast_s + 0.1  # three round trips at 50 ms each


FAILS_HERE = {
    "exhaustion",  # climbs until the pool refuses
    *("bookkeepers", "cut-transfers"),  # know accounts as they were seeded, and others have moved money by then
    *("idle-sessions", "raised", "remedies-busy", "slow-statements", "troubled"),  # for other targets
}
NEVER_ANSWERED = {"exhaustion-30s"}  # within two seconds


def in_order() -> list[ParameterSet]:
    """Exhaustion comes last: it leaves a queue behind that would still refuse the next one's requests."""
    names = sorted(SCENARIOS, key=lambda name: (name == "exhaustion", name))
    return [pytest.param(name, marks=[] if name in DEFAULT_SCENARIOS else [pytest.mark.slow]) for name in names]


@pytest.mark.parametrize("name", in_order())
def test_stock_locust_runs_every_scenario_file(served: Served, name: str) -> None:
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "locust", "-f", str(ROOT / "scenarios" / f"{name.replace('-', '_')}.py")),
            *(
                "-H",
                served.url,
                "--headless",
                "-u",
                "2",
                "-r",
                "2",
                "-t",
                "2s",
                "--json",
                "--exit-code-on-error",
                "0",
            ),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == ended.returncode, ended.stderr
    entries = json.loads(ended.stdout)
    assert (sum(entry["num_requests"] for entry in entries) > 0) == (name not in NEVER_ANSWERED)
    failed = sum(entry["num_failures"] for entry in entries)
    assert (failed > 0) == (name in FAILS_HERE)


def test_a_port_that_is_taken_is_refused_with_the_mend() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = poolstorm("serve", "sync-pool", "--port", str(port))
    errors = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert 1 == len(errors), ended.stderr
    assert str(port) in errors[0]
    assert 2 == ended.returncode
    assert "Traceback" not in ended.stderr


def test_ctrl_c_ends_everything(served: Served) -> None:
    """Last in the module: it ends what the others use."""
    family = psutil.Process(served.process.pid).children(recursive=True)
    served.process.send_signal(signal.SIGINT)
    out, _ = served.process.communicate(timeout=15)
    assert 0 == served.process.returncode, out
    _, alive = psutil.wait_procs(family, timeout=5)
    assert [] == alive


def test_a_target_with_a_replica_says_how_to_make_it_late() -> None:
    with under_way([*COMMAND, "serve", "rw-split"]) as process:
        assert process.stdout is not None
        said = list(iter(process.stdout.readline, "Ctrl-C ends everything.\n"))
        url = next(found[1] for line in said if (found := re.search(r"is up at (http://\S+)", line)))
        late, healed = (said[at].partition(":")[2].strip() for at in _places(said, "replica late", "and healed"))
        run(late.replace('"latency":50', '"latency":5000'))  # more than a busy machine takes
        token = str(uuid.uuid4())
        wanted = {"token": token, "from_user_id": 1, "to_user_id": 2, "amount_cents": 1}
        assert 201 == httpx.post(f"{url}/transfers", json=wanted, trust_env=False).status_code
        assert 404 == httpx.get(f"{url}/transfers/{token}", trust_env=False).status_code
        run(healed)
        ends_s = time.monotonic() + 10
        while httpx.get(f"{url}/transfers/{token}", trust_env=False).status_code != 200:
            assert time.monotonic() < ends_s
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert 0 == process.wait(15)


def _places(said: list[str], first: str, second: str) -> tuple[int, int]:
    """Of the line with the first words, and of the next after it with the second."""
    at = next(number for number, line in enumerate(said) if first in line)
    return at, next(number for number, line in enumerate(said) if number > at and second in line)


def run(command: str) -> None:
    subprocess.run(["/bin/sh", "-c", f"{command} -s -f"], check=True, capture_output=True, timeout=10)
