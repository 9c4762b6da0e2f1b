"""The leash: however the harness ends, no process that it started outlives it for long.

    with Leash() as leash:
        child = leash.start(["server"], env={}, log_path=Path("server.log"), name="server")

On the way out, children are stopped in reverse order of their start. Should the harness be killed, the guard
(`harness.environment.guard`) does the same within ten seconds. docs/decisions/0003-leash.md has the reasons.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil

from harness.environment import guard
from harness.environment.children import module_command, python_environment
from harness.environment.hidden import hidden, hide_in, secrets_of
from harness.environment.last_words import end_of_log, telling_line
from harness.errors import EnvironmentSetupError, LeftBehindError, is_printable, shown

_log = logging.getLogger("poolstorm.environment")

Signals = signal.Signals | tuple[signal.Signals, ...]

# A child waits in this shell until the guard knows its pid, and only then becomes the program. Should the harness
# die in between, the pipe closes and the shell leaves. `read` takes single bytes from a pipe: what follows the
# line is the program's own input.
_GATE = 'read -r go || exit 125; exec "$@"'
_GATE_WITHOUT_INPUT = _GATE + " </dev/null"
_GUARD_GONE = "the guard process was ended by someone; start again"
_LAST_LINES = 200
_KILLED_WITHIN_S = 5.0
_ENDED_WITHIN_S = 2.0  # how long a process may outlive its standard output


def tell_of(failure: Exception) -> None:
    """What is left to be done by hand is told; what else goes wrong on the way out would only hide its cause."""
    _log.log(logging.WARNING if isinstance(failure, LeftBehindError) else logging.DEBUG, "%s", failure)


@contextlib.contextmanager
def ending(action: Callable[[], object]) -> Iterator[None]:
    """Do `action` at the end of the block; its own failure never hides an error of the block."""
    try:
        yield
    except BaseException as root:
        try:
            action()
        except Exception as error:
            root.add_note(f"tearing down failed too: {error}")
            tell_of(error)
        raise
    action()


def _secrets(args: Sequence[str | Path], env: Mapping[str, str]) -> tuple[str, ...]:
    """Of all that a child is told; of its words, passwords in addresses."""
    return secrets_of({**env, **{f"word {number}": str(word) for number, word in enumerate(args)}})


class Child:
    """A process on the leash, leader of a process group of its own."""

    def __init__(
        self,
        name: str,
        popen: subprocess.Popen[bytes],
        log_path: Path,
        process: guard.GuardedProcess,
        forget: Callable[[], None],
        secrets: Sequence[str] = (),
    ) -> None:
        """`secrets` are what it was given and what nobody is to read in its log."""
        self.name = name
        self.popen = popen
        self.pid = popen.pid
        self.log_path = log_path
        self._process = process
        self._forget = forget
        self._secrets = secrets
        self._stopped = False
        self._lock = threading.Lock()

    def alive(self) -> bool:
        """Whether the process itself still runs."""
        return self.popen.poll() is None

    def stop(self) -> None:
        """Ask the process to end, then kill it and what is left of its group. May be called again."""
        with self._lock:
            if self._stopped:
                return
            known = guard.descendants(self.pid, self._process.birth, self._process.token)
            for number in self._process.signals:
                if not self.alive():
                    break
                guard.let_go_on(known)
                guard.ask(self.pid, self._process.birth, number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.popen.wait(self._process.grace_s)
            guard.kill_family(self.pid, self._process.birth, self._process.token, known)
            self._require_end()
            _close_pipes(self.popen)
            self._forget()
            self._stopped = True
            hide_in(self.log_path, self._secrets)

    def _require_end(self) -> None:
        try:  # root without CAP_KILL may start processes of others and may not end them
            self.popen.wait(_KILLED_WITHIN_S)
        except subprocess.TimeoutExpired:
            raise LeftBehindError(
                f"{self.name} could not be ended and still runs; as who may do so, run: kill -KILL {self.pid}"
            ) from None

    def tell(self, line: str) -> None:
        """A line to the standard input of a child that was started with one. Raises OSError if it has gone."""
        assert self.popen.stdin is not None
        self.popen.stdin.write(line.encode() + b"\n")
        self.popen.stdin.flush()

    def lines(self) -> Iterator[str]:
        """The standard output of a child that was started with one, line by line as they come, to its end.

        After the last, waits a moment for the process to end, so that `end_description` can tell how it did: a
        process's pipes are closed before its end can be waited for.
        """
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            yield line.decode().rstrip("\n")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(_ENDED_WITHIN_S)

    def tail_of_log(self, lines: int = 1) -> str:
        """The last `lines` lines of the log that are not blank, without secrets; empty where there is none."""
        return hidden(end_of_log(self.log_path, lines), self._secrets)

    def end_description(self) -> str:
        """How the process ended, on one line, with what its log says of the cause."""
        status = self.popen.poll()
        if status is None:
            return f"{self.name} is still running"
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with exit code {status}"
        return f"{self.name} {how}{self.last_words()}"

    def last_words(self) -> str:
        """What its log says of its end, ready to be added to a message; read it before the log is gone."""
        last = telling_line(self.tail_of_log(_LAST_LINES))
        return f"; its last words: {last}" if last else ""


class Leash:
    """Starts children and temporary folders, and answers for their end. Use as a context manager."""

    def __init__(self) -> None:
        self._guard: subprocess.Popen[bytes] | None = None
        self._children: list[Child] = []
        self._folders: list[Path] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        try:
            self._guard = subprocess.Popen(
                module_command("harness.environment.guard", str(os.getpid())),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=python_environment(),
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            raise EnvironmentSetupError(
                f"no process can be started ({error.strerror or error}); see the limits of this shell (ulimit -a)"
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        failures = self._stop_all()
        self._dismiss_guard()
        for failure in failures:
            tell_of(failure)
            if error is not None:
                error.add_note(f"tearing down failed too: {failure}")
        if failures and error is None:
            raise failures[0]

    def start(
        self,
        args: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        log_path: Path,
        name: str,
        stop_signal: Signals = signal.SIGTERM,
        grace_s: float = 3.0,
        user: int | None = None,
        group: int | None = None,
        stdin: bool = False,
        stdout: bool = False,
        pass_fds: Sequence[int] = (),
        cwd: Path | None = None,
    ) -> Child:
        """Start a program in a process group of its own and put it on the leash.

        Its errors, and its output unless `stdout` asks for a pipe, are appended to `log_path`. To stop it, each
        of `stop_signal` is sent and given `grace_s` seconds, then the group is killed. `env` is the whole
        environment: secrets in it (`harness.environment.hidden`) are taken out of messages, and out of the log
        once the child has been stopped. `user` and `group` are numbers of an account to run as, which only root
        can choose. Raises EnvironmentSetupError where the program cannot be started.
        """
        signals = stop_signal if isinstance(stop_signal, tuple) else (stop_signal,)
        token = secrets.token_hex(8)
        gate = _GATE if stdin else _GATE_WITHOUT_INPUT
        with self._lock, log_path.open("ab") as log:
            try:
                popen = subprocess.Popen(
                    ["/bin/sh", "-c", gate, "sh", *map(str, args)],
                    env={**env, guard.TOKEN_VARIABLE: token},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE if stdout else log,
                    stderr=log,
                    pass_fds=tuple(pass_fds),
                    cwd=cwd,
                    process_group=0,
                    user=user,
                    group=group,
                    extra_groups=[] if user is not None else None,
                )
            except OSError as error:
                raise EnvironmentSetupError(f"{name} cannot be started: {error.strerror}") from error
            told = tuple(map(int, signals))
            return self._register(popen, name, log_path, told, grace_s, stdin, token, _secrets(args, env))

    def require_guard(self) -> None:
        """Raises EnvironmentSetupError where the guard has gone: nothing can be started without it."""
        if self._guard is None or self._guard.poll() is not None:
            raise EnvironmentSetupError(_GUARD_GONE)

    def temporary_folder(self, parent: Path | None = None) -> Path:
        """A new folder of mode 0700 that is removed with the leash, or by the guard."""
        root = parent or Path(tempfile.gettempdir())
        if not is_printable(str(root)):
            raise EnvironmentSetupError(
                f"the temporary folder {shown(str(root))} has control characters in its name; set another TMPDIR"
            )
        path = root.resolve() / f"poolstorm-{secrets.token_hex(6)}"
        with self._lock:
            self._tell({"kind": "folder", "path": str(path)})
            path.mkdir(mode=0o700)
            self._folders.append(path)
        return path

    def remove_folder(self, path: Path) -> None:
        """Remove a folder of this leash before its end."""
        guard.remove_folder(path)
        with self._lock:
            self._folders.remove(path)
            self._tell({"kind": "forget-folder", "path": str(path)}, strict=False)

    def _register(
        self,
        popen: subprocess.Popen[bytes],
        name: str,
        log_path: Path,
        signals: tuple[int, ...],
        grace_s: float,
        stdin: bool,
        token: str,
        hide: Sequence[str],
    ) -> Child:
        try:
            process = guard.GuardedProcess(name, popen.pid, guard.birth(popen.pid), signals, grace_s, token)
            self._tell({"kind": "child", **asdict(process)})
            assert popen.stdin is not None
            _open_gate(popen.stdin, keep=stdin)
        except BaseException as error:
            popen.kill()
            popen.wait()
            _close_pipes(popen)
            if isinstance(error, (OSError, psutil.Error)):
                raise EnvironmentSetupError(f"{name} ended before it could be watched; try again") from error
            raise
        child = Child(name, popen, log_path, process, lambda: self._forget(popen.pid), hide)
        self._children.append(child)
        return child

    def _forget(self, pid: int) -> None:
        with self._lock:
            self._children = [child for child in self._children if child.pid != pid]
            self._tell({"kind": "forget-child", "pid": pid}, strict=False)

    def _tell(self, message: Mapping[str, object], *, strict: bool = True) -> None:
        if self._guard is None or self._guard.stdin is None:
            raise RuntimeError("the leash is used outside its with block")
        try:
            self._guard.send_signal(signal.SIGCONT)  # one that somebody stopped would not read, nor leave
            self._guard.stdin.write(json.dumps(message).encode() + b"\n")
        except OSError as error:
            if strict:
                raise EnvironmentSetupError(_GUARD_GONE) from error

    def _stop_all(self) -> list[Exception]:
        failures: list[Exception] = []
        for child in reversed(list(self._children)):
            try:
                child.stop()
            except Exception as error:
                failures.append(error)
        for path in reversed(list(self._folders)):
            try:
                self.remove_folder(path)
            except Exception as error:
                failures.append(error)
        return failures

    def _dismiss_guard(self) -> None:
        watcher = self._guard
        if watcher is None or watcher.stdin is None:
            return
        self._tell({"kind": "goodbye"}, strict=False)
        with contextlib.suppress(OSError):
            watcher.stdin.close()
        try:
            watcher.wait(10)
        except subprocess.TimeoutExpired:
            watcher.kill()
            watcher.wait()
        self._guard = None


def _open_gate(stdin: IO[bytes], *, keep: bool) -> None:
    stdin.write(b"go\n")
    stdin.flush()
    if not keep:
        stdin.close()


def _close_pipes(popen: subprocess.Popen[bytes]) -> None:
    for pipe in (popen.stdin, popen.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):  # a pipe that broke has no one left to flush to
                pipe.close()
