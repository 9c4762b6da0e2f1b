"""Gauges of target, database and host, read while the load runs, on the trial's clock.

Each source is read by a thread of its own, so that one that hangs leaves a gap in its own series only. A
reading bears the moment at which it was complete.
"""

from __future__ import annotations

import http.client
import json
import queue
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg2

from harness.records import DatabaseReading, GapReading, HostReading, PoolReading, Reading, TimesReading
from harness.store import TrialFolder

HOST_EVERY_S = 0.5
"""At most so often; processor time is counted in hundredths of a second."""
PATIENCE_S = 0.5
_PRESSURE = Path("/proc/pressure/cpu")

_SESSIONS = """
    SELECT count(*) FILTER (WHERE state = 'active'),
           count(*) FILTER (WHERE state = 'idle'),
           count(*) FILTER (WHERE state LIKE 'idle in transaction%%'),
           count(*)
    FROM pg_stat_activity
    WHERE datname = %s AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True)
class Watched:
    """What to watch. `database_url` leads past the proxy and is never shown; pids that are unknown are None."""

    target_url: str
    database_url: str
    database_name: str
    target_pid: int
    generator_pids: tuple[int, ...]  # all load processes, a master included
    proxy_pid: int | None
    database_pid: int | None

    def __repr__(self) -> str:
        return f"Watched({self.target_url}, {self.database_name})"


class PoolGauge:
    """Reads `GET /health/db` over one kept-alive connection."""

    def __init__(self, target_url: str) -> None:
        parts = urlsplit(target_url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE_S)

    def read(self, origin_ns: int) -> PoolReading:
        """One reading. Raises OSError, http.client.HTTPException or ValueError where there is none to be had."""
        try:
            self._connection.request("GET", "/health/db")
            answer = self._connection.getresponse()
            body = answer.read()
        except BaseException:
            self._connection.close()  # the next request opens another
            raise
        if answer.status != http.client.OK:
            raise ValueError(f"HTTP {answer.status}")
        return PoolReading.model_validate({**json.loads(body), "t_ns": time.monotonic_ns() - origin_ns})

    def close(self) -> None:
        self._connection.close()


class DatabaseGauge:
    """Counts the trial database's sessions, on a connection past the proxy and to another database's name."""

    def __init__(self, database_url: str, database_name: str) -> None:
        self._name = database_name
        self._connection = psycopg2.connect(database_url, connect_timeout=5)
        self._connection.autocommit = True

    def read(self, origin_ns: int) -> DatabaseReading:
        """One reading. Raises psycopg2.Error."""
        with self._connection.cursor() as cursor:
            cursor.execute(_SESSIONS, (self._name,))
            active, idle, idle_in_transaction, total = cursor.fetchone() or (0, 0, 0, 0)
        t_ns = time.monotonic_ns() - origin_ns
        return DatabaseReading(
            t_ns=t_ns, active=active, idle=idle, idle_in_transaction=idle_in_transaction, total=total
        )

    def close(self) -> None:
        with suppress(psycopg2.Error):
            self._connection.close()


class HostGauge:
    """Processor time of the host and of the four processes that matter."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._before = psutil.cpu_times()

    def read(self, origin_ns: int) -> HostReading:
        """One reading; percentages are over the time since the last."""
        now, before = psutil.cpu_times(), self._before
        self._before = now
        spent_s = processor_time_s(self._watched)
        total = sum(now) - sum(before)
        idle = (now.idle - before.idle) + (getattr(now, "iowait", 0.0) - getattr(before, "iowait", 0.0))
        steal = getattr(now, "steal", 0.0) - getattr(before, "steal", 0.0)
        return HostReading(
            t_ns=time.monotonic_ns() - origin_ns,
            cpu_percent=round(100 * (total - idle) / total, 1) if total > 0 else 0.0,
            steal_percent=round(100 * steal / total, 1) if total > 0 else 0.0,
            pressure_percent=_pressure_percent(),
            target_cpu_s=spent_s["target"],
            generator_cpu_s=spent_s["generator"],
            proxy_cpu_s=spent_s["proxy"],
            database_cpu_s=spent_s["database"],
        )

    def close(self) -> None:
        """Nothing is held."""


def processor_time_s(watched: Watched) -> dict[str, float]:
    """Seconds that target, generator, proxy and database have used since they started; 0 where not known."""
    return {
        "target": _cpu_s(watched.target_pid),
        "generator": round(sum(map(_cpu_s, watched.generator_pids)), 2),
        "proxy": _cpu_s(watched.proxy_pid),
        "database": _cpu_s(watched.database_pid, family=True),
    }


def _pressure_percent() -> float | None:
    """Linux pressure stall information: share of the last 10 s in which some task waited for a processor."""
    try:
        first_line = _PRESSURE.read_text().splitlines()[0]
        return float(first_line.split("avg10=")[1].split()[0])
    except (OSError, IndexError, ValueError):
        return None


