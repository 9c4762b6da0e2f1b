"""What a witness is: asked before a trial and after it, it adds to the trial's record."""

from __future__ import annotations

from typing import ClassVar

from harness.load.messages import LoadAccount
from harness.records import TrialRecord
from harness.scene import Scene
from harness.subject import Capability


class Witness:
    """Base of them: each overrides what it needs. `needs` is the capability that a subject must have, if any.

    Every method may raise TrialFailedError, which ends the trial.
    """

    needs: ClassVar[Capability | None] = None

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def before(self) -> None:
        """All is up; the load has not begun."""

    def drained(self) -> None:
        """The last answer is in; faults are healed or about to be."""

    def after(self, account: LoadAccount) -> None:
        """The load is over and every fault healed; the subject still runs."""

    def ended(self) -> None:
        """The subject has ended; its database is still there."""

    def tell(self, record: TrialRecord) -> TrialRecord:
        """The record with what was seen."""
        return record

    def close(self) -> None:
        """Let go of what is held; called however the trial ended."""
