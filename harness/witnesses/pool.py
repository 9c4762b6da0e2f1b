"""The pool after the load: did every connection come home?"""

from __future__ import annotations

import time

from harness.records import PoolReading, TrialRecord
from harness.sampling.gauges import Gauge, UnreadableError
from harness.scene import Scene, Witness

SETTLE_S = 3.0
"""How long connections may take to come back to the pool after the last answer."""


class PoolWitness(Witness):
    """The pool's own account, where there is one, once nothing is checked out or patience has ended."""

    _at_end: PoolReading | None = None

    def drained(self) -> None:
        self._at_end = settled_pool(self.scene)

    def tell(self, record: TrialRecord) -> TrialRecord:
        return record.model_copy(update={"pool_at_end": self._at_end})


def settled_pool(scene: Scene) -> PoolReading | None:
    """The pool once nothing is checked out, or as it is when patience ends; None if the target is silent then."""
    if scene.open_pool is None:
        return None
    gauge = scene.open_pool()
    try:
        reading = settled(gauge)
    finally:
        gauge.close()
    return reading and reading.model_copy(update={"t_ns": scene.journal.now_ns()})


def settled(gauge: Gauge) -> PoolReading | None:
    """The same of a gauge that is open; its time is not stamped.

    One answer that does not come in time says nothing: the target may just be collecting its garbage.
    """
    deadline_s = time.monotonic() + SETTLE_S
    reading = None
    while time.monotonic() < deadline_s:
        reading = _read(gauge)
        if reading is not None and reading.checked_out == 0:
            break
        time.sleep(0.05)
    return reading


def _read(gauge: Gauge) -> PoolReading | None:
    try:
        found = gauge.read()
    except UnreadableError:
        return None
    assert isinstance(found, PoolReading)
    return found
