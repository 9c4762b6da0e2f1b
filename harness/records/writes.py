"""The history of writes: every request that was to change something, one by one."""

from __future__ import annotations

from harness.records.base import Record, Whole
from harness.records.latency import Outcome


class Write(Record):
    """One line of `writes.jsonl`: what was to be written, and what its answer promised.

    `token` names the write and nothing else; by it what is stored can be found again.
    """

    token: str
    operation: str
    phase: str
    sent_ns: Whole  # when it was sent, not when it was meant to be
    answered_ns: Whole | None  # None: no answer came
    outcome: Outcome
    kind: str  # the problem's kind or the transport's error; `-` for a success
