"""The harness's side of the load: start generator and recorder, give the word, listen."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pydantic import ValidationError

from harness.environment.children import module_command, python_environment
from harness.environment.leash import Child, Leash
from harness.environment.ports import free_port
from harness.errors import OutputError, TrialFailedError
from harness.journal import Journal
from harness.load import messages
from harness.load.workers import SINGLE, Workers
from harness.locustfile import Locustfile
from harness.processes import is_stopped
from harness.records import MarkKind, response_interval_ns
from harness.store import TrialFolder
from scenarios.model import Scenario

READY_WITHIN_S = 40.0
NO_SAMPLES = -1
"""In an order to a master: each worker has a pipe of its own."""
RECORDER_WITHIN_S = 30.0
SLACK_S = 15.0
"""How much longer than planned a load may take before it counts as hung."""


class Load:
    """A generator on its way up; `journal` receives its marks and readings. First `prepare`, then `start`."""

    def __init__(
        self,
        generator: Child,
        recorder: Child | None,
        samples_fd: int,
        journal: Journal,
        scenario: Scenario,
        workers: Sequence[Child] = (),
        record_writes: bool = False,
    ) -> None:
        self._generator = generator
        self._recorder = recorder
        self._samples_fd = samples_fd
        self._journal = journal
        self._scenario = scenario
        self._workers = workers
        self._record_writes = record_writes
        self._planned_s = scenario.duration_s + scenario.drain_s
        self._has_locustfile = False
        self._hung_at_s = 0.0  # known from the start on
        self.phase_ends: queue.SimpleQueue[str] = queue.SimpleQueue()  # names of phases, as they end
        self._ready = threading.Event()
        self._drained = threading.Event()
        self._ended = threading.Event()
        self._done: messages.Done | None = None
        self._unwritten: OutputError | None = None
        self._listener = threading.Thread(target=self._listen, name="load-listener", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """The generator, or the master."""
        return self._generator.pid

    @property
    def pids(self) -> tuple[int, ...]:
        """The load processes started here: the generator, or the master and its workers."""
        return (self._generator.pid, *(worker.pid for worker in self._workers))

    def prepare(
        self, host: str, seed: int, paths: Sequence[str] = (), locustfile: Locustfile | None = None
    ) -> None:
        """Say what to do, and wait until it can begin; `paths` are for visitors, and a `locustfile` brings users
        of its own.

        Raises TrialFailedError when it ends or hangs instead, and OutputError where what it tells cannot be
        written.
        """
        self._has_locustfile = locustfile is not None
        self._say(
            messages.LoadOrder(
                scenario=self._scenario,
                host=host,
                seed=seed,
                samples_fd=self._samples_fd,
                record_writes=self._record_writes,
                paths=tuple(paths),
                locustfile=locustfile,
            )
        )
        self._ready.wait(READY_WITHIN_S)
        self._require_written()
        if not self._ready.is_set() or self._ended.is_set():
            raise TrialFailedError(f"the load process did not get ready: {self._how_it_is()}")

    def start(self, origin_ns: int) -> None:
        """Give the word: the first phase begins at `origin_ns` of the monotonic clock."""
        self._say(messages.StartOrder(origin_ns=origin_ns))
        self._hung_at_s = origin_ns / 1e9 + self._planned_s + SLACK_S

    def wait_drained(self) -> None:
        """Until the last answer is in, or the load has ended otherwise; `wait` then says how."""
        self._drained.wait(self._left_s())

    def wait(self) -> messages.Done:
        """Until the load has ended and every sample is on disk; then the account of both sides.

        Raises TrialFailedError if that never comes, and OutputError where what was told could not be written.
        """
        if self._drained.is_set():
            self._ended.wait(self._planned_s + SLACK_S)
        else:
            self._ended.wait(self._left_s())
        self._require_written()
        if self._done is None:
            raise TrialFailedError(f"the load did not come to its end: {self._how_it_is()}")
        if self._recorder is None:
            return self._done
        return self._done.with_recorded(_last_word(self._recorder))

    def _how_it_is(self) -> str:
        """Of a locustfile that holds its process up it is said what that may come of."""
        said = _how_it_is(self._generator)
        if not self._has_locustfile or not self._generator.alive() or is_stopped(self._generator.pid):
            return said
        return (
            f"{said}; a loop or a call in the locustfile that lets nobody else run? have it wait by gevent.sleep"
        )

    def _left_s(self) -> float:
        """Until a load from which nothing was heard of its end counts as hung."""
        return max(0.0, self._hung_at_s - time.monotonic())

    def _require_written(self) -> None:
        if self._unwritten is not None:
            raise self._unwritten

    def _say(self, message: messages.Message) -> None:
        try:
            self._generator.tell(message.model_dump_json())
        except OSError as error:
            raise TrialFailedError(f"the load process is gone: {self._generator.end_description()}") from error

    def _listen(self) -> None:
        try:
            for line in self._generator.lines():
                match messages.decode_event(line):
                    case messages.Ready():
                        self._ready.set()
                    case messages.Marked(mark=mark):
                        self._journal.take(mark)
                        if mark.kind is MarkKind.PHASE_END:
                            self.phase_ends.put(mark.phase)
                        elif mark.kind is MarkKind.DRAINED:
                            self._drained.set()
                    case messages.Gauged(reading=reading):
                        self._journal.take(reading)
                    case messages.Done() as done:
                        self._done = done
        except (ValidationError, ValueError, OSError):
            pass  # `wait` finds no Done and says how the process ended
        except OutputError as error:  # nobody sees what a thread raises, but on the terminal
            self._unwritten = error
        finally:
            self._ended.set()
            self._drained.set()
            self._ready.set()


def _how_it_is(child: Child) -> str:
    """How it ended, or what keeps it from going on."""
    if child.alive() and is_stopped(child.pid):
        return f"{child.name} stands still, as a signal (SIGSTOP) or a terminal told it to; run it again"
    return child.end_description()


def _last_word(recorder: Child) -> messages.Recorded:
    try:
        recorder.popen.wait(RECORDER_WITHIN_S)
    except subprocess.TimeoutExpired:
        raise TrialFailedError(
            f"latencies were not all recorded: {RECORDER_WITHIN_S:g} s after the load the {_how_it_is(recorder)}"
        ) from None
    try:
        recorded = messages.Recorded.model_validate_json(next(recorder.lines(), ""))
    except ValueError:
        recorded = messages.Recorded(failure=recorder.end_description())
    if recorded.failure:
        raise TrialFailedError(f"latencies were not all recorded: {recorded.failure}")
    return recorded


@contextmanager
def load_process(
    leash: Leash,
    *,
    scenario: Scenario,
    folder: TrialFolder,
    journal: Journal | None = None,
    workers: Workers = SINGLE,
    record_writes: bool = False,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Load]:
    """Start what generates the load, without waiting; on the way out end whatever of it still runs.

    `journal` takes what it tells; by default a new one in the folder. With `record_writes` the folder receives a
    history of writes as well. `environment` is the generators' whole one; by default that of our own modules.
    """
    journal = journal or Journal(folder)
    with ExitStack() as files:
        log_fd = _create(files, folder.latency_file)
        history_fd = _create(files, folder.writes_file) if record_writes else -1
        if workers == SINGLE:
            begun = _single_process(leash, scenario, folder, journal, (log_fd, history_fd), environment)
        else:
            begun = _several_processes(
                leash, scenario, folder, journal, (log_fd, history_fd), workers, environment
            )
        with begun as load:
            files.close()  # the children have them
            yield load


def _create(files: ExitStack, path: Path) -> int:
    """A file's descriptor, to be handed on. Raises OutputError where the folder does not take it."""
    try:
        return files.enter_context(path.open("wb")).fileno()
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror}); make room or mend its permissions"
        ) from error


