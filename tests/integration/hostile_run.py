"""`python -m tests.integration.hostile_run WAY FOLDER`: a run of one trial against the hostile target."""

from __future__ import annotations

import signal
import sys
from dataclasses import replace
from pathlib import Path

from harness.environment.stack import StackOptions
from harness.plan import build_plan
from harness.planning.wish import parse_plan
from harness.run import carry_out
from harness.store import RunStore
from harness.subject import standard_launch
from harness.terminal import say

DOCUMENT = {
    "targets": ["sync-pool"],
    "scenarios": ["mixed"],
    "scenario": {
        "mixed": {
            "base": "baseline",
            "request_timeout_s": 2.0,
            "phases": [{"name": "steady", "duration_s": 4, "arrivals": {"rate_per_s": 20}}],
        }
    },
}


def main(way: str, folder: Path) -> int:
    """Run it, and say how it ended."""
    plan = build_plan(parse_plan(DOCUMENT, "here"))
    launch = replace(standard_launch("tests.integration.apps.hostile:app"), environment={"HOSTILE_WAY": way})
    hostile = replace(plan, subjects=tuple(replace(subject, launch=launch) for subject in plan.subjects))
    ending = carry_out(hostile, "hostile", RunStore.create(folder), StackOptions(), say)
    say(f"ended with {ending.exit_code}: {ending.line}")
    return ending.exit_code


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a script's background job
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
