"""Faults of a link: done to its proxy, and proved by a question to PostgreSQL through it."""

from __future__ import annotations

from abc import abstractmethod

from harness.environment.parts import Link
from harness.faults.base import Fault, Proof
from harness.probe import Echo, Probe, Reach, echo, probe


class LinkFault(Fault):
    """Base of those that one byte tells of. What a probe saw is judged without any I/O."""

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


class EchoFault(Fault):
    """Base of those of which a byte tells nothing: proved by an answer of many, `echoed` of them."""

    needs = Link

    @property
    @abstractmethod
    def echoed(self) -> int:
        """How many bytes a probe asks for, at most MOST_ECHOED."""

    @abstractmethod
    def inject(self, part: Link) -> None: ...

    @abstractmethod
    def heal(self, part: Link) -> None: ...

    def prove(self, part: Link, patience_s: float) -> Proof:
        seen = echo(part.host, part.port, patience_s, self.echoed)
        return Proof(self.is_shown_by(seen), seen.describe())

    def prove_healed(self, part: Link, patience_s: float) -> Proof:
        seen = echo(part.host, part.port, patience_s, self.echoed)
        return Proof(self.is_over_by(seen), seen.describe())

    @abstractmethod
    def is_shown_by(self, seen: Echo) -> bool:
        """Whether a probe through the broken link saw what this fault does."""

    @abstractmethod
    def is_over_by(self, seen: Echo) -> bool:
        """Whether a probe through the healed link saw no more of it."""
