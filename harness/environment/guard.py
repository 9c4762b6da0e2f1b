"""The guard: a small process that outlives the harness just long enough to clean up after it.

It reads one JSON object a line from its standard input: which children run, which temporary folders exist. While
the harness lives it does nothing. At `goodbye` it leaves. When the harness is gone without a goodbye, be it by
SIGKILL, it asks each child to end, kills what does not, in reverse order, and removes the folders.

It imports psutil and what needs the standard library only, because it starts before everything else. Its other
half, `harness.environment.leash`, shares the functions about processes.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from harness.environment.segments import release_segments

POLL_S = 0.02
PARENT_POLL_S = 0.5
BUDGET_S = 6.0
"""For asking politely, all children together: what is left of ten seconds is for killing and removing."""
HURRIED_GRACE_S = 0.2
KILLED_S = 2.0
TOKEN_VARIABLE = "POOLSTORM_LEASH"
"""In the environment of each child, and so of all that it starts: whose they are."""
_KILLING_ROUNDS = 5
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class GuardedProcess:
    """A child to end: its pid, its birth (a pid alone may be another's by now), and how to ask it to end.

    The child leads a process group of its own. Its descendants are ended with it, in that group or not.
    """

    name: str
    pid: int
    birth: float
    signals: tuple[int, ...]
    grace_s: float
    token: str = ""  # the value of TOKEN_VARIABLE in its environment and its descendants'


def birth(pid: int) -> float:
    """What tells process `pid` from others of the same pid: when it was created. Raises psutil.NoSuchProcess.

    On Linux in clock ticks since boot: seconds since the epoch, psutil's `create_time`, move when the wall clock
    is set, and the guard may look hours after the harness did.
    """
    if not sys.platform.startswith("linux"):
        return float(psutil.Process(pid).create_time())
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError as error:
        raise psutil.NoSuchProcess(pid) from error
    return float(stat.rpartition(")")[2].split()[19])  # field 22; the name in parentheses may hold blanks


def is_running(pid: int, born: float) -> bool:
    """Whether that very process still runs; a zombie, or another process of the same pid, does not."""
    try:
        return birth(pid) == born and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def send(pid: int, born: float, number: int) -> None:
    """Send a signal to that very process, if it still runs."""
    if is_running(pid, born):
        _quietly(lambda: os.kill(pid, number))


def ask(pid: int, born: float, number: int) -> None:
    """Send a signal; a process that stands still is made to go on and heed it."""
    send(pid, born, number)
    send(pid, born, signal.SIGCONT)


def descendants(pid: int, born: float, token: str = "") -> list[tuple[int, float]]:
    """Pid and birth of all that came from a child and still runs, wherever it went, the child itself left out.

    Those below it in the tree; and those that lead a session of their own and whose parent has left them, which
    are known by the token that the environment of each holds. A program that overwrites its own environment, as
    PostgreSQL does for its title, is found in the tree alone.
    """
    found: set[int] = set()
    if is_running(pid, born):
        with contextlib.suppress(psutil.Error):
            found.update(process.pid for process in psutil.Process(pid).children(recursive=True))
    if token:
        found.update(_holders_of(f"{TOKEN_VARIABLE}={token}".encode()))
    born_by_pid = []
    for other in found - {pid}:
        with contextlib.suppress(psutil.Error):
            born_by_pid.append((other, birth(other)))
    return [(other, since) for other, since in born_by_pid if is_running(other, since)]


def _holders_of(variable: bytes) -> Iterator[int]:
    """Pids of those that have a variable, `NAME=value`, in their environment, as far as that is ours to see."""
    for pid in psutil.pids():
        with contextlib.suppress(OSError, psutil.Error):
            if _PROC.is_dir():  # many times as fast as psutil, which reads the same
                held = (_PROC / str(pid) / "environ").read_bytes()
            else:
                held = b"\0".join(
                    f"{name}={value}".encode() for name, value in psutil.Process(pid).environ().items()
                )
            if variable in held.split(b"\0"):
                yield pid


def kill_family(pid: int, born: float, token: str, known: Iterable[tuple[int, float]] = ()) -> None:
    """Kill the process, its group, and every descendant of it; `known` are some that were found before.

    SIGKILL reaches those that stand still, too. Again, until there are none: one may have been born meanwhile.
    """
    victims = {*known, *descendants(pid, born, token)}
    kill_group(pid, born)
    for _ in range(_KILLING_ROUNDS):
        for other, since in victims:
            ask(other, since, signal.SIGKILL)
        victims = set(descendants(pid, born, token))
        if not victims:
            return


def kill_group(pid: int, born: float) -> None:
    """Kill the process group that the process leads or led.

    A group outlives its leader, and no new group takes its number while it has members. So the only stranger
    that could be hit is one that got the pid after the whole group had gone; that is checked.
    """
    try:
        stranger = birth(pid) != born
    except psutil.NoSuchProcess:
        stranger = False
    if not stranger:
        _quietly(lambda: os.killpg(pid, signal.SIGKILL))


def let_go_on(processes: Iterable[tuple[int, float]]) -> None:
    """Make processes go on that somebody has stopped: a server waits for its children before it ends."""
    for pid, born in processes:
        send(pid, born, signal.SIGCONT)


def wait_until(ended: Callable[[], bool], timeout_s: float) -> bool:
    """Poll until `ended()` or the time is up; tells which."""
    deadline = time.monotonic() + timeout_s
    while not ended():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_S)
    return True


def remove_folder(path: Path) -> None:
    """Remove a temporary folder, whatever a process that is just ending may still write into it.

    A PostgreSQL that had its data there and was killed has left a segment of shared memory, which goes first.
    """
    release_segments(path)
    for _ in range(20):
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
        time.sleep(5 * POLL_S)


@dataclass(slots=True)
class Ward:
    """What the guard has been told of, in the order of the telling."""

    children: list[GuardedProcess] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    goodbye: bool = False

    def heed(self, message: dict[str, Any]) -> None:
        """Take in one message. Unknown kinds are left alone."""
        match message:
            case {"kind": "child", **child}:
                self.children.append(GuardedProcess(**{**child, "signals": tuple(child["signals"])}))
            case {"kind": "forget-child", "pid": pid}:
                self.children = [child for child in self.children if child.pid != pid]
            case {"kind": "folder", "path": path}:
                self.folders.append(Path(path))
            case {"kind": "forget-folder", "path": path}:
                self.folders = [folder for folder in self.folders if folder != Path(path)]
            case {"kind": "goodbye"}:
                self.goodbye = True

    def clean_up(self) -> None:
        """End all children, the last one started first, and remove all folders."""
        deadline = time.monotonic() + BUDGET_S
        for child in reversed(self.children):
            _end(child, deadline)
        for folder in reversed(self.folders):
            remove_folder(folder)


def _end(child: GuardedProcess, deadline: float) -> None:
    def ended() -> bool:
        return not is_running(child.pid, child.birth)

    known = descendants(child.pid, child.birth, child.token)
    for number in child.signals:
        if ended():
            break
        let_go_on(known)
        ask(child.pid, child.birth, number)
        left_s = max(HURRIED_GRACE_S, deadline - time.monotonic())
        wait_until(ended, min(child.grace_s, left_s))
    kill_family(child.pid, child.birth, child.token, known)
    wait_until(ended, KILLED_S)


def _quietly(send: Callable[[], None]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # gone already, or never ours to end
        send()


def _listen(ward: Ward, parent_pid: int) -> None:
    """Take in messages until goodbye, the pipe's end, or the parent's death.

    The parent is looked at as well, because a process that it forked may hold the pipe open.
    """
    pending = b""
    while not ward.goodbye:
        readable, _, _ = select.select([0], [], [], PARENT_POLL_S)
        if readable:
            chunk = os.read(0, 65536)
            if not chunk:
                return
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                ward.heed(json.loads(line))
        elif os.getppid() != parent_pid:
            return


def main() -> None:
    """Run as `python -m harness.environment.guard PARENT_PID`, in a session of its own."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    ward = Ward()
    try:
        _listen(ward, int(sys.argv[1]))
    finally:
        if not ward.goodbye:
            ward.clean_up()


if __name__ == "__main__":
    main()
