"""Carries out a scenario's faults on time, and marks when each really happened."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from harness.errors import TrialFailedError
from harness.faults import FAULTS, Fault, FaultyProxy
from harness.probe import probe
from harness.records import Mark, MarkKind
from harness.store import TrialFolder
from harness.timeline import Action, FaultStep

PROBE_PATIENCE_S = 0.25
PROBE_TRIES = 3

_BEGIN = {Action.INJECT: MarkKind.INJECT_BEGIN, Action.HEAL: MarkKind.HEAL_BEGIN}
_DONE = {Action.INJECT: MarkKind.INJECT_DONE, Action.HEAL: MarkKind.HEAL_DONE}


class Injection:
    """A thread that works through the steps. A step that fails ends it; `check` then raises."""

    def __init__(
        self, steps: Sequence[FaultStep], proxy: FaultyProxy, origin_ns: int, folder: TrialFolder
    ) -> None:
        self._steps = steps
        self._proxy = proxy
        self._origin_ns = origin_ns
        self._folder = folder
        self._stopping = threading.Event()
        self._error: Exception | None = None
        self._failed_step = ""
        self._active: dict[tuple[str, int], Fault] = {}
        self._provers: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._work, name="faults", daemon=True)

    def check(self) -> None:
        """Raises TrialFailedError where a fault could not be injected or healed."""
        if self._error is not None:
            raise TrialFailedError(f"{self._failed_step} failed: {self._error}")

    def _work(self) -> None:
        for step in self._steps:
            left_s = (self._origin_ns + step.at_ns - time.monotonic_ns()) / 1e9
            if self._stopping.wait(max(0.0, left_s)):
                return
            try:
                self._carry_out(step)
            except Exception as error:
                self._error, self._failed_step = error, step.describe()
                return

    def _carry_out(self, step: FaultStep) -> None:
        if step.action is Action.INJECT:
            fault = self._active[step.fault_key] = FAULTS[step.kind](step.settings)
            self._mark(_BEGIN[step.action], step, fault.describe())
            fault.inject(self._proxy)
        else:
            fault = self._active[step.fault_key]
            self._mark(_BEGIN[step.action], step, fault.describe())
            fault.heal(self._proxy)
            del self._active[step.fault_key]
        self._mark(_DONE[step.action], step, fault.describe())
        # On a thread of its own, because a probe into silence takes as long as its patience.
        prover = threading.Thread(target=self._prove, args=(step, fault), name="probe", daemon=True)
        self._provers.append(prover)
        prover.start()

    def _prove(self, step: FaultStep, fault: Fault) -> None:
        """Probe until the effect is seen; a busy machine gets some tries, a missing effect none too many."""
        shown = fault.is_shown_by if step.action is Action.INJECT else fault.is_over_by
        for _ in range(PROBE_TRIES):
            seen = probe(self._proxy.host, self._proxy.port, PROBE_PATIENCE_S)
            if shown(seen):
                break
        kind = MarkKind.PROVED if shown(seen) else MarkKind.UNPROVED
        self._mark(kind, step, f"{step.action}: {seen.describe()}")

    def _mark(self, kind: MarkKind, step: FaultStep, detail: str) -> None:
        t_ns = time.monotonic_ns() - self._origin_ns
        self._folder.add_mark(
            Mark(
                t_ns=t_ns,
                kind=kind,
                phase=step.phase,
                fault=step.kind,
                part=step.part,
                number=step.number,
                planned_ns=step.at_ns,
                detail=detail,
            )
        )

    def _finish(self) -> None:
        self._stopping.set()
        self._thread.join()
        for prover in self._provers:
            prover.join()


@contextmanager
def injecting(
    steps: Sequence[FaultStep], proxy: FaultyProxy, origin_ns: int, folder: TrialFolder
) -> Iterator[Injection]:
    """Faults on their way while the block runs. What is still broken at the end dies with the trial's proxy."""
    injection = Injection(steps, proxy, origin_ns, folder)
    injection._thread.start()
    try:
        yield injection
    finally:
        injection._finish()
