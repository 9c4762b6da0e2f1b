"""Whether PostgreSQL has room for the connections that the pool may open; where it has not, the pool is never
full.
"""

from __future__ import annotations

from harness.records import TrialRecord
from harness.scene import Witness
from harness.subject import Capability


class LimitsWitness(Witness):
    """Asks PostgreSQL before the load for its limits and the sessions that there are."""

    needs = Capability.SETTINGS
    _note = ""

    def before(self) -> None:
        demand = self.scene.setup.settings.limit
        if demand is not None:
            self._note = self.scene.database.connection_limits().too_few_for(demand)

    def tell(self, record: TrialRecord) -> TrialRecord:
        return record.model_copy(update={"notes": (*record.notes, self._note)}) if self._note else record
