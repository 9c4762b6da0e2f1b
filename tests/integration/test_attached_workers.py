"""Workers that come from elsewhere, or do not: the roll call before a run, and the command that lends one."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from harness.environment.leash import Leash
from harness.environment.ports import free_port
from harness.errors import EnvironmentSetupError
from harness.load.attached import wait_for_attached
from harness.load.workers import SINGLE, Workers
from tests.integration.command import lent_worker, poolstorm
from tests.integration.processes import descendants

pytestmark = pytest.mark.integration

OLDER = "import importlib.metadata as m; m.version = lambda _: '0.0.1'; import harness.load.worker as w; w.main()"


def worker_of(pid: int, but: int = 0) -> psutil.Process:
    """The load worker that a lender has started, once there is one other than `but`."""
    deadline_s = time.monotonic() + 30
    while time.monotonic() < deadline_s:
        for process, line in descendants(psutil.Process(pid)):
            if "harness.load.worker" in line and "exec" not in line and process.pid != but:
                return process
        time.sleep(0.05)
    raise AssertionError("the lender started no worker")


def test_a_run_without_attached_workers_waits_for_nobody() -> None:
    said: list[str] = []
    wait_for_attached(SINGLE, said.append)
    assert [] == said


def test_the_run_begins_when_every_attached_worker_is_there_and_says_so() -> None:
    port, said = free_port(), list[str]()
    address = f"127.0.0.1:{port}"
    with lent_worker(address), lent_worker(address):
        wait_for_attached(Workers(attached=2, port=port), said.append, within_s=60)
    assert [
        f"waiting for 2 attached workers, to be started with 'poolstorm worker {address}'",
        "1 of 2 attached workers is here",
        "2 of 2 attached workers are here",
    ] == said


def test_workers_that_do_not_come_are_waited_for_only_so_long() -> None:
    port = free_port()
    with (
        lent_worker(f"127.0.0.1:{port}"),
        pytest.raises(
            EnvironmentSetupError, match=r"^waited 8 s in vain for all 2 workers to connect; start them with"
        ),
    ):
        wait_for_attached(Workers(attached=2, port=port), lambda _: None, within_s=8)


def test_a_worker_of_another_version_is_turned_away(leash: Leash, tmp_path: Path) -> None:
    port = free_port()
    child = leash.start(
        [sys.executable, "-c", OLDER, "127.0.0.1", str(port)],
        env=os.environ,
        log_path=tmp_path / "older.log",
        name="a worker of another version",
    )
    with pytest.raises(EnvironmentSetupError, match=r"^an attached worker is of poolstorm 0\.0\.1 and this is"):
        wait_for_attached(Workers(attached=1, port=port), lambda _: None, within_s=60)
    child.stop()


def test_a_lender_whose_worker_dies_starts_another_which_is_found() -> None:
    port = free_port()
    with lent_worker(f"127.0.0.1:{port}") as lent:
        first = worker_of(lent.pid)
        first.send_signal(signal.SIGKILL)
        worker_of(lent.pid, but=first.pid)
        wait_for_attached(Workers(attached=1, port=port), lambda _: None, within_s=60)
    assert "load worker was ended by SIGKILL; starting another" in lent.said
    assert "served" not in lent.said  # a roll call is no load
    assert 0 == lent.returncode


def test_a_lender_whose_workers_keep_dying_gives_up() -> None:
    with lent_worker(f"127.0.0.1:{free_port()}") as lent:
        dead = 0
        for _ in range(3):
            worker = worker_of(lent.pid, but=dead)
            worker.kill()
            dead = worker.pid
        deadline_s = time.monotonic() + 20
        while psutil.Process(lent.pid).status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline_s:
            time.sleep(0.05)
    assert "error: load worker was ended by SIGKILL, 3 times in a row; mend that" in lent.said
    assert 2 == lent.returncode


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("5557", "is not the address of a master; write it as HOST:PORT"),
        (":5557", "is not the address of a master; write it as HOST:PORT"),
        ("127.0.0.1:99999", "99999 is no port; choose one"),
        ("no-such-machine.invalid:5557", "is the name of no machine known here; mend it, or give an address"),
    ],
)
def test_an_address_that_cannot_be_is_refused_in_one_line(address: str, expected: str) -> None:
    result = poolstorm("worker", address)
    assert 2 == result.returncode
    assert expected in result.stderr
    assert 1 == len(result.stderr.splitlines())
