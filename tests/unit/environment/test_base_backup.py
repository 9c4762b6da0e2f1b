"""What keeps a primary from having a replica, told before anything is copied."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.environment.base_backup import LEAST_FREE_BYTES, SENDERS_NEEDED, PrimaryFacts

ABLE = PrimaryFacts(
    place="127.0.0.1:5432",
    user="teller",
    major=18,
    wal_level="replica",
    free_senders=SENDERS_NEEDED,
    may_replicate=True,
    bytes=2**30,
    tablespaces=0,
    limits={},
)
ROOM = 2**30 + LEAST_FREE_BYTES


def obstacle(facts: PrimaryFacts, free_bytes: int = ROOM, binaries_major: int = 18) -> str:
    return facts.obstacle(binaries_major=binaries_major, free_bytes=free_bytes, folder=Path("/tmp"))


@pytest.mark.parametrize("wal_level", ["replica", "logical"])
def test_a_primary_that_has_all_it_needs_can_have_one(wal_level: str) -> None:
    assert "" == obstacle(replace(ABLE, wal_level=wal_level))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (replace(ABLE, wal_level="minimal"), "wal_level of PostgreSQL at 127.0.0.1:5432 is minimal; set it to"),
        (replace(ABLE, may_replicate=False), 'have an administrator run: ALTER ROLE "teller" REPLICATION'),
        (replace(ABLE, free_senders=1), "has 1 WAL senders left and 2 are needed; raise max_wal_senders"),
        (replace(ABLE, free_senders=-1), "has 0 WAL senders left"),
        (replace(ABLE, tablespaces=1), "has tablespaces"),
        (replace(ABLE, major=16), "is of version 16, and what would follow it of version 18; give a server of"),
    ],
)
def test_what_is_in_the_way_is_one_line_with_the_mend(facts: PrimaryFacts, expected: str) -> None:
    line = obstacle(facts)
    assert expected in line
    assert "\n" not in line
    assert ";" in line


def test_a_copy_needs_room_for_itself_and_for_what_is_written_meanwhile() -> None:
    assert "" == obstacle(ABLE, ROOM)
    assert "takes 1280 MiB and /tmp has 1000; make room or set TMPDIR" in obstacle(ABLE, 1000 * 2**20)
    assert "make room" in obstacle(ABLE, ROOM - 1)
