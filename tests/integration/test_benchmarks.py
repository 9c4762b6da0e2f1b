"""The benchmarks themselves run, once each and unmeasured; their figures are for `make bench`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
POOLS = ("no-pool", "queue-pool", "queue-pool-pre-ping", "queue-pool-instrumented")


@pytest.mark.integration
def test_every_benchmark_runs() -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "benchmarks",
        "--benchmark-disable",
        "-vv",
        "-p",
        "no:cacheprovider",
    ]

    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)

    outcomes = dict(re.findall(r"^benchmarks/\S+::(\S+) (\w+)", done.stdout, re.MULTILINE))
    assert (done.returncode, set(outcomes.values())) == (0, {"PASSED"}), done.stdout[-2000:]
    assert {f"test_checkout[psycopg2-{pool}]" for pool in POOLS} <= set(outcomes)
    assert {f"test_checkout_async[asyncpg-{pool}]" for pool in POOLS} <= set(outcomes)
