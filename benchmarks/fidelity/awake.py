"""Keeps processor cores from going to sleep while short latencies are compared.

A core that has nothing to do halts, and what wakes it waits for that: on the machine of development 0.06 ms at
the median and 0.2 ms in one case of a hundred. A generator that watches the clock for the last stretch before each
request never meets this, one that sleeps until then meets it with every request. As a program of its own, with a
core's number, this turns in a loop there at the lowest priority there is: whatever else wants to run goes first.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.fidelity.base import Bench
from harness.environment.children import module_command, python_environment


def cores() -> tuple[int, ...]:
    """The cores that this process may use; empty where there is no such priority, as on macOS."""
    return tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "SCHED_IDLE") else ()


@contextmanager
def cores_awake(bench: Bench) -> Iterator[None]:
    """Every usable core has something to do at the lowest priority, until the block ends."""
    with ExitStack() as children:
        for core in cores():
            child = bench.leash.start(
                module_command("benchmarks.fidelity.awake", str(core)),
                env=python_environment(),
                log_path=bench.folder / f"awake-{core}.log",
                name=f"what keeps core {core} awake",
            )
            children.callback(child.stop)
        yield


def stay_awake(core: int) -> None:
    """Turn on the core until ended; whoever has other work there goes first."""
    os.sched_setaffinity(0, {core})
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    while True:
        pass


if __name__ == "__main__":
    stay_awake(int(sys.argv[1]))
