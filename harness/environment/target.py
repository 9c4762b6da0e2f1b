"""A target in a process of its own: uvicorn on a listening socket that the harness opened."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.environment.children import python_environment
from harness.environment.leash import Child, Leash, ending
from harness.environment.ports import HOST, listening_socket
from harness.environment.readiness import wait_until_ready
from harness.http_reader import HttpReader
from harness.subject import Launch

GRACEFUL_SHUTDOWN_S = 1


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
    launch: Launch,
    environment: Mapping[str, str],
    log_path: Path,
    port: int | None = None,
    host: str = HOST,
    name: str = "under test",
) -> Iterator[RunningTarget]:
    """Run a subject as its launch says until the end of the block; `name` is for messages.

    `environment` carries its settings, the database URL among them: unlike arguments it is not for everyone to
    read. `host` is the address of this machine to listen at. Raises EnvironmentSetupError where the port is
    taken, and where the target dies or stays silent for 15 s, with the last line of its log.
    """
    with listening_socket(port, host) as listener:
        chosen = int(listener.getsockname()[1])
        child = leash.start(
            launch_command(launch, listener.fileno(), host, chosen),
            env=python_environment({**launch.environment, **environment}),
            log_path=log_path,
            name=f"target {name}",
            stop_signal=signal.SIGTERM,
            grace_s=GRACEFUL_SHUTDOWN_S + 2.0,
            pass_fds=(listener.fileno(),),
            cwd=launch.directory,
        )
    with ending(child.stop):
        ready = launch.readiness  # connects succeed from the start, as the socket listens; answers take a while
        wait_until_ready(
            child,
            lambda left_s: _ask(host, chosen, ready.path, min(left_s, 1.0)),
            within_s=ready.within_s,
            every_s=0.02,
            see="mend that, or what it was given",
        )
        yield RunningTarget(f"http://{host}:{chosen}", host, chosen, child.pid, child)


def launch_command(launch: Launch, descriptor: int, host: str, port: int) -> list[str]:
    """The words that start a subject; the listening socket is inherited as `descriptor`."""
    places = {"{fd}": str(descriptor), "{host}": host, "{port}": str(port)}

    def filled(word: str) -> str:
        for place, value in places.items():
            word = word.replace(place, value)
        return word

    interpreter = [] if launch.interpreter is None else [str(launch.interpreter)]
    return [*interpreter, *map(filled, launch.command)]


def _ask(host: str, port: int, path: str, timeout_s: float) -> str:
    """Empty where liveness answers 200, else what came."""
    place = f"[{host}]" if ":" in host else host
    with HttpReader(f"http://{place}:{port}", timeout_s) as reader:
        answer = reader.ask("GET", path)
    if answer.error or answer.status != 200:
        return f"{answer.error or answer.status} from {path}"
    return ""
