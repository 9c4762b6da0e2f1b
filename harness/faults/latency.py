"""A slow link: every chunk from the database is held back."""

from __future__ import annotations

from pydantic import Field

from harness.environment.parts import Link
from harness.faults.base import FaultSettings
from harness.faults.link import LinkFault
from harness.probe import Probe, Reach

TELLING_MS = 5
"""A delay below this proves nothing by its absence."""


class LatencySettings(FaultSettings):
    """Whole milliseconds, as Toxiproxy takes them; jitter is uniform, plus or minus."""

    latency_ms: int = Field(ge=0, le=60_000)
    jitter_ms: int = Field(default=0, ge=0, le=60_000)


class Latency(LinkFault):
    """Delays the answers only: one delay for each protocol round trip, none for the TCP handshake."""

    kind = "latency"
    teaches = "each round trip to the database takes longer"
    Settings = LatencySettings
    settings: LatencySettings

    def inject(self, part: Link) -> None:
        attributes = {"latency": self.settings.latency_ms, "jitter": self.settings.jitter_ms}
        part.add_toxic("latency", "downstream", attributes, self.kind)

    def heal(self, part: Link) -> None:
        part.remove_toxic(self.kind)

    def is_shown_by(self, seen: Probe) -> bool:
        """Answered, and not before the least delay; Toxiproxy's own timer may be a millisecond early."""
        return seen.reach is Reach.ANSWERED and seen.took_ms >= self._least_ms - 1

    def is_over_by(self, seen: Probe) -> bool:
        """Answered, and sooner than the fault allows, where its least delay can be told from a busy machine."""
        return seen.reach is Reach.ANSWERED and (seen.took_ms < self._least_ms or self._least_ms < TELLING_MS)

    @property
    def _least_ms(self) -> int:
        return self.settings.latency_ms - self.settings.jitter_ms

    def describe(self) -> str:
        jitter = f" ±{self.settings.jitter_ms} ms" if self.settings.jitter_ms else ""
        return f"latency {self.settings.latency_ms} ms{jitter}"
