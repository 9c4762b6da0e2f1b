"""The database gone: links closed, new ones refused."""

from __future__ import annotations

from harness.environment.parts import Link
from harness.faults.link import LinkFault
from harness.probe import Probe, Reach


class ProxyDown(LinkFault):
    """Closes every link and stops listening, as when a server is down and its host is not."""

    kind = "proxy-down"
    teaches = "the database is gone and says so at once"

    def inject(self, part: Link) -> None:
        part.disable()

    def heal(self, part: Link) -> None:
        part.enable()

    def is_shown_by(self, seen: Probe) -> bool:
        return seen.reach is Reach.REFUSED

    def describe(self) -> str:
        return "proxy down"
