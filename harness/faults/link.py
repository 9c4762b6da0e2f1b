"""Faults of a link: done to its proxy, and proved by one round trip to PostgreSQL through it."""

from __future__ import annotations

from abc import abstractmethod

from harness.environment.parts import Link
from harness.faults.base import Fault, Proof
from harness.probe import Probe, Reach, probe


class LinkFault(Fault):
    """Base of them. What a probe saw is judged without any I/O."""

    needs = Link

    @abstractmethod
    def inject(self, part: Link) -> None: ...

    @abstractmethod
    def heal(self, part: Link) -> None: ...

    def prove(self, part: Link, patience_s: float) -> Proof:
        seen = probe(part.host, part.port, patience_s)
        return Proof(self.is_shown_by(seen), seen.describe())

    def prove_healed(self, part: Link, patience_s: float) -> Proof:
        seen = probe(part.host, part.port, patience_s)
        return Proof(self.is_over_by(seen), seen.describe())

    @abstractmethod
    def is_shown_by(self, seen: Probe) -> bool:
        """Whether a probe through the broken link saw what this fault does."""

    def is_over_by(self, seen: Probe) -> bool:
        """Whether a probe through the healed link saw no more of it."""
        return seen.reach is Reach.ANSWERED
