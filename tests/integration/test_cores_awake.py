"""What keeps cores awake while generators are compared: a loop on each, behind all else, gone at the end."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import psutil
import pytest

from benchmarks.fidelity import awake
from benchmarks.fidelity.base import Bench
from harness.environment.leash import Leash

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not awake.cores(), reason="there is no such priority here"),
]
STARTED_WITHIN_S = 20.0


def loops() -> list[psutil.Process]:
    """Those of this test's own children that keep a core awake and have come as far as their loop."""
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if "benchmarks.fidelity.awake" in child.cmdline() and os.sched_getscheduler(child.pid) == os.SCHED_IDLE
    ]


def test_each_core_has_a_loop_at_the_lowest_priority(tmp_path: Path) -> None:
    with Leash() as leash:
        bench = Bench(leash=leash, folder=tmp_path, quick=True, rng=random.Random(1), say=lambda text: None)
        with awake.cores_awake(bench):
            until_s = time.monotonic() + STARTED_WITHIN_S
            while len(found := loops()) < len(awake.cores()) and time.monotonic() < until_s:
                time.sleep(0.05)
            places = sorted(tuple(os.sched_getaffinity(child.pid)) for child in found)
        assert places == [(core,) for core in awake.cores()]
        assert not any(child.is_running() for child in found)
