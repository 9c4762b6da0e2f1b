"""The server stopped, and started again."""

from __future__ import annotations

from harness.environment.parts import Restartable
from harness.faults.base import Fault, Proof
from harness.probe import Reach


class Restart(Fault):
    """Stops the server with every session when it is injected, and starts it on the same port when it is healed.

    Unlike a proxy that is down, the server has to come up again, and everyone's new sessions are its work.
    """

    kind = "restart"
    teaches = "the server ends every session, is gone for a while, and then all come back at once"
    needs = Restartable

    def inject(self, part: Restartable) -> None:
        part.stop()

    def heal(self, part: Restartable) -> None:
        part.start()

    def prove(self, part: Restartable, patience_s: float) -> Proof:
        seen = part.probe(patience_s)
        return Proof(seen.reach is Reach.REFUSED, seen.describe())

    def prove_healed(self, part: Restartable, patience_s: float) -> Proof:
        seen = part.probe(patience_s)
        return Proof(seen.reach is Reach.ANSWERED, seen.describe())

    def describe(self) -> str:
        return "stopped, until it is started again"
