from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.environment.guard import birth, is_running, kill_group
from harness.environment.leash import Child, Leash
from harness.errors import EnvironmentSetupError, LeftBehindError

pytestmark = pytest.mark.integration

GONE_WITHIN_S = 10.0
ENVIRONMENT = {"PATH": os.defpath}


@pytest.fixture
def log_path(tmp_path: Path) -> Path:
    return tmp_path / "child.log"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any account may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="poolstorm-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def wait_until_gone(pids: list[int], within_s: float = GONE_WITHIN_S) -> list[int]:
    """The pids that still run (a zombie does not) when the time is up."""
    deadline = time.monotonic() + within_s
    left = pids
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = [pid for pid in left if _runs(pid)]
    return left


def _runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def shell(leash: Leash, script: str, log_path: Path, name: str = "shell", **options: object) -> Child:
    return leash.start(["/bin/sh", "-c", script], env=ENVIRONMENT, log_path=log_path, name=name, **options)  # type: ignore[arg-type]


def wait_for_log(child: Child, text: str) -> None:
    deadline = time.monotonic() + 10
    while text not in child.tail_of_log(100):
        assert time.monotonic() < deadline, f"{text!r} never came: {child.tail_of_log(5)!r}"
        time.sleep(0.02)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_a_harness_that_is_killed(how: signal.Signals, tmp_path: Path, open_folder: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.apps.holder", tmp_path / "held.log", open_folder],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    with holder:
        assert holder.stdout is not None
        held = json.loads(holder.stdout.readline())
        assert {"postgres", "toxiproxy-server", "sleep"} <= set(held["names"])
        assert len(list(open_folder.glob("poolstorm-*"))) == 2

        holder.send_signal(how)
        holder.wait(5)

        assert wait_until_gone(held["pids"]) == []
    assert list(open_folder.iterdir()) == []


def test_children_are_stopped_in_reverse_order_of_their_start(log_path: Path) -> None:
    script = "trap 'echo {0} ended; exit 0' TERM; echo {0} up; while :; do sleep 0.05; done"
    with Leash() as leash:
        for name in ("first", "second", "third"):
            wait_for_log(shell(leash, script.format(name), log_path), f"{name} up")

    endings = [line for line in log_path.read_text().splitlines() if line.endswith("ended")]
    assert endings == ["third ended", "second ended", "first ended"]


def test_a_child_that_will_not_end_is_killed_with_its_descendants(log_path: Path) -> None:
    with Leash() as leash:
        child = shell(leash, "trap '' TERM; sleep 300 & echo $!; wait; sleep 300", log_path, grace_s=0.2)
        deadline = time.monotonic() + 10
        while not child.tail_of_log().isdigit() and time.monotonic() < deadline:
            time.sleep(0.02)
        grandchild = int(child.tail_of_log())

        child.stop()

        assert not child.alive()
        assert wait_until_gone([grandchild]) == []


RUNAWAY = (
    "import os, sys, time\n"
    "if os.fork() == 0:\n"
    "    os.setsid()\n"
    "    if os.fork() == 0:\n"
    "        print(os.getpid(), flush=True)\n"
    "        time.sleep(300)\n"
    "    os._exit(0)\n"
    "os.wait()\n"
    "print('left alone', flush=True)\n"
    "time.sleep(300)\n"
)
"""Starts a process that leads a session of its own and whose parent has left it."""


def runaway_of(child: Child) -> int:
    wait_for_log(child, "left alone")  # which may come before what the one that was left says
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if found := [int(line) for line in child.tail_of_log(9).splitlines() if line.isdigit()]:
            return found[0]
        time.sleep(0.02)
    raise AssertionError(f"it never said its pid: {child.tail_of_log(9)!r}")


def test_a_descendant_that_went_its_own_way_is_ended_too(log_path: Path) -> None:
    with Leash() as leash:
        child = leash.start([sys.executable, "-c", RUNAWAY], env=ENVIRONMENT, log_path=log_path, name="runaway")
        runaway = runaway_of(child)
        assert os.getsid(runaway) not in (child.pid, os.getsid(0))

        child.stop()

        assert wait_until_gone([runaway]) == []


def test_what_another_child_started_is_left_alone(log_path: Path) -> None:
    with Leash() as leash:
        child = leash.start([sys.executable, "-c", RUNAWAY], env=ENVIRONMENT, log_path=log_path, name="runaway")
        other = shell(leash, "sleep 300", log_path)
        runaway = runaway_of(child)

        other.stop()

        assert _runs(runaway)
        assert child.alive()
    assert wait_until_gone([runaway]) == []


def test_a_child_that_stands_still_is_asked_and_heeds(log_path: Path) -> None:
    with Leash() as leash:
        child = shell(
            leash, "trap 'echo ended; exit 0' TERM; echo up; while :; do sleep 0.05; done", log_path, grace_s=5.0
        )
        wait_for_log(child, "up")
        os.kill(child.pid, signal.SIGSTOP)
        child.stop()
    assert "ended" == child.tail_of_log()


def test_a_guard_that_stands_still_is_made_to_go_on(log_path: Path) -> None:
    others = set(psutil.Process().children())
    with Leash() as leash:
        started = set(psutil.Process().children()) - others
        guard = next(each for each in started if "harness.environment.guard" in each.cmdline())
        guard.suspend()
        shell(leash, "exec sleep 300", log_path)
        wait_for_status(guard, psutil.STATUS_SLEEPING)
        guard.suspend()
        wait_for_status(guard, psutil.STATUS_STOPPED)
        began_s = time.monotonic()
    assert not guard.is_running()
    assert time.monotonic() - began_s < 8  # it left by itself, and was not waited for until it is killed


def wait_for_status(process: psutil.Process, status: str) -> None:
    deadline_s = time.monotonic() + 10
    while process.status() != status:
        assert time.monotonic() < deadline_s, process.status()
        time.sleep(0.01)


def test_a_descendant_that_stands_still_is_ended(log_path: Path) -> None:
    with Leash() as leash:
        child = leash.start(
            [sys.executable, "-c", RUNAWAY], env=ENVIRONMENT, log_path=log_path, name="runaway", grace_s=0.5
        )
        runaway = runaway_of(child)
        os.kill(runaway, signal.SIGSTOP)
        os.kill(child.pid, signal.SIGSTOP)
    assert wait_until_gone([child.pid, runaway]) == []


NOT_DEAF = (
    "import os, signal, sys; [signal.signal(one, signal.SIG_DFL) for one in (signal.SIGINT, signal.SIGQUIT)]; "
    "os.execv(sys.argv[1], sys.argv[1:])"
)
"""A shell can trap no signal that was ignored when it began, as these are in a script's background job."""


def test_each_signal_is_tried_in_turn(log_path: Path) -> None:
    with Leash() as leash:
        script = "trap 'echo asked' INT; trap 'echo told; exit 3' QUIT; echo up; while :; do sleep 0.05; done"
        child = leash.start(
            [sys.executable, "-c", NOT_DEAF, "/bin/sh", "-c", script],
            env=ENVIRONMENT,
            log_path=log_path,
            name="shell",
            stop_signal=(signal.SIGINT, signal.SIGQUIT),
            grace_s=0.5,
        )
        wait_for_log(child, "up")
        child.stop()

    assert child.tail_of_log(3) == "up\nasked\ntold"
    assert child.end_description() == "shell ended with exit code 3; its last words: told"


def test_a_child_is_in_a_process_group_of_its_own(log_path: Path) -> None:
    with Leash() as leash:
        child = shell(leash, "sleep 300", log_path)
        assert os.getpgid(child.pid) == child.pid != os.getpgid(0)


def test_input_and_output_can_be_pipes(log_path: Path) -> None:
    with Leash() as leash:
        child = leash.start(["cat"], env=ENVIRONMENT, log_path=log_path, name="cat", stdin=True, stdout=True)
        child.tell("hello")
        assert "hello" == next(child.lines())


def test_a_child_without_a_pipe_reads_nothing(log_path: Path) -> None:
    with Leash() as leash:
        child = shell(leash, "if read -r line; then echo got; else echo nothing; fi", log_path)
        child.popen.wait(10)
        assert child.tail_of_log() == "nothing"


def test_a_program_that_does_not_exist_is_named_in_its_end(log_path: Path) -> None:
    with Leash() as leash:
        child = leash.start(["no-such-program"], env=ENVIRONMENT, log_path=log_path, name="ghost")
        child.popen.wait(10)
        assert child.popen.returncode == 127
        assert "ghost ended with exit code 127" in child.end_description()
        assert "no-such-program" in child.end_description()


def test_without_its_guard_nothing_is_started(log_path: Path, tmp_path: Path) -> None:
    before = {process.pid for process in psutil.Process().children()}
    with Leash() as leash:
        (watcher,) = [process for process in psutil.Process().children() if process.pid not in before]
        watcher.kill()
        assert wait_until_gone([watcher.pid]) == []

        with pytest.raises(EnvironmentSetupError, match="guard process was ended"):
            shell(leash, f"touch {tmp_path / 'ran'}", log_path)

    assert not (tmp_path / "ran").exists()


def test_temporary_folders_go_with_the_leash(tmp_path: Path) -> None:
    with Leash() as leash:
        folder = leash.temporary_folder(tmp_path)
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "file").write_text("something")
    assert list(tmp_path.iterdir()) == []


