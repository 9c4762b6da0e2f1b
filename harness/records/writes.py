"""The history: requests that were to change something, and the reads that look for such a write, one by one."""

from __future__ import annotations

from typing import Literal

from harness.records.base import Record, Whole
from harness.records.latency import Outcome

Action = Literal["write", "read"]


class Write(Record):
    """One line of `writes.jsonl`: what was to be written, and what its answer promised; or, where `action` says
    so, a read that looked for a write of the same client's.

    `token` names the write and nothing else; by it what is stored can be found again. `seen` tells of a read
    whether that write was in the answer; None where no answer tells.
    """

    token: str
    operation: str
    phase: str
    sent_ns: Whole  # when it was sent, not when it was meant to be
    answered_ns: Whole | None  # None: no answer came
    outcome: Outcome
    kind: str  # the problem's kind or the transport's error; `-` for a success
    action: Action = "write"
    seen: bool | None = None


class Stored(Record):
    """One line of `stored.jsonl`: a transfer that is in the database after the load, by its token."""

    token: str
