"""A run written down, checked, and checked again with a statement more: on real parts, as in a CI."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.command import poolstorm
from tests.integration.test_gate import APP

pytestmark = pytest.mark.integration

PLAN = """
scenarios = ["short"]
route_costs = true

[app]
run = "one:app"
env = {DATABASE_URL = "{database_url}"}
rate_per_s = 20

[scenario.short]
base = "gate"
phases = [{ name = "steady", duration_s = 1, arrivals = { rate_per_s = 30 } }]
drain_s = 0.5

[limits.short]
statements_per_request = %s
"""
ONCE = 'return await app.state.pool.fetchval("SELECT 1")'
MORE = f'await app.state.pool.fetchval("SELECT 2"); {ONCE}'


def run(folder: Path, name: str, body: str, limit: float) -> int:
    """The app with this body, run into a folder of that name."""
    (folder / "one.py").write_text(APP.replace("{body}", body))
    (folder / "poolstorm.toml").write_text(PLAN % limit)
    done = poolstorm("run", "-o", name, cwd=folder)
    assert done.returncode in (0, 4), done.stderr[-2000:]
    return done.returncode


def test_a_statement_more_than_on_file_ends_with_4_and_so_does_one_beyond_a_limit(tmp_path: Path) -> None:
    assert 0 == run(tmp_path, "before", ONCE, 1)
    written = poolstorm("baseline", "write", "before", cwd=tmp_path)
    assert 0 == written.returncode, written.stderr
    on_file = json.loads((tmp_path / "poolstorm-baseline.json").read_text())
    assert [1] == [
        one["value"] for one in on_file["findings"] if one["kind"] == "count" and one["metric"] == "statements"
    ]
    again = poolstorm("baseline", "check", "before", cwd=tmp_path)
    assert 0 == again.returncode, again.stdout
    assert 4 == run(tmp_path, "after", MORE, 1), "the limit is one statement"
    checked = poolstorm("baseline", "check", "after", cwd=tmp_path)
    assert 4 == checked.returncode
    assert "app/short/steady//number/statements" in checked.stdout
    assert "limit-statements_per_request" in checked.stdout
