"""Right answers: no load where a target does not keep the contract, nor figures where it no longer does.

But a gate's head: that it answers wrongly is a verdict, and what it costs is told all the same. An answer that did
not come in time is neither.
"""

from __future__ import annotations

from harness.conformance import conform, failed
from harness.errors import TrialFailedError
from harness.load.messages import LoadAccount
from harness.records import Conformance, Side, TrialRecord
from harness.scene import Witness
from harness.subject import Capability


class ConformanceWitness(Witness):
    """Asks for everything that the contract promises."""

    needs = Capability.CONTRACT
    _results: tuple[Conformance, ...] = ()

    def before(self) -> None:
        self._results = conform(self.scene.url, "before")
        if (wrong := failed(self._results)) and not self._is_judged():
            raise TrialFailedError(f"the target answers wrongly: {wrong}")

    def after(self, account: LoadAccount) -> None:  # noqa: ARG002
        self._results += conform(self.scene.url, "after")

    def _is_judged(self) -> bool:
        place = self.scene.subject.place
        is_head = place is not None and place.side is Side.HEAD
        return is_head and not any(result.was_late for result in self._results)

    def tell(self, record: TrialRecord) -> TrialRecord:
        return record.model_copy(update={"conformance": self._results})
