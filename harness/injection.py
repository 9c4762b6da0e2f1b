"""Carries out a scenario's faults on time, marks when each really happened, and heals whatever is broken at the
end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from harness.environment.parts import Parts
from harness.errors import TrialFailedError
from harness.faults import FAULTS, Fault
from harness.journal import Journal
from harness.records import MarkKind
from harness.timeline import Action, FaultStep

PROBE_PATIENCE_S = 0.25
PROBE_TRIES = 3

_BEGIN = {Action.INJECT: MarkKind.INJECT_BEGIN, Action.HEAL: MarkKind.HEAL_BEGIN}
_DONE = {Action.INJECT: MarkKind.INJECT_DONE, Action.HEAL: MarkKind.HEAL_DONE}


class Injection:
    """A thread that works through the steps. A step that fails ends it; `check` then raises."""

    def __init__(self, steps: Sequence[FaultStep], parts: Parts, journal: Journal) -> None:
        self._steps = steps
        self._parts = parts
        self._journal = journal
        self._stopping = threading.Event()
        self._error: Exception | None = None
        self._failed_step = ""
        self._broken: dict[tuple[str, int], tuple[Fault, FaultStep]] = {}
        self._provers: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._work, name="faults", daemon=True)

    def start(self) -> None:
        """Begin; steps are carried out at their times after the journal's origin."""
        self._thread.start()

    def check(self) -> None:
        """Raises TrialFailedError where a fault could not be injected, proved or healed."""
        if self._error is not None:
            raise TrialFailedError(f"{self._failed_step} failed: {self._error}")

    def finish(self) -> None:
        """Do nothing more, and heal what is still broken, however the block came to its end."""
        self._stopping.set()
        self._thread.join()
        for fault, step in list(self._broken.values()):
            with self._failing(f"healing of {step.kind} in {step.phase} at the end"):
                self._heal(fault, step)
        for prover in self._provers:
            prover.join()

    def _work(self) -> None:
        for step in self._steps:
            left_s = (step.at_ns - self._journal.now_ns()) / 1e9
            if self._stopping.wait(max(0.0, left_s)):
                return
            with self._failing(step.describe()):
                self._carry_out(step)
            if self._error is not None:
                return

    @contextmanager
    def _failing(self, what: str) -> Iterator[None]:
        """The first failure is the one that is told."""
        try:
            yield
        except Exception as error:
            if self._error is None:
                self._error, self._failed_step = error, what

    def _carry_out(self, step: FaultStep) -> None:
        if step.action is Action.HEAL:
            fault, _ = self._broken[step.fault_key]
            self._heal(fault, step)
        else:
            fault = FAULTS[step.kind](step.settings)
            part: object = self._parts.require(step.part, fault.needs)
            self._broken[step.fault_key] = fault, step  # before: half an injection is healed as well
            self._marked(Action.INJECT, step, fault, lambda: fault.inject(part))
        # On a thread of its own, because a probe into silence takes as long as its patience.
        prover = threading.Thread(target=self._prove, args=(step, fault), name="probe", daemon=True)
        self._provers.append(prover)
        prover.start()

    def _heal(self, fault: Fault, step: FaultStep) -> None:
        part: object = self._parts.require(step.part, fault.needs)
        del self._broken[step.fault_key]  # whether or not it succeeds, nobody tries it twice
        self._marked(Action.HEAL, step, fault, lambda: fault.heal(part))

    def _marked(self, action: Action, step: FaultStep, fault: Fault, act: Callable[[], None]) -> None:
        self._mark(_BEGIN[action], step, fault.describe())
        act()
        self._mark(_DONE[action], step, fault.describe())

    def _prove(self, step: FaultStep, fault: Fault) -> None:
        """Probe until the effect is seen; a busy machine gets some tries, a missing effect none too many."""
        with self._failing(f"the proof of {step.describe()}"):
            part: object = self._parts.require(step.part, fault.needs)
            look = fault.prove if step.action is Action.INJECT else fault.prove_healed
            for _ in range(PROBE_TRIES):
                proof = look(part, PROBE_PATIENCE_S)
                if proof.shown:
                    break
            kind = MarkKind.PROVED if proof.shown else MarkKind.UNPROVED
            self._mark(kind, step, f"{step.action}: {proof.seen}")

    def _mark(self, kind: MarkKind, step: FaultStep, detail: str) -> None:
        self._journal.mark(
            kind,
            phase=step.phase,
            fault=step.kind,
            part=step.part,
            number=step.number,
            planned_ns=step.at_ns,
            detail=detail,
        )


@contextmanager
def injecting(steps: Sequence[FaultStep], parts: Parts, journal: Journal) -> Iterator[Injection]:
    """Faults on their way while the block runs; what is still broken at its end is healed."""
    injection = Injection(steps, parts, journal)
    injection.start()
    try:
        yield injection
    finally:
        injection.finish()
