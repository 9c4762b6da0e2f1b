"""The benchmarks themselves run, once each and unmeasured; their figures are for `make bench`."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from benchmarks.fidelity.base import Bench
from benchmarks.fidelity.generators import static_server
from harness.environment.leash import Leash

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


@pytest.mark.integration
def test_children_of_fidelity_see_nothing_of_the_users_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leash: Leash
) -> None:
    (tmp_path / "uvloop.py").write_text("raise SystemExit('shadowed by the project')\n")
    strange = {
        "PGHOSTADDR": "192.0.2.1",
        "LC_ALL": "de_DE.ISO-8859-1",
        "UVICORN_PORT": "1",
        "PYTHONPATH": str(tmp_path),
    }
    for name, value in strange.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    bench = Bench(leash=leash, folder=tmp_path, quick=True, rng=random.Random(1), say=lambda text: None)

    with static_server(bench) as server:
        answer = httpx.get(f"{server.url}/users/1", timeout=20, trust_env=False)
        seen = psutil.Process(server.pid).environ()

    assert answer.status_code == 200
    assert [] == [name for name, value in strange.items() if seen.get(name) == value]
