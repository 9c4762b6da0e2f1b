"""The probe in a target's process counts what the target counts itself."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.environment.children import checkout
from harness.environment.leash import Leash
from harness.inside.channel import Channel, Inside, quantiles_ms
from harness.inside.launch import with_probe
from tests.contract.conftest import DatabaseFactory
from tests.contract.contract_support import BANKS, RunningTarget, running_target, wait_until

REQUESTS = 60
AT_ONCE = 4
SMALL = {"pool_size": 3, "max_overflow": 2, "pool_timeout_s": 1.0}
SAME = {
    "OPENED": "opened_total",
    "REQUESTS": "requests_total",
    "CHECKOUTS": "checkouts_total",
    "STATEMENTS": "statements_total",
    "PINGS": "pings_total",
    "TIMED_OUT": "timed_out_total",
}
AMISS = (
    *("NESTED_WAITS", "SHARED", "IN_LOOP", "POOLS_MADE_IN_REQUEST", "COMMITS_FAILED", "COMMITS_LATE"),
    *("STREAMING", "OUT_AFTER_RESPONSE", "ABANDONED_EVER", "CANCELLED_OUT", "WORK_FOR_NOBODY"),
)
"""Of what the probe tells: what no ordinary service has."""


@pytest.fixture(params=["sync-pool", "async-pool", "async-no-pool", "asyncpg-raw", "psycopg-pool", "psycopg-raw"])
def probed(
    request: pytest.FixtureRequest, leash: Leash, fresh_database: DatabaseFactory, tmp_path: Path
) -> Iterator[tuple[RunningTarget, Channel]]:
    """A target with the probe on its path."""
    told = tmp_path / "told"
    told.mkdir()
    root = checkout()
    own = with_probe({} if root is None else {"PYTHONPATH": str(root)}, told)
    with (
        fresh_database() as url,
        running_target(leash, BANKS[request.param], url, tmp_path, SMALL, own) as target,
    ):
        channel = Channel(told)
        yield target, channel
        channel.close()


def ask(target: RunningTarget) -> list[int]:
    """Reads, writes and errors, many at once."""
    paths = [f"/users/{number % 7 + 1}" if number % 5 else "/users?page_size=5" for number in range(REQUESTS)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [answer.status_code for answer in pool.map(target.client.get, paths)]


def test_counts_are_the_target_s_own(probed: tuple[RunningTarget, Channel]) -> None:
    target, channel = probed
    assert ask(target) == [200] * REQUESTS
    assert target.client.get("/users/999999").status_code == 404
    own = target.settles()
    found = channel.read(with_times=True)
    assert {name: own[field] for name, field in SAME.items()} == {name: found[name] for name in SAME}
    assert found["CHECKOUTS"] == REQUESTS + 1
    assert (found["OUT"], found["WAITING"], found["TROUBLES"]) == (0, 0, 0)
    assert found["OPEN"] == own["opened_total"] - own["closed_total"]
    assert (found.limit, found["SIZE"]) == (own["limit"], own["size"])
    assert found.processes == 1
    counted = {name: sum(counts) for name, counts in found.times.items()}
    assert counted["acquire"] == counted["held"] == found["CHECKOUTS"]
    assert counted["query"] == found["STATEMENTS"]
    assert counted["ping"] == found["PINGS"]
    assert counted["connect"] == found["OPENED"]
    assert found.lag_max_ns is not None
    assert {name: found[name] for name in AMISS if found[name]} == {}


def test_what_is_out_and_waits_is_told_while_it_does(probed: tuple[RunningTarget, Channel]) -> None:
    target, channel = probed
    limit = target.pool()["limit"]
    if limit is None:
        pytest.skip("it has no pool, and no limit")
    with ThreadPoolExecutor(limit + 5) as pool:
        answers = [pool.submit(target.client.get, "/hold?ms=2500") for _ in range(limit + 5)]
        wait_until(lambda: (now := channel.read())["OUT"] == limit and now["WAITING"] == 5, "all are out, 5 wait")
        wait_until(lambda: channel.read().oldest_place, "the place of the oldest is told")
        now: Inside = channel.read()
        assert now.oldest_since_ns is not None
        assert now.oldest_place.startswith(("targets/", "drivers/"))
        refused = [answer.result().status_code for answer in answers].count(503)
    assert refused == 5
    target.settles()
    after = channel.read(with_times=True)
    assert (after["TIMED_OUT"], after["OUT"], after.oldest_since_ns) == (5, 0, None)
    assert after["OUT_MAX"] == limit
    (median_ms,) = quantiles_ms(after.times["held"], [0.5])
    assert median_ms is not None
    assert median_ms > 2400