Files = tuple[int, int]
"""Descriptors for the histogram log and the history of writes, the latter -1 where none is kept."""


@contextmanager
def _several_processes(
    leash: Leash,
    scenario: Scenario,
    folder: TrialFolder,
    journal: Journal,
    files: Files,
    workers: Workers,
    environment: Mapping[str, str] | None,
) -> Iterator[Load]:
    port = workers.port or free_port()
    address = [workers.host, str(port)]
    children = [
        _start(
            leash,
            ["harness.load.master", *address, str(workers.count), *map(str, files)],
            "load master",
            folder,
            talks=True,
            pass_fds=_open(files),
        )
    ]
    try:
        children.extend(
            _start(leash, ["harness.load.worker", *address], f"load worker {number}", folder, env=environment)
            for number in range(1, workers.local + 1)
        )
        yield Load(children[0], None, NO_SAMPLES, journal, scenario, children[1:], files[1] >= 0)
    finally:
        # All at once: each may take its time until it is killed.
        with ThreadPoolExecutor(len(children)) as pool:
            list(pool.map(Child.stop, children))


@contextmanager
def _single_process(
    leash: Leash,
    scenario: Scenario,
    folder: TrialFolder,
    journal: Journal,
    files: Files,
    environment: Mapping[str, str] | None,
) -> Iterator[Load]:
    read_fd, write_fd = os.pipe()
    try:
        # The recorder is stopped last: it ends by itself once the generator's end of the pipe is closed.
        interval_ns = response_interval_ns(scenario)
        arguments = ["harness.load.recorder", str(read_fd), *map(str, files), str(interval_ns)]
        recorder = _start(leash, arguments, "recorder", folder, stdout=True, pass_fds=(read_fd, *_open(files)))
        generator = _start(
            leash,
            ["harness.load.process"],
            "load process",
            folder,
            talks=True,
            pass_fds=(write_fd,),
            env=environment,
        )
    finally:
        os.close(read_fd)
        os.close(write_fd)
    try:
        yield Load(generator, recorder, write_fd, journal, scenario, record_writes=files[1] >= 0)
    finally:
        generator.stop()
        recorder.stop()


def _open(files: Files) -> tuple[int, ...]:
    return tuple(fd for fd in files if fd >= 0)


def _start(
    leash: Leash,
    module: list[str],
    name: str,
    folder: TrialFolder,
    *,
    talks: bool = False,
    stdout: bool = False,
    pass_fds: tuple[int, ...] = (),
    env: Mapping[str, str] | None = None,
) -> Child:
    """A Python module as a child; one that `talks` has pipes for its standard streams, or for its output only."""
    return leash.start(
        module_command(*module),
        env=python_environment() if env is None else env,
        log_path=folder.log_file("load"),
        name=name,
        stop_signal=signal.SIGTERM,
        grace_s=1.5,
        stdin=talks,
        stdout=talks or stdout,
        pass_fds=pass_fds,
    )
