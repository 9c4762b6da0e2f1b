"""Connections that break after so many bytes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.environment.parts import Link
from harness.faults.base import FaultSettings
from harness.faults.link import EchoFault
from harness.probe import LEAST_ECHOED, MOST_ECHOED, Echo, Reach

BEYOND = 500
"""Bytes that a probe asks for beyond the limit."""


class LimitDataSettings(FaultSettings):
    """How many bytes a connection carries from when the fault begins: of what the database answers (`downstream`)
    or of what it is asked (`upstream`). More than 8000 could not be proved without logging in.
    """

    bytes: int = Field(default=0, ge=0, le=MOST_ECHOED - 2 * BEYOND)
    stream: Literal["downstream", "upstream"] = "downstream"


class LimitData(EchoFault):
    """Closes each connection once it has carried so many bytes, in the middle of what is being said.

    With 0 the next answer is lost (`downstream`: what was asked for was done) or the next question (`upstream`: it
    was not). To the client both look alike. A pooled connection at rest survives until it is used.
    """

    kind = "limit-data"
    teaches = "connections break in the middle of an answer, and nobody knows whether a commit was one"
    Settings = LimitDataSettings
    settings: LimitDataSettings

    @property
    def echoed(self) -> int:
        return max(self.settings.bytes + BEYOND, LEAST_ECHOED)

    def inject(self, part: Link) -> None:
        part.add_toxic("limit_data", self.settings.stream, {"bytes": self.settings.bytes}, self.kind)

    def heal(self, part: Link) -> None:
        part.remove_toxic(self.kind)

    def is_shown_by(self, seen: Echo) -> bool:
        return seen.reach is Reach.CLOSED

    def is_over_by(self, seen: Echo) -> bool:
        return seen.reach is Reach.ANSWERED

    def describe(self) -> str:
        of = "answers" if self.settings.stream == "downstream" else "questions"
        return f"connections closed after {self.settings.bytes} bytes of {of}"
