"""Connections cut at their next word."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.environment.parts import Link
from harness.faults.base import FaultSettings
from harness.faults.link import LinkFault
from harness.probe import Probe, Reach


class ResetPeerSettings(FaultSettings):
    """How long a connection lives after its first data under the fault: of the database (`downstream`) or for it
    (`upstream`).
    """

    after_ms: int = Field(default=0, ge=0, le=60_000)
    stream: Literal["downstream", "upstream"] = "downstream"


class ResetPeer(LinkFault):
    """Cuts a connection when the database answers on it: the statement was executed, its answer is lost. With
    `upstream` it is cut when the database is asked, and the statement never arrives.

    A pooled connection at rest survives until it is used. Links that were open before end with FIN, not RST.
    """

    kind = "reset-peer"
    teaches = "connections break in mid-use, new ones as well"
    Settings = ResetPeerSettings
    settings: ResetPeerSettings

    def inject(self, part: Link) -> None:
        part.add_toxic("reset_peer", self.settings.stream, {"timeout": self.settings.after_ms}, self.kind)

    def heal(self, part: Link) -> None:
        part.remove_toxic(self.kind)

    def is_shown_by(self, seen: Probe) -> bool:
        return seen.reach is Reach.CLOSED

    def describe(self) -> str:
        return "connections reset"
