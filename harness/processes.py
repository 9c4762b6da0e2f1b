"""The processes of a trial, by the part that they make up, and the processor time that they have used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import psutil


class Working(Protocol):
    """A part that uses processor time."""

    def cpu_s(self) -> float:
        """Seconds of user and system time that it has used since it first started; 0 where that is not known."""


@dataclass(frozen=True, slots=True)
class Processes:
    """The pids of one part; none where it runs elsewhere. A `family` counts its children, living and reaped,
    too.
    """

    pids: tuple[int, ...] = ()
    family: bool = False

    def cpu_s(self) -> float:
        """What they have used since they started. `Working`."""
        return sum(_cpu_s(pid, family=self.family) for pid in self.pids)


ProcessMap = Mapping[str, Working]


def processor_time_s(processes: ProcessMap) -> dict[str, float]:
    """Seconds of user and system time that each part has used since it started; 0 where that is not known."""
    return {name: round(part.cpu_s(), 2) for name, part in processes.items()}


def _cpu_s(pid: int, *, family: bool) -> float:
    try:
        process = psutil.Process(pid)
        times = process.cpu_times()
        own_s = float(times.user + times.system)
        if not family:
            return own_s
        own_s += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
        return own_s + sum(_cpu_s(child.pid, family=True) for child in process.children())
    except psutil.Error:
        return 0.0
