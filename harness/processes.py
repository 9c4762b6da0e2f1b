"""The processes of a trial, by the part that they make up, and the processor time that they have used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Processes:
    """The pids of one part; none where it runs elsewhere. A `family` counts its children, living and reaped,
    too.
    """

    pids: tuple[int, ...] = ()
    family: bool = False


ProcessMap = Mapping[str, Processes]


def processor_time_s(processes: ProcessMap) -> dict[str, float]:
    """Seconds of user and system time that each part has used since it started; 0 where that is not known."""
    return {
        name: round(sum(_cpu_s(pid, family=part.family) for pid in part.pids), 2)
        for name, part in processes.items()
    }


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