def _cpu_s(pid: int | None, *, family: bool = False) -> float:
    """User and system time of a process; with `family`, of its children too, living and reaped. 0 if unknown."""
    if pid is None:
        return 0.0
    try:
        process = psutil.Process(pid)
        times = process.cpu_times()
        own_s = times.user + times.system
        if not family:
            return round(own_s, 2)
        own_s += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
        return round(own_s + sum(_cpu_s(child.pid) for child in process.children()), 2)
    except psutil.Error:
        return 0.0


Gauge = PoolGauge | DatabaseGauge | HostGauge


def _take_times(target_url: str, phase: str, origin_ns: int, folder: TrialFolder) -> None:
    """How long connections were held in the phase that has just ended; a gap where the target does not say."""
    t_ns = time.monotonic_ns() - origin_ns
    try:
        request = urllib.request.Request(f"{target_url}/health/times/take", method="POST")
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            taken = json.loads(answer.read())
        for of in ("held", "release"):
            folder.add_reading(TimesReading(t_ns=t_ns, phase=phase, of=of, **taken[of]))
    except (OSError, http.client.HTTPException, ValueError, TypeError, KeyError) as error:
        folder.add_reading(GapReading(t_ns=t_ns, of="times", reason=type(error).__name__))


class _TimesTaker(threading.Thread):
    """Takes the target's times at the end of each phase."""

    def __init__(
        self, target_url: str, phase_ends: queue.SimpleQueue[str], origin_ns: int, folder: TrialFolder
    ) -> None:
        super().__init__(name="sampler-times", daemon=True)
        self._target_url = target_url
        self._phase_ends = phase_ends
        self._origin_ns = origin_ns
        self._folder = folder
        self.stopping = threading.Event()
        self.error: Exception | None = None

    def run(self) -> None:
        while not self.stopping.is_set():
            with suppress(queue.Empty):
                phase = self._phase_ends.get(timeout=0.05)
                try:
                    _take_times(self._target_url, phase, self._origin_ns, self._folder)
                except Exception as error:
                    self.error = error


_FORESEEN = (OSError, http.client.HTTPException, ValueError, psycopg2.Error)


class _Sampler(threading.Thread):
    """Reads one gauge at fixed moments after the origin; a moment that was missed is not made up for."""

    def __init__(self, name: str, gauge: Gauge, every_s: float, origin_ns: int, folder: TrialFolder) -> None:
        super().__init__(name=f"sampler-{name}", daemon=True)
        self._gauge_name = name
        self._gauge = gauge
        self._every_s = every_s
        self._origin_ns = origin_ns
        self._folder = folder
        self.stopping = threading.Event()
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            while not self.stopping.is_set():
                self._folder.add_reading(self._read())
                elapsed_s = (time.monotonic_ns() - self._origin_ns) / 1e9
                self.stopping.wait(self._every_s - elapsed_s % self._every_s)
        except Exception as error:  # a defect of ours: the block that samples reports it
            self.error = error

    def _read(self) -> Reading:
        try:
            return self._gauge.read(self._origin_ns)
        except _FORESEEN as error:
            t_ns = time.monotonic_ns() - self._origin_ns
            return GapReading(t_ns=t_ns, of=self._gauge_name, reason=type(error).__name__)


@contextmanager
def sampling(
    watched: Watched,
    phase_ends: queue.SimpleQueue[str],
    origin_ns: int,
    folder: TrialFolder,
    every_s: float,
) -> Iterator[None]:
    """Samplers at work while the block runs; `phase_ends` tells when a phase is over.

    The pool is read each `every_s`, the database half as often. Raises what made a sampler fail, unless the block
    failed itself.
    """
    openers: tuple[tuple[str, Callable[[], Gauge], float], ...] = (
        ("pool", lambda: PoolGauge(watched.target_url), every_s),
        ("database", lambda: DatabaseGauge(watched.database_url, watched.database_name), 2 * every_s),
        ("host", lambda: HostGauge(watched), max(HOST_EVERY_S, every_s)),
    )
    with ExitStack() as stack:
        samplers: list[_Sampler | _TimesTaker] = [_TimesTaker(watched.target_url, phase_ends, origin_ns, folder)]
        for name, open_gauge, period_s in openers:
            gauge = open_gauge()
            stack.callback(gauge.close)
            samplers.append(_Sampler(name, gauge, period_s, origin_ns, folder))
        for sampler in samplers:
            sampler.start()
        try:
            yield
        finally:
            for sampler in samplers:
                sampler.stopping.set()
            for sampler in samplers:
                sampler.join()
        for sampler in samplers:
            if sampler.error is not None:
                raise sampler.error
