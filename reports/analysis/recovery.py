"""How long after a healing all is well again."""

from __future__ import annotations

from dataclasses import dataclass

from harness.records import INTERVAL_NS, Outcome
from reports.histograms import count_up_to_ns
from reports.read import SeriesCell


@dataclass(frozen=True, slots=True)
class Recovery:
    """Milliseconds from heal-done to steady success, or None; `observed`: whether any request told."""

    after_ms: float | None
    observed: bool


class RecoveryFold:
    """From heal-done to the start of the first interval from which all requests succeed, in steps of intervals.

    Only requests sent after the healing count: one that was stalled by the fault and failed afterwards says
    nothing. Intervals without requests, and requests aborted by the harness, are neither success nor failure;
    so are failures that the next injection may have caused. Without any success at the end there is no recovery.
    """

    def __init__(self, heal_done_ns: int, next_injection_ns: int | None, load_end_ns: int) -> None:
        self._heal_done_ns = heal_done_ns
        self._next_injection_ns = next_injection_ns
        self._load_end_ns = load_end_ns
        self._steady_from_ns = -(-heal_done_ns // INTERVAL_NS) * INTERVAL_NS
        self._last_success_ns: int | None = None
        self._observed = False

    def add(self, cell: SeriesCell) -> None:
        """Take in a cell of response times."""
        next_ns = self._next_injection_ns
        beyond = cell.start_ns >= self._load_end_ns if next_ns is None else cell.end_ns > next_ns
        if beyond or cell.start_ns < self._heal_done_ns or cell.key.outcome is Outcome.ABORTED:
            return
        if cell.key.outcome is Outcome.OK:
            self._observed = True
            self._last_success_ns = max(cell.start_ns, self._last_success_ns or 0)
        elif next_ns is None or count_up_to_ns(cell.counters, next_ns - cell.end_ns):
            self._observed = True
            self._steady_from_ns = max(self._steady_from_ns, cell.end_ns)

    def finish(self) -> Recovery:
        """What the cells told."""
        if self._last_success_ns is None or self._last_success_ns < self._steady_from_ns:
            return Recovery(None, self._observed)
        return Recovery((self._steady_from_ns - self._heal_done_ns) / 1e6, True)
