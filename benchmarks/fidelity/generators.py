"""poolstorm's generator as a run starts it, and what it recorded; and the static server to aim it at."""

from __future__ import annotations

import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from hdrh.histogram import HdrHistogram

from benchmarks.fidelity.base import Bench, NotMeasuredError
from harness.environment.children import module_command, python_environment
from harness.environment.ports import HOST, listening_socket
from harness.load.client import load_process
from harness.load.messages import Done
from harness.locustfile import Locustfile
from harness.records import LATENCY_FILE, Measure, Outcome, SeriesKey, new_histogram, split_intervals
from harness.store import TrialFolder
from scenarios.model import Arrivals, Behaviour, Phase, Scenario

HEAD_START_NS = 300_000_000
STEADY = "steady"
RECORDER_MODULE = "harness.load.recorder"


def open_scenario(
    rate_per_s: float, duration_s: float, warmup_s: float = 1.0, behaviour: Behaviour = "reader"
) -> Scenario:
    """Single reads at a constant rate, after a warm-up at the same rate."""
    arrivals = Arrivals(rate_per_s=rate_per_s)
    return _scenario(
        Phase(name="warm-up", duration_s=warmup_s, arrivals=arrivals, behaviour=behaviour, warmup=True),
        Phase(name=STEADY, duration_s=duration_s, arrivals=arrivals, behaviour=behaviour),
    )


def closed_scenario(
    users: int, duration_s: float, warmup_s: float = 1.0, behaviour: Behaviour = "reader"
) -> Scenario:
    """So many closed users, after a warm-up with as many."""
    return _scenario(
        Phase(name="warm-up", duration_s=warmup_s, users=users, behaviour=behaviour, warmup=True),
        Phase(name=STEADY, duration_s=duration_s, users=users, behaviour=behaviour),
    )


def ladder_scenario(users: Sequence[int], step_s: float) -> Scenario:
    """Rising numbers of closed users, a phase each, named `users-N`."""
    return _scenario(
        *(Phase(name=f"users-{count}", duration_s=step_s, users=count, behaviour="reader") for count in users)
    )


def _scenario(*phases: Phase) -> Scenario:
    return Scenario(
        name="fidelity",
        title="Fidelity",
        question="Can the figures be trusted?",
        phases=phases,
        in_flight_cap=2000,
    )


@dataclass(frozen=True)
class Recorded:
    """What one load recorded: successes by phase and measure, and how many of the steady phase ended otherwise."""

    done: Done
    successes: Mapping[tuple[str, Measure], HdrHistogram]
    not_ok: int
    folder: Path
    cpu_s: Mapping[str, float] = field(default_factory=dict)  # generator, recorder: while phases that count ran

    def of(self, measure: Measure, phase: str = STEADY) -> HdrHistogram:
        """Successes of one phase, in nanoseconds. Raises NotMeasuredError where there are none."""
        found = self.successes.get((phase, measure))
        if found is None:
            raise NotMeasuredError(f"no request succeeded in the phase {phase}")
        return found

    def p_ms(self, measure: Measure, per_cent: float, phase: str = STEADY) -> float:
        """A percentile in milliseconds. Raises NotMeasuredError where nothing succeeded."""
        return float(self.of(measure, phase).get_value_at_percentile(per_cent)) / 1e6

    def share_above(self, measure: Measure, limit_ms: float) -> float:
        """The share of the steady phase's requests above a limit, from 0 to 1."""
        histogram = self.of(measure)
        above = sum(
            step.count_at_value_iterated_to
            for step in histogram.get_recorded_iterator()
            if step.value_iterated_to > limit_ms * 1e6
        )
        return float(above / histogram.get_total_count())

    def count(self, phase: str = STEADY) -> int:
        """Successes of a phase."""
        return int(self.of(Measure.RESPONSE, phase).get_total_count())


@dataclass(frozen=True, slots=True)
class Running:
    """A load that has been given the word; `folder` takes what else is to be recorded of it."""

    folder: TrialFolder
    origin_ns: int
    generator: psutil.Process
    recorder: psutil.Process

    def sleep_until(self, offset_s: float) -> None:
        """Until `offset_s` after the origin."""
        time.sleep(max(0.0, (self.origin_ns - time.monotonic_ns()) / 1e9 + offset_s))


During = Callable[[Running], None]


