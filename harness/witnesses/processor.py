"""Processor time of the parts of a trial, from the first request to the last answer."""

from __future__ import annotations

from harness.load.messages import LoadAccount
from harness.processes import processor_time_s
from harness.records import TrialRecord
from harness.scene import Witness

GENERATOR = "generator"


class ProcessorWitness(Witness):
    """What each part's processes have used. The load's own account counts workers elsewhere, too.

    A part of which a process ended meanwhile is left out where what that had used is in no account any more.
    """

    def before(self) -> None:
        self._before_s = processor_time_s(self.scene.processes)

    def drained(self) -> None:
        now_s = processor_time_s(self.scene.processes)
        spent_s = {name: round(now_s[name] - self._before_s[name], 2) for name in now_s}
        self._spent_s = {name: spent for name, spent in spent_s.items() if spent >= 0}

    def after(self, account: LoadAccount) -> None:
        self._spent_s[GENERATOR] = round(account.cpu_s, 2)

    def tell(self, record: TrialRecord) -> TrialRecord:
        return record.model_copy(update={"cpu_s": self._spent_s})
