"""Parts that stood still, because somebody stopped a process of theirs: then no figure is what it seems to be."""

from __future__ import annotations

import threading

from harness.environment.parts import APP, PRIMARY, REPLICA
from harness.processes import ProcessMap
from harness.records import TrialRecord, TrialState
from harness.scene import Witness
from harness.witnesses.processor import GENERATOR

_CALLED = {
    APP: "the target",
    GENERATOR: "the load generator",
    "proxy": "Toxiproxy",
    PRIMARY: "PostgreSQL",
    REPLICA: "the replica",
}
LOOK_EVERY_S = 1.0
SURE_AFTER_S = 0.05
"""A part that is seen to stand still is looked at again: a planned pause begins and ends in more than one step."""


class StillnessWitness(Witness):
    """Looks on while the load runs; a part that stood still makes the trial invalid.

    A process that was stopped and goes on leaves no trace: its figures look like those of a slow target. One that
    stood still for less than `LOOK_EVERY_S` may be missed.
    """

    _watch: _Watch | None = None

    def before(self) -> None:
        self._watch = _Watch(self.scene.processes)
        self._watch.start()

    def drained(self) -> None:
        self.close()

    def tell(self, record: TrialRecord) -> TrialRecord:
        still = self._watch.still if self._watch else []
        if not still or record.state is not TrialState.COMPLETED:
            return record
        return record.model_copy(
            update={
                "state": TrialState.INVALID,
                "reason": f"during the trial {' and '.join(still)} stood still, stopped by a signal that is not "
                "the plan's; run it again",
            }
        )

    def close(self) -> None:
        if self._watch is not None:
            self._watch.end()


class _Watch(threading.Thread):
    """Looks at all parts, again and again; `still` are those that were seen to stand still."""

    def __init__(self, processes: ProcessMap) -> None:
        super().__init__(name="stillness", daemon=True)
        self._processes = processes
        self._ending = threading.Event()
        self.still: list[str] = []

    def run(self) -> None:
        while not self._ending.wait(LOOK_EVERY_S):
            self._look()
        self._look()

    def end(self) -> None:
        """Look no more; may be called again."""
        self._ending.set()
        self.join()

    def _look(self) -> None:
        for name, part in self._processes.items():
            if _CALLED.get(name, name) not in self.still and part.stands_still():
                self._ending.wait(SURE_AFTER_S)
                if part.stands_still():
                    self.still.append(_CALLED.get(name, name))