def run_load(
    bench: Bench,
    scenario: Scenario,
    host: str,
    during: During | None = None,
    locustfile: Locustfile | None = None,
) -> Recorded:
    """Offer the scenario's load to `host` and read what was recorded. `during` runs beside it, in a thread; the
    users of a `locustfile` put it on where there is one.

    Raises NotMeasuredError where arrivals were held back: their latency would be missing. What `during` raises
    is raised here.
    """
    path = bench.folder / "load"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    folder = TrialFolder(path)
    try:
        with load_process(bench.leash, scenario=scenario, folder=folder) as load:
            load.prepare(host, seed=bench.rng.randrange(2**31), locustfile=locustfile)
            running = Running(folder, time.monotonic_ns() + HEAD_START_NS, psutil.Process(load.pid), _recorder())
            load.start(running.origin_ns)
            warmup_s = sum(phase.duration_s for phase in scenario.phases if phase.warmup)
            watch = CpuWatch(running, warmup_s, scenario.duration_s)
            with _beside(watch.run), _beside(lambda: during(running) if during else None):
                done = load.wait()
    finally:
        folder.close()
    if done.not_started:
        raise NotMeasuredError(f"{done.not_started} arrivals were held back by the cap on requests in flight")
    return read_recorded(path, done, watch.used_s)


def climb(bench: Bench, host: str, users: Sequence[int], step_s: float) -> dict[str, int]:
    """Offer so many closed users one after the other, `step_s` each: successes of each step, by its name."""
    ladder = ladder_scenario(users, step_s)
    ramp = run_load(bench, ladder, host)
    return {phase.name: ramp.count(phase.name) for phase in ladder.phases}


def read_recorded(path: Path, done: Done, cpu_s: Mapping[str, float]) -> Recorded:
    """Add up a trial's folder, with HdrHistogram's own decoder and not with the one that reports use."""
    successes: dict[tuple[str, Measure], HdrHistogram] = {}
    not_ok = new_histogram()
    with (path / LATENCY_FILE).open(encoding="ascii") as log:
        for encoded in split_intervals(log):
            key = SeriesKey.from_tag(encoded.tag)
            if key.outcome is Outcome.OK:
                into = successes.setdefault((key.phase, key.measure), new_histogram())
                into.decode_and_add(encoded.payload)
            elif (key.phase, key.measure) == (STEADY, Measure.RESPONSE):
                not_ok.decode_and_add(encoded.payload)
    return Recorded(done, successes, int(not_ok.get_total_count()), path, cpu_s)


class CpuWatch:
    """Processor seconds that generator and recorder use between two moments after the origin."""

    def __init__(self, running: Running, from_s: float, to_s: float) -> None:
        self._running, self._from_s, self._to_s = running, from_s, to_s
        self.used_s: dict[str, float] = {}

    def run(self) -> None:
        """Wait, read, wait, read. A process that is gone too early is left out."""
        processes = {"generator": self._running.generator, "recorder": self._running.recorder}
        self._running.sleep_until(self._from_s)
        before = {name: cpu_time_s(process) for name, process in processes.items()}
        self._running.sleep_until(self._to_s)
        for name, process in processes.items():
            now_s, before_s = cpu_time_s(process), before[name]
            if now_s is not None and before_s is not None:
                self.used_s[name] = now_s - before_s


def cpu_time_s(process: psutil.Process) -> float | None:
    """User and system time; None where the process is gone."""
    try:
        times = process.cpu_times()
    except psutil.Error:
        return None
    return float(times.user + times.system)


def _recorder() -> psutil.Process:
    """The recorder among our children: the load's handle keeps its pid to itself."""
    for child in psutil.Process().children(recursive=True):
        try:
            if RECORDER_MODULE in child.cmdline():
                return child
        except psutil.Error:
            continue
    raise NotMeasuredError("the recorder is not to be found among the processes")


@contextmanager
def _beside(work: Callable[[], None]) -> Iterator[None]:
    """`work` in a thread while the block runs; its error is raised where the block has none of its own.

    Whoever interrupts does not wait for the work's end.
    """
    errors: list[Exception] = []

    def guarded() -> None:
        try:
            work()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    try:
        yield
    except Exception:
        thread.join()
        raise
    thread.join()
    if errors:
        raise errors[0]


@dataclass(frozen=True, slots=True)
class Server:
    """A server under test of the bench's own."""

    url: str
    pid: int


@contextmanager
def static_server(bench: Bench) -> Iterator[Server]:
    """`benchmarks.fidelity.static_server` in a process of its own."""
    with listening_socket(None) as listener:
        listener.listen(4096)  # a frozen server's backlog has to hold every connection of a second
        port = int(listener.getsockname()[1])
        child = bench.leash.start(
            module_command("benchmarks.fidelity.static_server", str(listener.fileno())),
            env=python_environment(),
            log_path=bench.folder / "static-server.log",
            name="the static server",
            stop_signal=signal.SIGTERM,
            pass_fds=(listener.fileno(),),
        )
    try:
        yield Server(f"http://{HOST}:{port}", child.pid)
    finally:
        child.stop()
