"""The processes of a trial, by the part that they make up, and the processor time that they have used."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import psutil


class Working(Protocol):
    """A part that uses processor time."""

    def cpu_s(self) -> float:
        """Seconds of user and system time that it has used since it first started; 0 where that is not known."""

    def stands_still(self) -> bool:
        """Whether one of its processes was stopped by a signal, and not by a fault of the plan."""


@dataclass(frozen=True, slots=True)
class Processes:
    """The pids of one part; none where it runs elsewhere. A `family` counts its children, living and reaped,
    too.
    """

    pids: tuple[int, ...] = ()
    family: bool = False

    def cpu_s(self) -> float:
        """What they have used since they started. `Working`."""
        return sum(_cpu_s(pid, family=self.family) for pid in self._all())

    def threads(self) -> int | None:
        """How many they have together; None where none is known."""
        counts = []
        for pid in self._all():
            with suppress(psutil.Error):
                counts.append(psutil.Process(pid).num_threads())
        return sum(counts) if counts else None

    def stands_still(self) -> bool:
        """Whether one of them was stopped by a signal. `Working`."""
        return any(map(is_stopped, self._all()))

    def _all(self) -> list[int]:
        """With all descendants of a family, found in one walk over the machine's processes each."""
        found = list(self.pids)
        for pid in self.pids if self.family else ():
            with suppress(psutil.Error):
                found += [child.pid for child in psutil.Process(pid).children(recursive=True)]
        return found


def is_stopped(pid: int) -> bool:
    """Whether a process was stopped by a signal (SIGSTOP, or a terminal's) and does not go on."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False


ProcessMap = Mapping[str, Working]


def processor_time_s(processes: ProcessMap) -> dict[str, float]:
    """Seconds of user and system time that each part has used since it started; 0 where that is not known."""
    return {name: round(part.cpu_s(), 2) for name, part in processes.items()}


def _cpu_s(pid: int, *, family: bool) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    reaped_s = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0) if family else 0.0
    return float(times.user + times.system + reaped_s)
