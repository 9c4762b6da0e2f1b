"""A folder that holds several runs, each in a folder of its own name, and what was to be run in it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from harness.records.base import Identity, Record
from harness.records.manifest import RunState

MOST_RUNS = 100


class CollectionRecord(Record):
    """What was to be run, and how that ended."""

    state: RunState
    reason: str = ""
    planned: Annotated[tuple[Identity, ...], Field(max_length=MOST_RUNS)]  # runs, in the order of running

    @property
    def id(self) -> str:
        """What the ids of its runs begin with."""
        raise NotImplementedError

    def run_id(self, name: str) -> str:
        """The id of the run in the folder `name`."""
        return f"{self.id}-{name}"
