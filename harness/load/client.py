"""The harness's side of the load: start generator and recorder, give the word, listen."""

from __future__ import annotations

import os
import queue
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pydantic import ValidationError

from harness.environment.children import module_command, python_environment
from harness.environment.leash import Child, Leash
from harness.environment.ports import free_port
from harness.errors import TrialFailedError
from harness.journal import Journal
from harness.load import messages
from harness.load.workers import SINGLE, Workers
from harness.records import MarkKind, response_interval_ns
from harness.store import TrialFolder
from scenarios.model import Scenario

READY_WITHIN_S = 40.0
NO_SAMPLES = -1
"""In an order to a master: each worker has a pipe of its own."""
RECORDER_WITHIN_S = 30.0
SLACK_S = 10.0
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
    ) -> None:
        self._generator = generator
        self._recorder = recorder
        self._samples_fd = samples_fd
        self._journal = journal
        self._scenario = scenario
        self._workers = workers
        self._planned_s = scenario.duration_s + scenario.drain_s
        self.phase_ends: queue.SimpleQueue[str] = queue.SimpleQueue()  # names of phases, as they end
        self._ready = threading.Event()
        self._drained = threading.Event()
        self._ended = threading.Event()
        self._done: messages.Done | None = None
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

    def prepare(self, host: str, seed: int) -> None:
        """Say what to do, and wait until it can begin. Raises TrialFailedError when it ends or hangs instead."""
        self._say(messages.LoadOrder(scenario=self._scenario, host=host, seed=seed, samples_fd=self._samples_fd))
        self._ready.wait(READY_WITHIN_S)
        if not self._ready.is_set() or self._ended.is_set():
            raise TrialFailedError(f"the load process did not get ready: {self._generator.end_description()}")

    def start(self, origin_ns: int) -> None:
        """Give the word: the first phase begins at `origin_ns` of the monotonic clock."""
        self._say(messages.StartOrder(origin_ns=origin_ns))

    def wait_drained(self) -> None:
        """Until the last answer is in, or the load has ended otherwise; `wait` then says how."""
        self._drained.wait(self._planned_s + SLACK_S)

    def wait(self) -> messages.Done:
        """Until the load has ended and every sample is on disk. Raises TrialFailedError if that never comes."""
        self._ended.wait(self._planned_s + SLACK_S)
        if self._done is None:
            raise TrialFailedError(f"the load did not come to its end: {self._generator.end_description()}")
        if self._recorder is not None:
            self._recorder.popen.wait(RECORDER_WITHIN_S)
            if self._recorder.popen.returncode != 0:
                raise TrialFailedError(f"latencies were not all recorded: {self._recorder.end_description()}")
        return self._done

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
        finally:
            self._ended.set()
            self._drained.set()
            self._ready.set()


@contextmanager
def load_process(
    leash: Leash,
    *,
    scenario: Scenario,
    folder: TrialFolder,
    journal: Journal | None = None,
    workers: Workers = SINGLE,
) -> Iterator[Load]:
    """Start what generates the load, without waiting; on the way out end whatever of it still runs.

    `journal` takes what it tells; by default a new one in the folder.
    """
    journal = journal or Journal(folder)
    if workers == SINGLE:
        with _single_process(leash, scenario, folder, journal) as load:
            yield load
        return
    port = workers.port or free_port()
    children = [_start_master(leash, workers, port, folder)]
    try:
        address = [workers.host, str(port)]
        children.extend(
            _start(leash, ["harness.load.worker", *address], f"load worker {number}", folder)
            for number in range(1, workers.local + 1)
        )
        yield Load(children[0], None, NO_SAMPLES, journal, scenario, children[1:])
    finally:
        for child in children:
            child.stop()


def _start_master(leash: Leash, workers: Workers, port: int, folder: TrialFolder) -> Child:
    arguments = [workers.host, str(port), str(workers.count), str(folder.latency_file)]
    return _start(leash, ["harness.load.master", *arguments], "load master", folder, talks=True)


@contextmanager
def _single_process(leash: Leash, scenario: Scenario, folder: TrialFolder, journal: Journal) -> Iterator[Load]:
    read_fd, write_fd = os.pipe()
    try:
        # The recorder is stopped last: it ends by itself once the generator's end of the pipe is closed.
        interval_ns = response_interval_ns(scenario)
        arguments = ["harness.load.recorder", str(read_fd), str(folder.latency_file), str(interval_ns)]
        recorder = _start(leash, arguments, "recorder", folder, pass_fds=(read_fd,))
        generator = _start(
            leash, ["harness.load.process"], "load process", folder, talks=True, pass_fds=(write_fd,)
        )
    finally:
        os.close(read_fd)
        os.close(write_fd)
    try:
        yield Load(generator, recorder, write_fd, journal, scenario)
    finally:
        generator.stop()
        recorder.stop()


def _start(
    leash: Leash,
    module: list[str],
    name: str,
    folder: TrialFolder,
    *,
    talks: bool = False,
    pass_fds: tuple[int, ...] = (),
) -> Child:
    """A Python module as a child; one that `talks` has pipes for its standard streams."""
    return leash.start(
        module_command(*module),
        env=python_environment(),
        log_path=folder.log_file("load"),
        name=name,
        stop_signal=signal.SIGTERM,
        grace_s=1.5,
        stdin=talks,
        stdout=talks,
        pass_fds=pass_fds,
    )
