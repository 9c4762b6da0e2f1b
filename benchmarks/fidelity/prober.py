"""Probes a link every millisecond around given moments, in a process of its own.

Run as `python -m benchmarks.fidelity.prober`: reads one JSON order on standard input, writes one JSON line for
each probe when all is over. The process that injects is not disturbed by it, and it not by that.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from harness.probe import probe

PATIENCE_S = 0.25
WORKERS = 24
SPARSE = 5
"""So many times as far apart are probes once `dense_ns` have passed."""


@dataclass(frozen=True, slots=True)
class Order:
    """Probe `host` and `port` from `lead_ns` before each of the planned moments until `tail_ns` after it."""

    host: str
    port: int
    planned_ns: Sequence[int]  # of the monotonic clock, ascending
    lead_ns: int
    tail_ns: int
    dense_ns: int
    every_ns: int


@dataclass(frozen=True, slots=True)
class Seen:
    """One probe: when it was sent, when it was over, and what it saw."""

    sent_ns: int
    over_ns: int
    reach: str
    took_ms: float


def moments_ns(order: Order, planned_ns: int) -> list[int]:
    """When to probe around one planned moment: densely at first, then sparsely, as probes are a load too."""
    dense_until_ns = planned_ns + min(order.dense_ns, order.tail_ns)
    return [
        *range(planned_ns - order.lead_ns, dense_until_ns, order.every_ns),
        *range(dense_until_ns, planned_ns + order.tail_ns, SPARSE * order.every_ns),
    ]


def work(order: Order) -> list[Seen]:
    """All probes of all moments, in the order in which they were sent. Works on the real clock."""
    seen: list[Seen] = []
    lock = threading.Lock()

    def once() -> None:
        sent_ns = time.monotonic_ns()
        found = probe(order.host, order.port, PATIENCE_S)
        with lock:
            seen.append(Seen(sent_ns, time.monotonic_ns(), found.reach, found.took_ms))

    sys.setswitchinterval(1e-4)  # a probe's answer is not to wait for another thread's turn of 5 ms
    with ThreadPoolExecutor(WORKERS) as pool:
        for planned_ns in order.planned_ns:
            for at_ns in moments_ns(order, planned_ns):
                left_ns = at_ns - time.monotonic_ns()
                if left_ns > 0:
                    time.sleep(left_ns / 1e9)
                elif left_ns < -order.every_ns:
                    continue  # late: what was missed is not made up for
                pool.submit(once)
    return sorted(seen, key=lambda probe: probe.sent_ns)


if __name__ == "__main__":
    for found in work(Order(**json.loads(sys.stdin.readline()))):
        sys.stdout.write(json.dumps(asdict(found)) + "\n")
