"""Answers that come in pieces: the negative control."""

from __future__ import annotations

import math
from typing import Self

from pydantic import Field, model_validator

from harness.environment.parts import Link
from harness.faults.base import FaultSettings
from harness.faults.link import EchoFault
from harness.probe import LEAST_ECHOED, MOST_ECHOED, Echo, Reach

PROBE_TAKES_MS = 60
"""About as long as a probe is to take while answers come in pieces."""
TELLING_MS = 5
"""A probe that takes less proves nothing."""


class SlicerSettings(FaultSettings):
    """Bytes of a piece on average, how much they vary (by less than that), and the pause after each, in µs."""

    average_bytes: int = Field(default=64, ge=1, le=4000)
    variation_bytes: int = Field(default=0, ge=0, le=4000)
    pause_us: int = Field(default=1000, ge=1, le=1_000_000)

    @model_validator(mode="after")
    def _can_be_shown(self) -> Self:
        if self.variation_bytes >= self.average_bytes:
            raise ValueError("variation_bytes must be less than average_bytes")
        if self.least_ms(MOST_ECHOED) < TELLING_MS:
            raise ValueError("such pieces show in nothing; make them smaller, or pause_us longer")
        return self

    def least_ms(self, length: int) -> float:
        """How long so many bytes take at least: each piece but the last is followed by a pause."""
        pieces = math.ceil(length / (self.average_bytes + self.variation_bytes))
        return (pieces - 1) * self.pause_us / 1000


class Slicer(EchoFault):
    """Cuts answers into pieces that come one after the other. Nothing may fail of it: TCP knows no messages."""

    kind = "slicer"
    teaches = "answers come in pieces, which no client may mind; an error under it is a bug"
    Settings = SlicerSettings
    settings: SlicerSettings

    @property
    def echoed(self) -> int:
        pieces = PROBE_TAKES_MS * 1000 / self.settings.pause_us + 1
        wanted = math.ceil(pieces * (self.settings.average_bytes + self.settings.variation_bytes))
        return min(max(wanted, LEAST_ECHOED), MOST_ECHOED)

    def inject(self, part: Link) -> None:
        attributes = {
            "average_size": self.settings.average_bytes,
            "size_variation": self.settings.variation_bytes,
            "delay": self.settings.pause_us,
        }
        part.add_toxic("slicer", "downstream", attributes, self.kind)

    def heal(self, part: Link) -> None:
        part.remove_toxic(self.kind)

    def is_shown_by(self, seen: Echo) -> bool:
        """All came, and no sooner than the pauses allow; Toxiproxy's own timer may be a millisecond early."""
        return seen.reach is Reach.ANSWERED and seen.took_ms >= self.settings.least_ms(seen.length) - 1

    def is_over_by(self, seen: Echo) -> bool:
        """All came, sooner than the pauses allow."""
        return seen.reach is Reach.ANSWERED and seen.took_ms < self.settings.least_ms(seen.length)

    def describe(self) -> str:
        varied = f" ±{self.settings.variation_bytes}" if self.settings.variation_bytes else ""
        return f"answers in pieces of {self.settings.average_bytes}{varied} bytes"
