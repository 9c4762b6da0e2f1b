"""Errors in the trial's database, as the server's own log has them: codes and counts, no words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from harness.environment.address import ADMIN_SESSION, OWN_SESSION
from harness.environment.server_log import Logged, ServerLog, logged
from harness.records import ErrorsReading
from harness.sampling.gauges import NOT_STAMPED, UnreadableError

NOT_OUR_LOG = "the log of a given server is not read; leave --database-url out to have errors counted by code"
_ERRORS = frozenset({"ERROR", "FATAL", "PANIC"})
_OURS = frozenset({OWN_SESSION, ADMIN_SESSION})
_CONNECTION = "08"
"""The class of SQLSTATEs by which the server says that its client was gone, or spoke no sense."""


class ErrorsGauge:
    """Reads on in a server's log from where it stood when this was made."""

    def __init__(self, part: str, log: ServerLog, database_name: str) -> None:
        self._part, self._log, self._name = part, log, database_name
        self._place = log.end()
        self._gone: frozenset[int] = frozenset()

    def read(self) -> ErrorsReading:
        """What has come since the last reading."""
        try:
            grown = self._log.since(self._place)
        except OSError as error:
            raise UnreadableError(f"the log cannot be read: {error.strerror}") from error
        if grown.lost_bytes:
            self._place += grown.lost_bytes
            raise UnreadableError(f"{grown.lost_bytes:,} bytes of the log were cut out before they were read")
        self._place = grown.place
        known = [said for line in grown.lines if (said := logged(line)) and _counts(said, self._name)]
        reading = errors_of(self._part, known, self._gone)
        self._gone = vanished(known)
        return reading

    def close(self) -> None:
        """Nothing is held."""


class Untold:
    """Where something is not to be had, says why instead."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def read(self) -> ErrorsReading:
        raise UnreadableError(self._reason)

    def close(self) -> None:
        """Nothing is held."""


def errors_of(part: str, said: Iterable[Logged], gone: frozenset[int]) -> ErrorsReading:
    """Lines of a trial's sessions, counted. `gone` are the sessions of which the reading before had that they were
    lost: of one there may be two lines.
    """
    lines = list(said)
    counts = Counter(one.sqlstate for one in lines if one.level in _ERRORS)
    return ErrorsReading(
        t_ns=NOT_STAMPED,
        part=part,
        counts=dict(counts),
        order=tuple(counts),  # which keeps the order of the first of each
        lost=len(vanished(lines) - gone),
    )


def vanished(said: Iterable[Logged]) -> frozenset[int]:
    """Sessions whose client was gone, by their processes."""
    return frozenset(one.pid for one in said if one.sqlstate.startswith(_CONNECTION))


def _counts(said: Logged, database_name: str) -> bool:
    return said.database == database_name and said.application not in _OURS
