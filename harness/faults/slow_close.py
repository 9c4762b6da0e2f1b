"""Connections whose end comes late."""

from __future__ import annotations

from pydantic import Field

from harness.environment.parts import Link
from harness.faults.base import Fault, FaultSettings, Proof
from harness.probe import Probe, Reach, farewell

TELLING_MS = 5
"""A delay below this proves nothing by its absence."""


class SlowCloseSettings(FaultSettings):
    """How much later a client hears that the server has closed a connection."""

    delay_ms: int = Field(ge=1, le=600_000)


class SlowClose(Fault):
    """Holds the server's FIN back: who closes a connection and waits for the other end to do so waits that long.

    All else is as fast as ever.
    """

    kind = "slow-close"
    teaches = "who pays for a connection's end: drivers that wait for it, within a request"
    needs = Link
    Settings = SlowCloseSettings
    settings: SlowCloseSettings

    def inject(self, part: Link) -> None:
        part.add_toxic("slow_close", "downstream", {"delay": self.settings.delay_ms}, self.kind)

    def heal(self, part: Link) -> None:
        part.remove_toxic(self.kind)

    def prove(self, part: Link, patience_s: float) -> Proof:
        seen = farewell(part.host, part.port, patience_s)
        return Proof(self.is_shown_by(seen), f"the end {seen.describe()}")

    def prove_healed(self, part: Link, patience_s: float) -> Proof:
        seen = farewell(part.host, part.port, patience_s)
        return Proof(self.is_over_by(seen), f"the end {seen.describe()}")

    def is_shown_by(self, seen: Probe) -> bool:
        """Closed, and not before the delay, or not at all as long as that lasts; Toxiproxy's own timer may be a
        millisecond early.
        """
        if seen.reach is Reach.SILENT:
            return seen.took_ms < self.settings.delay_ms
        return seen.reach is Reach.CLOSED and seen.took_ms >= self.settings.delay_ms - 1

    def is_over_by(self, seen: Probe) -> bool:
        """Closed sooner than the fault allows, where that can be told from a busy machine."""
        delay_ms = self.settings.delay_ms
        return seen.reach is Reach.CLOSED and (seen.took_ms < delay_ms or delay_ms < TELLING_MS)

    def describe(self) -> str:
        return f"closing {self.settings.delay_ms} ms late"
