"""A target in a process of its own: uvicorn on a listening socket that the harness opened."""

from __future__ import annotations

import http.client
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.environment.leash import Child, Leash, ending
from harness.environment.ports import HOST, listening_socket
from harness.errors import EnvironmentSetupError

LIVENESS_PATH = "/health/live"
START_TIMEOUT_S = 15.0
KEEP_ALIVE_S = 75
GRACEFUL_SHUTDOWN_S = 1
INHERITED = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"),
    *("PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH"),  # without the last some Pythons do not start
)
"""What a target gets of the harness's environment. PG* variables in particular stay outside."""


@dataclass(frozen=True, slots=True)
class RunningTarget:
    """A target that answers on `url`."""

    url: str
    host: str
    port: int
    pid: int
    child: Child


@contextmanager
def target_process(
    leash: Leash,
    *,
    app: str,
    environment: Mapping[str, str],
    log_path: Path,
    port: int | None = None,
    host: str = HOST,
) -> Iterator[RunningTarget]:
    """Run `app` (such as `targets.sync_pool:app`) until the end of the block.

    `environment` carries its settings, the database URL among them: unlike arguments it is not for everyone to
    read. `host` is the address of this machine to listen at. Raises EnvironmentSetupError where the port is
    taken, and where the target dies or stays silent for 15 s, with the last line of its log.
    """
    with listening_socket(port, host) as listener:
        chosen = int(listener.getsockname()[1])
        child = leash.start(
            uvicorn_command(app, listener.fileno()),
            env=target_environment(os.environ, environment),
            log_path=log_path,
            name=f"target {app}",
            stop_signal=signal.SIGTERM,
            grace_s=GRACEFUL_SHUTDOWN_S + 2.0,
            pass_fds=(listener.fileno(),),
        )
    with ending(child.stop):
        _wait_until_alive(child, host, chosen)
        yield RunningTarget(f"http://{host}:{chosen}", host, chosen, child.pid, child)


def uvicorn_command(app: str, descriptor: int) -> list[str]:
    """How a target is run; the listening socket is inherited as `descriptor`."""
    return [
        *(sys.executable, "-m", "uvicorn", app),
        *("--fd", str(descriptor)),
        *("--loop", "uvloop", "--http", "httptools"),
        "--no-access-log",
        *("--timeout-keep-alive", str(KEEP_ALIVE_S)),
        *("--timeout-graceful-shutdown", str(GRACEFUL_SHUTDOWN_S)),
    ]


def target_environment(inherited: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """A target's whole environment: what it needs of ours, and what is meant for it."""
    base = {name: inherited[name] for name in INHERITED if name in inherited}
    return {**base, "PYTHONUNBUFFERED": "1", **own}


def _wait_until_alive(child: Child, host: str, port: int) -> None:
    """Until liveness answers 200. Connects succeed from the start, as the socket listens; answers take a while."""
    deadline = time.monotonic() + START_TIMEOUT_S
    answer = "no answer"
    while child.alive():
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise EnvironmentSetupError(
                f"{child.name} did not come alive in {START_TIMEOUT_S:g} s ({answer} from {LIVENESS_PATH}); "
                f"see {child.log_path}"
            )
        answer = _ask(host, port, min(left_s, 1.0))
        if answer == "200":
            return
        time.sleep(0.02)
    raise EnvironmentSetupError(f"{child.end_description()}; see {child.log_path}")


def _ask(host: str, port: int, timeout_s: float) -> str:
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        connection.request("GET", LIVENESS_PATH)
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException):
        return "no answer"
    finally:
        connection.close()