def test_tearing_down_never_hides_the_root_cause(log_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Child) -> None:
        raise OSError("stop went wrong")

    root = ValueError("the root cause")
    leash = Leash()
    leash.__enter__()
    child = shell(leash, "sleep 300", log_path)
    with monkeypatch.context() as patched:
        patched.setattr(Child, "stop", fail)
        leash.__exit__(ValueError, root, None)  # raises nothing of its own

    assert root.__notes__ == ["tearing down failed too: stop went wrong"]
    kill_group(child.pid, birth(child.pid))
    child.popen.wait(10)
    assert child.popen.stdin is not None


def test_a_process_of_the_same_pid_is_left_alone(log_path: Path) -> None:
    with Leash() as leash:
        child = shell(leash, "sleep 300", log_path)
        born = birth(child.pid)

        kill_group(child.pid, born - 1.0)

        assert is_running(child.pid, born)
        assert not is_running(child.pid, born - 1.0)


def test_a_child_that_may_not_be_ended_is_told_and_holds_nobody_up(
    log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As root without CAP_KILL meets one of another account's."""
    monkeypatch.setattr("harness.environment.leash._KILLED_WITHIN_S", 0.2)
    with Leash() as leash:
        child = shell(leash, "sleep 60", log_path, stop_signal=())
        with monkeypatch.context() as powerless:
            powerless.setattr("harness.environment.guard.kill_family", lambda *_: None)
            with pytest.raises(LeftBehindError, match=r"shell could not be ended and .*: kill -KILL [0-9]+$"):
                child.stop()
        assert child.alive()
        child.stop()
        assert not child.alive()
