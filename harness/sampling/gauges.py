"""What is read while the load runs: the pool as the target tells it, PostgreSQL's sessions, and the host.

A gauge gives a reading that bears no time yet: the journal stamps it at the moment at which it is complete.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psutil
import psycopg2
import psycopg2.extensions
from pydantic import ValidationError

from harness.environment.address import OWN_SESSION, own_session
from harness.environment.own_traffic import OwnTraffic
from harness.environment.parts import APP
from harness.environment.waits import HurriedSession
from harness.http_reader import HttpReader, UnusableAnswerError
from harness.processes import Processes, ProcessMap, processor_time_s
from harness.records import BankReading, DatabaseReading, HostReading, PoolReading, Reading, ReplicationReading
from harness.sampling.activity import ACTIVITY, Session, begun, reading_of

PATIENCE_S = 0.5
NOT_STAMPED = 0
_PRESSURE = Path("/proc/pressure/cpu")

_BANK = """
    SELECT coalesce(sum(balance_cents), 0), count(*) FILTER (WHERE balance_cents < 0),
           (SELECT count(*) FROM transfers)
    FROM users
"""

_REPLICATION = """
    SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), replay_lsn), extract(epoch FROM replay_lag) * 1000
    FROM pg_stat_replication WHERE application_name = %s
"""


class UnreadableError(Exception):
    """A gauge that could not be read now; the text is for the gap in its series."""


class Gauge(Protocol):
    """Something to read, again and again, from one thread."""

    def read(self) -> Reading:
        """One reading. Raises UnreadableError where there is none to be had."""

    def close(self) -> None:
        """Let go of what is held."""


class PoolGauge:
    """Reads `GET /health/db` over one kept-alive connection."""

    def __init__(self, target_url: str) -> None:
        self._reader = HttpReader(target_url, PATIENCE_S)

    def read(self) -> PoolReading:
        try:
            document = self._reader.ask("GET", "/health/db").document()
            return PoolReading.model_validate({**document, "t_ns": NOT_STAMPED})
        except ValidationError as error:
            places = {str(fault["loc"][0]) for fault in error.errors() if fault["loc"]}
            known = sorted(places & set(PoolReading.model_fields))
            raise UnreadableError(f"no proper {', '.join(known) or 'gauges'}") from error
        except UnusableAnswerError as error:
            raise UnreadableError(str(error)) from error

    def close(self) -> None:
        self._reader.close()


class DatabaseGauge:
    """Counts the sessions of a trial's database on one server, past the proxy and from another database.

    A server that does not answer costs a reading and its session; the next reading has a new one. The first
    reading cannot tell which sessions are new.
    """

    def __init__(self, part: str, admin_url: str, database_name: str) -> None:
        self._part, self._name, self._admin_url = part, database_name, admin_url
        self._connection = own_session(admin_url, HurriedSession)
        self._before: frozenset[int] | None = None

    def read(self) -> DatabaseReading:
        try:
            if self._connection.closed:
                self._connection = own_session(self._admin_url, HurriedSession)
            with self._connection.cursor() as cursor:
                cursor.execute(ACTIVITY, (OWN_SESSION, self._name))
                everyone = [Session(*row) for row in cursor]
        except psycopg2.Error as error:
            raise UnreadableError(type(error).__name__) from error
        before, self._before = self._before, begun(everyone)
        return reading_of(self._part, everyone, before)

    def close(self) -> None:
        with suppress(psycopg2.Error):
            self._connection.close()


class ReplicationGauge:
    """How far the replica that calls itself `name` is behind, past the proxy and as its primary knows it."""

    def __init__(self, part: str, admin_url: str, name: str) -> None:
        self._part, self._name = part, name
        self._connection = own_session(admin_url)

    def read(self) -> ReplicationReading:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(_REPLICATION, (self._name,))
                row = cursor.fetchone()
        except psycopg2.Error as error:
            raise UnreadableError(type(error).__name__) from error
        if row is None:
            raise UnreadableError("the replica is not connected to the primary")
        behind_bytes, replay_lag_ms = row
        if behind_bytes is None:  # not yet told by the replica, or not for this role to see
            raise UnreadableError("the primary does not tell how far the replica is")
        return ReplicationReading(
            t_ns=NOT_STAMPED,
            part=self._part,
            behind_bytes=max(0, int(behind_bytes)),
            replay_lag_ms=None if replay_lag_ms is None else round(float(replay_lag_ms), 3),
        )

    def close(self) -> None:
        with suppress(psycopg2.Error):
            self._connection.close()


class BankGauge:
    """Counts the money in one statement, past the proxy: a moment at which no transfer is half done.

    `own` is told of the sessions and transactions that this makes in the trial's database.
    """

    def __init__(self, url: str, own: OwnTraffic) -> None:
        self._url, self._own = url, own
        self._connection: psycopg2.extensions.connection | None = None
        self._since_s = 0.0

    def read(self) -> BankReading:
        try:
            if self._connection is None or self._connection.closed:
                self._connection = self._open()
            with self._connection.cursor() as cursor:
                cursor.execute(_BANK)
                total_cents, negative_balances, transfers = cursor.fetchone() or (0, 0, 0)
        except psycopg2.Error as error:
            raise UnreadableError(type(error).__name__) from error
        self._own.count()
        return BankReading(
            t_ns=NOT_STAMPED,
            total_cents=int(total_cents),
            negative_balances=negative_balances,
            transfers=transfers,
        )

    def close(self) -> None:
        if self._connection is not None:
            with suppress(psycopg2.Error):
                self._connection.close()
            self._own.session_ended(self._since_s)

    def _open(self) -> psycopg2.extensions.connection:
        """A session; the one before is gone."""
        if self._connection is not None:
            self._own.session_ended(self._since_s)
            self._connection = None
        self._since_s = time.monotonic()
        self._connection = own_session(self._url, HurriedSession)
        self._own.count()
        return self._connection


class HostGauge:
    """Processor time of the host and of the parts of the trial."""

    def __init__(self, processes: ProcessMap) -> None:
        self._processes = processes
        self._before = psutil.cpu_times()

    def read(self) -> HostReading:
        """One reading; percentages are over the time since the last."""
        now, before = psutil.cpu_times(), self._before
        self._before = now
        total = sum(now) - sum(before)
        idle = (now.idle - before.idle) + (getattr(now, "iowait", 0.0) - getattr(before, "iowait", 0.0))
        app = self._processes.get(APP)
        steal = getattr(now, "steal", 0.0) - getattr(before, "steal", 0.0)
        return HostReading(
            t_ns=NOT_STAMPED,
            cpu_percent=round(100 * (total - idle) / total, 1) if total > 0 else 0.0,
            steal_percent=round(100 * steal / total, 1) if total > 0 else 0.0,
            pressure_percent=_pressure_percent(),
            cpu_s=processor_time_s(self._processes),
            app_threads=app.threads() if isinstance(app, Processes) else None,
        )

    def close(self) -> None:
        """Nothing is held."""


def _pressure_percent() -> float | None:
    """Linux pressure stall information: share of the last 10 s in which some task waited for a processor."""
    try:
        first_line = _PRESSURE.read_text().splitlines()[0]
        return float(first_line.split("avg10=")[1].split()[0])
    except (OSError, IndexError, ValueError):
        return None
