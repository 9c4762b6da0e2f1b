"""Staleness: does a client find what it has written, and if not at once, when?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from harness.records import Outcome, Write
from reports.distribution import FEWEST_FOR_P99
from reports.oracles.cases import BROKEN, PASSED, UNKNOWN, Case, Judgement, oracle
from reports.oracles.history import History
from reports.summary import OracleFigure

FEWEST_FOLLOWED = 20
"""Own writes that were looked for; with fewer, that all were found shows nothing."""


@dataclass(frozen=True, slots=True)
class Delay:
    """How long after its answer a write could be read: at least `low_ms`, when a read that missed it was sent, and
    at most `high_ms`, when the first that saw it was answered; None where none did.
    """

    low_ms: float
    high_ms: float | None
    misses: int
    gone_again: bool  # missed once more after it had been seen


def delays(history: History) -> tuple[Delay, ...]:
    """Of each acknowledged write that was looked for; reads that were sent before its answer say nothing."""
    reads: defaultdict[str, list[Write]] = defaultdict(list)
    for read in sorted(history.reads, key=lambda read: read.sent_ns):
        if read.seen is not None and read.answered_ns is not None:
            reads[read.token].append(read)
    found = []
    for write in history.writes:
        if write.outcome is not Outcome.OK or write.answered_ns is None:
            continue
        looked = [read for read in reads[write.token] if read.sent_ns >= write.answered_ns]
        if looked:
            found.append(_delay(write.answered_ns, looked))
    return tuple(found)


def _delay(answered_ns: int, looked: Sequence[Write]) -> Delay:
    first = next((place for place, read in enumerate(looked) if read.seen), len(looked))
    missed, later = looked[:first], looked[first:]
    seen_ns = later[0].answered_ns if later else None
    return Delay(
        low_ms=(missed[-1].sent_ns - answered_ns) / 1e6 if missed else 0.0,
        high_ms=None if seen_ns is None else (seen_ns - answered_ns) / 1e6,
        misses=len(missed),
        gone_again=any(not read.seen for read in later),
    )


@oracle("staleness")
def staleness(case: Case) -> Judgement:
    """Broken where a client missed a write of its own: the figures say for how long."""
    if case.history.flaw:
        return Judgement(UNKNOWN, case.history.flaw)
    found = delays(case.history)
    figures = tuple(staleness_figures(found))
    missed = [delay for delay in found if delay.misses]
    gone = sum(delay.gone_again for delay in found)
    if missed or gone:
        never = sum(delay.high_ms is None for delay in missed)
        said = f"{len(missed):,} of {len(found):,} own writes were not there at the first look"
        said += f", {never:,} of them never" if never else ""
        said += f", and {gone:,} were gone again" if gone else ""
        return Judgement(BROKEN, said, len(found), figures)
    if len(found) < FEWEST_FOLLOWED:
        said = f"{len(found)} own writes were looked for, of {FEWEST_FOLLOWED} at least"
        return Judgement(UNKNOWN, said, len(found), figures)
    return Judgement(PASSED, f"all of {len(found):,} own writes were there at the first look", len(found), figures)


def staleness_figures(found: Sequence[Delay]) -> tuple[OracleFigure, ...]:
    """Missed writes, and how late they could be read: percentiles of the lower and of the upper bounds. Where some
    were never seen, an upper percentile that falls among them is not known.
    """
    if not found:
        return ()
    shares = [500, 990] if len(found) >= FEWEST_FOR_P99 else [500]
    lows = sorted(delay.low_ms for delay in found)
    highs = sorted(delay.high_ms for delay in found if delay.high_ms is not None)
    return (
        OracleFigure(name="own writes missed", unit="", value=sum(delay.misses > 0 for delay in found)),
        OracleFigure(name="own writes looked for", unit="", value=len(found)),
        *(
            OracleFigure(
                name=f"staleness p{share // 10}",
                unit="ms",
                low=_ranked(lows, len(found), share),
                high=_ranked(highs, len(found), share),
            )
            for share in shares
        ),
    )


def _ranked(ordered: Sequence[float], of: int, share: int) -> float | None:
    """Nearest rank among `of` values, of which the largest may be missing."""
    rank = max(-(-of * share // 1000), 1)
    return ordered[rank - 1] if rank <= len(ordered) else None
