"""A black hole: data is acknowledged and thrown away."""

from __future__ import annotations

from pydantic import Field

from harness.environment.parts import Link
from harness.faults.base import FaultSettings
from harness.faults.link import LinkFault
from harness.probe import Probe, Reach


class TimeoutSettings(FaultSettings):
    """When the proxy closes the silent connection; 0 is never."""

    close_after_ms: int = Field(default=0, ge=0, le=600_000)


class Timeout(LinkFault):
    """Swallows the database's answers without closing anything. Healing closes every link that was open."""

    kind = "timeout"
    teaches = "no answer, no error: who waits, and for how long?"
    Settings = TimeoutSettings
    settings: TimeoutSettings

    def inject(self, part: Link) -> None:
        part.add_toxic("timeout", "downstream", {"timeout": self.settings.close_after_ms}, self.kind)

    def heal(self, part: Link) -> None:
        part.remove_toxic(self.kind)

    def is_shown_by(self, seen: Probe) -> bool:
        """Silence, or the closing that the settings ask for."""
        return seen.reach is Reach.SILENT or (seen.reach is Reach.CLOSED and self.settings.close_after_ms > 0)

    def describe(self) -> str:
        return "answers swallowed"
