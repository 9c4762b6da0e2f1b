"""What a dry run says of apps."""

from __future__ import annotations

import sys

import pytest

from harness.plan import build_plan
from harness.planning.wish import PlanFile, merge_wishes
from harness.preview import print_plan


def test_an_app_s_commands_are_told_and_no_value_that_may_be_secret(capsys: pytest.CaptureFixture[str]) -> None:
    app = {
        "run": f"{sys.executable} 'my app.py' {{port}}",
        "env": ["DB={database_url}", "KEY=s3cret", "URL=x{database_url}"],
        "setup": f"{sys.executable} fill.py",
    }
    print_plan(build_plan(merge_wishes(PlanFile(), app=app, scenarios=["baseline"])))
    told = " ".join(capsys.readouterr().out.split())
    assert "'my app.py' {port}" in told
    assert "fill.py" in told
    assert "DB={database_url}" in told
    assert "KEY=..." in told
    assert "s3cret" not in told
    assert "URL=..." in told
    assert "it is found out what it bears" in told


def test_standard_targets_have_no_such_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(build_plan(PlanFile()))
    told = capsys.readouterr().out
    assert "Apps" not in told
    assert "bears" not in told
