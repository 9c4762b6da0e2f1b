"""Whether an app works with the database that it was given, and not with one of its own."""

from __future__ import annotations

from harness.errors import TrialFailedError
from harness.scene import Witness
from harness.subject import Subject


class OwnDatabaseWitness(Witness):
    """An app that ignores what it is told has no session in the trial's database, and commits nothing there."""

    @classmethod
    def is_for(cls, subject: Subject) -> bool:
        """Ours are known to use it."""
        return not subject.launch.is_ours

    def before(self) -> None:
        self._before = self.scene.database.transactions()

    def ended(self) -> None:
        if self.scene.database.transactions() - self._before - self.scene.own.transactions <= 0:
            raise TrialFailedError(
                "the app did nothing in the database that it was given; see whether it reads the variable or "
                "option in which {database_url} stands, and whether what was read of it asks the database"
            )
