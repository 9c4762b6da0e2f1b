"""The database gone: links closed, new ones refused."""

from __future__ import annotations

from harness.faults.base import Fault, FaultyProxy
from harness.probe import Probe, Reach


class ProxyDown(Fault):
    """Closes every link and stops listening, as when a server is down and its host is not."""

    kind = "proxy-down"
    teaches = "the database is gone and says so at once"

    def inject(self, proxy: FaultyProxy) -> None:
        proxy.disable()

    def heal(self, proxy: FaultyProxy) -> None:
        proxy.enable()

    def is_shown_by(self, seen: Probe) -> bool:
        return seen.reach is Reach.REFUSED

    def describe(self) -> str:
        return "proxy down"
