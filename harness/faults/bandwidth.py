"""A narrow link: what the database answers arrives at a bounded rate."""

from __future__ import annotations

from pydantic import Field

from harness.environment.parts import Link
from harness.faults.base import Fault, FaultSettings, Proof
from harness.probe import MOST_ECHOED, Echo, Reach, echo

LEAST_ECHOED = 200
"""Bytes that a probe asks for at least."""
PROBE_TAKES_MS = 100
"""About as long as a probe is to take while the link is narrow."""
TELLING_MS = 5
"""A probe that takes less on the narrow link proves nothing by being answered sooner."""


class BandwidthSettings(FaultSettings):
    """Thousands of bytes a second for each connection, as Toxiproxy takes them: that is bytes per millisecond."""

    rate_kb_per_s: int = Field(ge=1, le=1_000_000)


class Bandwidth(Fault):
    """Bounds the answers' rate on each connection by itself: many connections get many times as much.

    It is proved by an answer of many bytes, as one byte passes any link.
    """

    kind = "bandwidth"
    teaches = "wide answers hold their connection for as long as they are under way"
    needs = Link
    Settings = BandwidthSettings
    settings: BandwidthSettings

    def inject(self, part: Link) -> None:
        part.add_toxic("bandwidth", "downstream", {"rate": self.settings.rate_kb_per_s}, self.kind)

    def heal(self, part: Link) -> None:
        part.remove_toxic(self.kind)

    def prove(self, part: Link, patience_s: float) -> Proof:
        seen = self._look(part, patience_s)
        return Proof(self.is_shown_by(seen), seen.describe())

    def prove_healed(self, part: Link, patience_s: float) -> Proof:
        seen = self._look(part, patience_s)
        return Proof(self.is_over_by(seen), seen.describe())

    def is_shown_by(self, seen: Echo) -> bool:
        """All came, and no sooner than the rate allows; Toxiproxy's own timer may be a millisecond early."""
        return seen.reach is Reach.ANSWERED and seen.took_ms >= self._least_ms(seen) - 1

    def is_over_by(self, seen: Echo) -> bool:
        """All came, sooner than the rate allows, where that can be told from a busy machine."""
        least_ms = self._least_ms(seen)
        return seen.reach is Reach.ANSWERED and (seen.took_ms < least_ms or least_ms < TELLING_MS)

    def _look(self, part: Link, patience_s: float) -> Echo:
        wanted = self.settings.rate_kb_per_s * PROBE_TAKES_MS
        return echo(part.host, part.port, patience_s, min(max(wanted, LEAST_ECHOED), MOST_ECHOED))

    def _least_ms(self, seen: Echo) -> float:
        """How long that many bytes take. What the server says after them is not waited for."""
        return seen.length / self.settings.rate_kb_per_s

    def describe(self) -> str:
        return f"bandwidth {self.settings.rate_kb_per_s} kB/s a connection"
