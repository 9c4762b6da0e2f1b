"""One account of several pools."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import QueuePool

from targets.contract import PoolHealth
from targets.gauges import JointGauges, JointState, PoolState
from targets.instrument import instrument

IDLE = PoolState(
    size=10,
    checked_in=3,
    checked_out=0,
    overflow=0,
    limit=30,
    waiting=0,
    checked_out_max=2,
    opened_total=3,
    closed_total=0,
    invalidated_total=0,
    timed_out_total=0,
    requests_total=5,
    checkouts_total=6,
    statements_total=7,
    pings_total=8,
)
FULL = replace(IDLE, size=20, checked_in=0, checked_out=50, overflow=30, limit=50, checked_out_max=50)


def engine() -> Engine:
    return create_engine("sqlite://", poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.01)


def test_counts_and_limits_are_summed() -> None:
    joint = JointState.of([IDLE, FULL])
    assert (30, 3, 50, 30, 80) == (joint.size, joint.checked_in, joint.checked_out, joint.overflow, joint.limit)
    assert (10, 12, 14, 16) == (
        joint.requests_total,
        joint.checkouts_total,
        joint.statements_total,
        joint.pings_total,
    )


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([IDLE, IDLE], "ok"),
        ([IDLE, replace(IDLE, checked_out=10)], "busy"),
        ([FULL, IDLE], "exhausted"),  # 50 of 80 would be none
        ([replace(IDLE, checked_out=10), FULL], "exhausted"),
    ],
)
def test_the_status_is_that_of_the_worst_pool(states: list[PoolState], expected: str) -> None:
    assert expected == JointState.of(states).status
    assert expected == PoolHealth.model_validate(JointState.of(states)).status


def test_one_pool_without_a_limit_leaves_the_sum_without_one() -> None:
    assert JointState.of([IDLE, replace(IDLE, limit=None)]).limit is None


def test_a_connection_that_either_pool_does_not_get_back_is_seen() -> None:
    one, other = engine(), engine()
    gauges = JointGauges(instrument(one), instrument(other))
    with closing(one.raw_connection()):
        kept = other.raw_connection()
        assert 2 == gauges.read().checked_out
    assert 1 == gauges.read().checked_out
    kept.close()
    assert 0 == gauges.read().checked_out
    assert gauges.pooled


def test_held_times_of_all_pools_are_taken_together_and_once() -> None:
    one, other = engine(), engine()
    gauges = JointGauges(instrument(one), instrument(other))
    for each in (one, other, other):
        each.raw_connection().close()
    taken = gauges.take_times()
    assert (3, 3) == (taken.held.count, taken.release.count)
    assert 0 == gauges.take_times().held.count
