"""A target in a process of its own: uvicorn on a listening socket that the harness opened."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.apps.places import fill, fill_all, has_place
from harness.environment.children import python_environment, users_environment
from harness.environment.leash import Child, Leash, ending
from harness.environment.ports import HOST, free_port, listening_socket
from harness.environment.readiness import wait_until_ready
from harness.http_reader import HttpReader
from harness.inside.launch import with_probe
from harness.subject import Launch

GRACEFUL_SHUTDOWN_S = 1
_MENDS_OF_AN_APP = (
    "see what it prints, whether it listens at {port}, and whether it needs more time (ready_within_s)"
)


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
    probed_in: Path | None = None,
) -> Iterator[RunningTarget]:
    """Run a subject as its launch says until the end of the block; `name` is for messages.

    `environment` carries its settings, the database URL among them (unlike arguments it is not for everyone to
    read), or for a launch that is not ours what stands for its places. `host` is the address of this machine to
    listen at, `probed_in` a folder in which its Python processes are to tell of their pools. Raises
    EnvironmentSetupError where the port is taken, and where the target dies or stays silent for too long, with the
    last line of its log.
    """
    places = {} if launch.is_ours else environment
    with _place_to_listen(launch, host, port) as (chosen, descriptor):
        socket_places = {"fd": str(descriptor), "host": host, "port": str(chosen)}
        child = leash.start(
            launch_command(launch, {**places, **socket_places}),
            env=_environment(launch, environment, probed_in),
            log_path=log_path,
            name=f"target {name}",
            stop_signal=signal.SIGTERM,
            grace_s=GRACEFUL_SHUTDOWN_S + 2.0,
            pass_fds=() if descriptor is None else (descriptor,),
            cwd=launch.directory,
        )
    with ending(child.stop):
        ready = launch.readiness  # connects succeed from the start, as the socket listens; answers take a while
        wait_until_ready(
            child,
            lambda left_s: _ask(host, chosen, ready.path, min(left_s, 1.0)),
            within_s=ready.within_s,
            every_s=0.02,
            see="mend that, or what it was given" if launch.is_ours else _MENDS_OF_AN_APP,
        )
        yield RunningTarget(f"http://{host}:{chosen}", host, chosen, child.pid, child)


def launch_command(launch: Launch, places: Mapping[str, str]) -> list[str]:
    """The words that start a subject, with what stands for a `{place}` in them."""
    interpreter = [] if launch.interpreter is None else [str(launch.interpreter)]
    return [*interpreter, *(fill(word, places) for word in launch.command)]


@contextmanager
def _place_to_listen(launch: Launch, host: str, port: int | None) -> Iterator[tuple[int, int | None]]:
    """The port, and the descriptor of the socket that listens there; none where the subject opens it itself."""
    if any(has_place(word, "fd") for word in launch.command):
        with listening_socket(port, host) as listener:
            yield int(listener.getsockname()[1]), listener.fileno()
    else:
        yield free_port(host) if port is None else port, None


def _environment(launch: Launch, given: Mapping[str, str], probed_in: Path | None) -> dict[str, str]:
    """Ours get their settings as variables; another's variables are filled with what it is given."""
    if launch.is_ours:
        found = python_environment({**launch.environment, **given})
    else:
        found = users_environment(fill_all(launch.environment, given))
    return found if probed_in is None else with_probe(found, probed_in)


def _ask(host: str, port: int, path: str | None, timeout_s: float) -> str:
    """Empty where the path answers 200, or any answer comes where none is named; else what came."""
    place = f"[{host}]" if ":" in host else host
    with HttpReader(f"http://{place}:{port}", timeout_s) as reader:
        answer = reader.ask("GET", path or "/")
    if answer.error or (path is not None and answer.status != 200):
        return f"{answer.error or answer.status} from {path or '/'}"
    return ""
