"""The probe's counts under OpenTelemetry's names, in a process of a service's own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
SERVICE = """
import json, sys
from sqlalchemy import create_engine, text
engine = create_engine("sqlite:///service.db", pool_size=2, max_overflow=1, pool_timeout=0.1)
with engine.connect() as before:
    before.execute(text("select 1"))
import poolstorm
metrics = poolstorm.instrument(engine)
assert metrics.points() and "locust" not in sys.modules and "pydantic" not in sys.modules
kept = [engine.connect() for _ in range(3)]
try:
    engine.connect()
except Exception as error:
    assert type(error).__name__ == "TimeoutError", error
kept.pop().close()
points = metrics.points()
print(json.dumps({
    "points": [[p.name, p.kind, p.unit, dict(p.attributes), getattr(p.value, "total", p.value)] for p in points],
    "text": metrics.exposition(),
    "waited_s": next(p.value.sum_s for p in points if p.name.endswith("wait_time")),
}))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("service")
    (folder / "service.py").write_text(SERVICE)
    ended = subprocess.run(
        [sys.executable, "service.py"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return dict(json.loads(ended.stdout))


def test_points_bear_the_conventions_names_kinds_and_units(told: dict[str, Any]) -> None:
    pool = {"db.client.connection.pool.name": "local/service.db"}
    found = [(name, kind, unit, value) for name, kind, unit, _, value in told["points"]]
    assert all(attributes.items() >= pool.items() for _, _, _, attributes, _ in told["points"])
    assert found[:7] == [
        ("db.client.connection.count", "updowncounter", "{connection}", 2),
        ("db.client.connection.count", "updowncounter", "{connection}", 0),
        ("db.client.connection.idle.max", "updowncounter", "{connection}", 2),
        ("db.client.connection.idle.min", "updowncounter", "{connection}", 0),
        ("db.client.connection.max", "updowncounter", "{connection}", 3),
        ("db.client.connection.pending_requests", "updowncounter", "{request}", 0),
        ("db.client.connection.timeouts", "counter", "{timeout}", 1),
    ]
    assert [(name, kind, unit) for name, kind, unit, _ in found[7:]] == [
        ("db.client.connection.create_time", "histogram", "s"),
        ("db.client.connection.wait_time", "histogram", "s"),
        ("db.client.connection.use_time", "histogram", "s"),
    ]
    created, waited, used = (value for *_, value in found[7:])
    assert (waited, used) == (4, 1)
    assert created >= 2


def test_sums_are_of_all_that_was_waited(told: dict[str, Any]) -> None:
    """Three had theirs at once, and one waited for its timeout of 0.1 s in vain."""
    assert told["waited_s"] >= 0.1


def test_states_tell_used_from_idle(told: dict[str, Any]) -> None:
    states = [attributes.get("db.client.connection.state") for _, _, _, attributes, _ in told["points"][:3]]
    assert states == ["used", "idle", None]


def test_the_exposition_is_prometheus_text(told: dict[str, Any]) -> None:
    lines = told["text"].splitlines()
    assert "# TYPE db_client_connection_count gauge" in lines
    assert lines.count("# TYPE db_client_connection_count gauge") == 1
    pool = 'db_client_connection_pool_name="local/service.db"'
    assert f'db_client_connection_count{{{pool},db_client_connection_state="used"}} 2' in lines
    assert f"db_client_connection_timeouts_total{{{pool}}} 1" in lines
    assert f'db_client_connection_wait_time_seconds_bucket{{{pool},le="+Inf"}} 4' in lines
    assert f"db_client_connection_wait_time_seconds_count{{{pool}}} 4" in lines
