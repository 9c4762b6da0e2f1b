"""Right answers: no load where a target does not keep the contract, nor figures where it no longer does.

But a gate's head: that it answers wrongly is a verdict, and what it costs is told all the same. An answer that did
not come in time is neither. Nor does it keep anyone from the load that an answer costs more than the contract has
it, where just that is counted.
"""

from __future__ import annotations

from harness.conformance import conform, failed
from harness.errors import TrialFailedError
from harness.load.messages import LoadAccount
from harness.records import Conformance, Side, TrialRecord
from harness.scene import Witness
from harness.subject import Capability


class WrongAnswersError(TrialFailedError):
    """Before the load already; what was asked goes into the record."""

    def __init__(self, results: tuple[Conformance, ...]) -> None:
        super().__init__(f"the target answers wrongly: {failed(results)}")
        self.results = results


class ConformanceWitness(Witness):
    """Asks for everything that the contract promises."""

    needs = Capability.CONTRACT
    _results: tuple[Conformance, ...] = ()

    def before(self) -> None:
        self._results = conform(self.scene.url, "before")
        counted = self.scene.setup.counts_routes
        if not self._is_judged() and any(
            not one.passed and not (counted and one.is_of_costs) for one in self._results
        ):
            raise WrongAnswersError(self._results)

    def after(self, account: LoadAccount) -> None:  # noqa: ARG002
        self._results += conform(self.scene.url, "after")

    def _is_judged(self) -> bool:
        place = self.scene.subject.place
        is_head = place is not None and place.side is Side.HEAD
        return is_head and not any(result.was_late for result in self._results)

    def tell(self, record: TrialRecord) -> TrialRecord:
        return record.model_copy(update={"conformance": self._results})
