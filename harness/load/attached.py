"""Workers of elsewhere, seen from both sides: the run that waits for them, and the person who lends one."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

from harness.environment.children import module_command, python_environment
from harness.environment.leash import Child, Leash
from harness.environment.ports import port_problem
from harness.errors import EnvironmentSetupError, PlanError
from harness.load.workers import NO_LOAD, Workers

ROLL_CALL_S = 600.0
"""How long a run waits for its attached workers before the first trial: time to start them by hand."""
_DEATHS_IN_A_ROW = 3
"""A worker that keeps dying has a reason that no further one mends."""


def wait_for_attached(workers: Workers, say: Callable[[str], None], within_s: float = ROLL_CALL_S) -> None:
    """Wait until the attached workers of a run are there; at once where there are none.

    Raises EnvironmentSetupError, with what to do, where they do not come or are of another version.
    """
    if not workers.attached:
        return
    say(
        f"waiting for {workers.attached} attached {'worker' if workers.attached == 1 else 'workers'}, "
        f"to be started with 'poolstorm worker {workers.host}:{workers.port}'"
    )
    with Leash() as leash:
        child = leash.start(
            module_command("harness.load.roll_call", workers.host, str(workers.port), str(workers.attached),
                           f"{within_s:g}"),
            env=python_environment(),
            log_path=leash.temporary_folder() / "roll-call.log",
            name="roll call",
            stdout=True,
        )  # fmt: skip
        for line in child.lines():
            say(line)
        if child.popen.wait() != 0:
            raise EnvironmentSetupError(child.tail_of_log())


def lend(master: str, say: Callable[[str], None]) -> None:
    """Serve the master at `HOST:PORT` until Ctrl-C.

    Raises PlanError for what is no such address and EnvironmentSetupError where workers die one after another.
    """
    host, port = _address(master)
    say(f"waiting for a run with --attach at {master}; Ctrl-C ends this")
    with Leash() as leash:
        log_path = leash.temporary_folder() / "worker.log"
        loads = deaths = 0
        try:
            while True:
                log_path.unlink(missing_ok=True)  # the last words of a worker are its own
                child = _worker(leash, host, port, log_path)
                status = child.popen.wait()
                child.stop()
                if status == 0:
                    loads, deaths = loads + 1, 0
                    say(f"{loads} {'load' if loads == 1 else 'loads'} served")
                elif status != NO_LOAD:
                    deaths += 1
                    if deaths == _DEATHS_IN_A_ROW:
                        raise EnvironmentSetupError(
                            f"{child.end_description()}, {deaths} times in a row; mend that"
                        )
                    say(f"{child.end_description()}; starting another")
        except KeyboardInterrupt:
            say("leaving")


def _address(master: str) -> tuple[str, str]:
    host, _, port = master.rpartition(":")
    if not host or not port.isdecimal():
        raise PlanError(
            f"{master!r} is not the address of a master; write it as HOST:PORT, such as 127.0.0.1:5557"
        )
    if problem := port_problem(int(port)):
        raise PlanError(f"{master!r}: {problem}")
    try:
        socket.getaddrinfo(host, int(port))
    except (OSError, UnicodeError):
        raise PlanError(f"{host!r} is the name of no machine known here; mend it, or give an address") from None
    return host, port


def _worker(leash: Leash, host: str, port: str, log_path: Path) -> Child:
    return leash.start(
        module_command("harness.load.worker", host, port),
        env=python_environment(),
        log_path=log_path,
        name="load worker",
        grace_s=1.5,
    )
