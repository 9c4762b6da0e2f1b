"""How a record closes: counts and digests by which a reader knows that all of it is there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from harness.records.base import Count, Record
from harness.records.latency import Outcome

SEAL = "seal"


class Stream(Record):
    """One file of a trial as it was closed."""

    lines: Count  # all of them, of a histogram log its head too
    sha256: str  # of its bytes, in hexadecimal


class Closing(Record):
    """What a whole trial holds. By the law of the load, `started` is all of `requests` and `under_way`."""

    streams: dict[str, Stream] = Field(default_factory=dict)  # by the file's name
    requests: dict[Outcome, Count] = Field(default_factory=dict)  # in the histogram log, each counted once
    started: Count = 0  # requests, by the generator's own account
    not_started: Count = 0  # kept back by the cap on requests in flight
    under_way: Count = 0  # begun, and neither recorded nor given up
    writes_dropped: Count = 0  # beyond what the history of writes may hold


def seal_of(document: Mapping[str, Any]) -> str:
    """The digest of a decoded JSON document, whatever its own `seal` says."""
    content = {name: value for name, value in document.items() if name != SEAL}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def sealed(text: str) -> str:
    """A JSON document with its seal as the last member, indented as all records are."""
    document = json.loads(text)
    return json.dumps({**document, SEAL: seal_of(document)}, indent=2, ensure_ascii=False) + "\n"
