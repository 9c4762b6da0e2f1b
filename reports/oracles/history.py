"""A trial's history: its writes, the reads that looked for them, what is stored; and whether to believe it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.records import Write
from reports.files import DamageError
from reports.read import Trial

TRANSFER = "transfer"
WHOLE = (TRANSFER, "create_user", "read_transfer", "follow")
"""Operations of which every request is in the history, where one is kept."""


@dataclass(frozen=True, slots=True)
class History:
    """Writes and reads as they were recorded, and the tokens of the stored transfers.

    `flaw` says why nothing can be concluded from it; empty where all of it can be believed.
    """

    writes: tuple[Write, ...] = ()
    reads: tuple[Write, ...] = ()
    stored: tuple[str, ...] = ()
    flaw: str = ""

    @property
    def transfers(self) -> tuple[Write, ...]:
        """The writes that move money. One that was given up may bear no name, but the tokens of others are
        addresses.
        """
        return tuple(write for write in self.writes if "@" not in write.token)


def read_history(trial: Trial, sent: Mapping[str, int]) -> History:
    """Read it. `sent` is how many requests of each operation the latencies tell of."""
    try:
        entries = tuple(trial.writes)
        stored = tuple(one.token for one in trial.stored)
    except DamageError as error:
        return History(flaw=str(error))
    writes = tuple(entry for entry in entries if entry.action == "write")
    reads = tuple(entry for entry in entries if entry.action == "read")
    flaw = next(_flaws(trial, sent, writes, reads, stored), "")
    return History(writes, reads, stored, flaw)


def _flaws(
    trial: Trial,
    sent: Mapping[str, int],
    writes: Sequence[Write],
    reads: Sequence[Write],
    stored: Sequence[str],
) -> Iterator[str]:
    """All that speaks against it, in words."""
    counted = Counter(entry.operation for entry in (*writes, *reads))
    if not counted and any(sent.get(operation) for operation in WHOLE):
        yield "no history was kept"
    closing = trial.record.closing
    if closing is not None and closing.writes_dropped:
        yield f"{closing.writes_dropped:,} requests are beyond what a history holds"
    for operation in WHOLE:
        if sent.get(operation, 0) != counted[operation]:
            yield (
                f"the history has {counted[operation]:,} of the {sent.get(operation, 0):,} requests "
                f"{operation} that were sent"
            )
    tokens = Counter(write.token for write in writes)
    if twice := next((token for token, count in tokens.items() if count > 1), None):
        yield f"the token {twice} was sent twice"
    for entry in (*writes, *reads):
        if entry.sent_ns < 0 or (entry.answered_ns is not None and entry.answered_ns < entry.sent_ns):
            yield f"the clock went back at {entry.operation} {entry.token}"
    known = tokens.keys()
    if strange := next((read.token for read in reads if read.token not in known), None):
        yield f"a read looked for {strange}, a token that nobody sent"
    if strange := next((token for token in stored if token not in known), None):
        yield f"{strange} is stored, a token that nobody sent"
