"""Every pooled connection is used once before costs are counted, however many a pool keeps."""

from __future__ import annotations

from typing import cast

import pytest

from harness.conformance import _Observer
from harness.http_reader import Answer, HttpReader
from targets.contract import PoolHealth


class Pool:
    """A target whose pool keeps so many connections, some of them lost without its knowing."""

    left_s = 5.0

    def __init__(self, kept: int, lost: int) -> None:
        self.kept, self.lost, self.reads = kept, lost, 0

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        if path == "/health/db":
            zeros = dict.fromkeys(PoolHealth.model_fields, 0)
            return Answer(200, body={**zeros, "status": "ok", "limit": None, "checked_in": self.kept})
        self.reads += 1
        return Answer(503 if self.reads <= self.lost else 200)


@pytest.mark.parametrize(("kept", "lost", "expected"), [(0, 0, 1), (10, 0, 10), (10, 10, 20), (100, 100, 200)])
def test_each_connection_has_its_turn(kept: int, lost: int, expected: int) -> None:
    target = Pool(kept, lost)
    _Observer(cast(HttpReader, target)).warm_up()
    assert expected == target.reads
