"""A narrow link: what the database answers arrives at a bounded rate."""

from __future__ import annotations

from pydantic import Field

from harness.environment.parts import Link
from harness.faults.base import FaultSettings
from harness.faults.link import EchoFault
from harness.probe import LEAST_ECHOED, MOST_ECHOED, Echo, Reach

PROBE_TAKES_MS = 100
"""About as long as a probe is to take while the link is narrow."""
TELLING_MS = 5
"""A probe that takes less on the narrow link proves nothing by being answered sooner."""


class BandwidthSettings(FaultSettings):
    """Thousands of bytes a second for each connection, as Toxiproxy takes them: that is bytes per millisecond."""

    rate_kb_per_s: int = Field(ge=1, le=1_000_000)


class Bandwidth(EchoFault):
    """Bounds the answers' rate on each connection by itself: many connections get many times as much."""

    kind = "bandwidth"
    teaches = "wide answers hold their connection for as long as they are under way"
    Settings = BandwidthSettings
    settings: BandwidthSettings

    def inject(self, part: Link) -> None:
        part.add_toxic("bandwidth", "downstream", {"rate": self.settings.rate_kb_per_s}, self.kind)

    def heal(self, part: Link) -> None:
        part.remove_toxic(self.kind)

    @property
    def echoed(self) -> int:
        wanted = self.settings.rate_kb_per_s * PROBE_TAKES_MS
        return min(max(wanted, LEAST_ECHOED), MOST_ECHOED)

    def is_shown_by(self, seen: Echo) -> bool:
        """All came, and no sooner than the rate allows; Toxiproxy's own timer may be a millisecond early."""
        return seen.reach is Reach.ANSWERED and seen.took_ms >= self._least_ms(seen) - 1

    def is_over_by(self, seen: Echo) -> bool:
        """All came, sooner than the rate allows, where that can be told from a busy machine."""
        least_ms = self._least_ms(seen)
        return seen.reach is Reach.ANSWERED and (seen.took_ms < least_ms or least_ms < TELLING_MS)

    def _least_ms(self, seen: Echo) -> float:
        """How long that many bytes take. What the server says after them is not waited for."""
        return seen.length / self.settings.rate_kb_per_s

    def describe(self) -> str:
        return f"bandwidth {self.settings.rate_kb_per_s} kB/s a connection"
