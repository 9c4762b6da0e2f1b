"""A run where the locale knows no UTF-8."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.integration.command import COMMAND

pytestmark = pytest.mark.integration

PLAN = """
targets = ["sync-pool"]
scenarios = ["hard"]

[scenario.hard]
base = "baseline"
title = "Größe ± 测"
"""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_words_beyond_ascii_reach_the_load_and_the_report(tmp_path: Path, workers: str) -> None:
    plan, run = tmp_path / "plan.toml", tmp_path / "run"
    plan.write_text(PLAN, encoding="utf-8")
    command = [*COMMAND, "run", "--plan", str(plan), "--duration", "3", "--workers", workers, "--output", str(run)]
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

    done = subprocess.run(command, capture_output=True, timeout=180, check=False, env={**os.environ, **ascii_only})

    assert 0 == done.returncode, done.stderr
    assert b"Gro?e +- ? (hard)" in done.stdout
    assert b"1 of 1 trial completed" in done.stdout
    assert "Größe ± 测" in (run / "summary.md").read_text(encoding="utf-8")
