"""A part that stands still."""

from __future__ import annotations

from harness.environment.parts import Pausable
from harness.faults.base import Fault, Proof
from harness.probe import Reach


class Freeze(Fault):
    """Stops all processes of the part by a signal, with their sockets open: the system goes on accepting for it.

    What was sent meanwhile is there when it goes on, and is answered late.
    """

    kind = "freeze"
    teaches = (
        "it hangs with all connections open, as a machine that swaps or is moved, and goes on as if nothing was"
    )
    needs = Pausable

    def inject(self, part: Pausable) -> None:
        part.pause()

    def heal(self, part: Pausable) -> None:
        part.resume()

    def prove(self, part: Pausable, patience_s: float) -> Proof:
        seen = part.probe(patience_s)
        return Proof(seen.reach is Reach.SILENT, seen.describe())

    def prove_healed(self, part: Pausable, patience_s: float) -> Proof:
        seen = part.probe(patience_s)
        return Proof(seen.reach is Reach.ANSWERED, seen.describe())

    def describe(self) -> str:
        return "made to stand still"
