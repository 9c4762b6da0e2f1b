"""The fixture `poolstorm` in an ordinary test suite of somebody's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

APP = """
import os
from fastapi import FastAPI, HTTPException
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError
engine = create_engine(os.environ["DB"], pool_size=3, max_overflow=0, pool_pre_ping=True, pool_timeout=20)
app = FastAPI()
kept = []

def ask(statement, **values):
    try:
        with engine.connect() as connection:
            return [row[0] for row in connection.execute(text(statement), values)]
    except SQLAlchemyError as error:
        raise HTTPException(503, type(error).__name__)

@app.get("/items")
def items():
    return ask("select name from items")

@app.get("/each")
def each():
    names = ask("select name from items")
    return [ask("select name from items where name = :name", name=name)[0] for name in names]

@app.get("/leak")
def leak():
    kept.append(engine.connect())
    kept[-1].execute(text("select 1"))
"""
FILL = """
import os, psycopg2
connection = psycopg2.connect(os.environ["DB"].replace("+psycopg2", ""))
connection.autocommit = True
connection.cursor().execute("create table items as select 'item ' || n as name from generate_series(1, 4) n")
"""
TESTS = """
import sys
import pytest

GOOD = {"env": {"DB": "{database_url+psycopg2}"}, "setup": f"{sys.executable} fill.py"}

def test_it_holds(poolstorm):
    with poolstorm.app("items:app", **GOOD) as app:
        driven = app.drive("/items", users=12, requests=60)
        driven.require_success()
        driven.require_statements(at_most=1)
        assert driven.checkouts_per_request == 1
        with app.fault("latency", latency_ms=20):
            app.drive("/items", users=6, requests=12).require_success()
        with app.fault("proxy-down"):
            assert app.drive("/items", users=6, requests=12).failed
        app.require_recovery("/items")
        app.require_no_errors()
        app.require_drained()

def test_it_asks_too_often(poolstorm):
    with poolstorm.app("items:app", **GOOD) as app:
        app.drive("/each", requests=10).require_statements(at_most=2)

def test_it_leaks(poolstorm):
    with poolstorm.app("items:app", **GOOD) as app:
        app.drive("/leak", users=1, requests=2).require_success()
        app.require_drained(within_s=1)

def test_it_is_not_there(poolstorm):
    with poolstorm.app("items:app", **GOOD) as app:
        app.drive(["/items", "/nowhere"], requests=10)
        app.require_no_errors()
"""


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    folder = tmp_path_factory.mktemp("project")
    for name, text in (("items.py", APP), ("fill.py", FILL), ("test_items.py", TESTS)):
        (folder / name).write_text(text)
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-rA", "--tb=line", "test_items.py"],
        cwd=folder,
        env=own,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_a_good_app_passes_and_each_fault_is_told_in_a_line(ended: subprocess.CompletedProcess[str]) -> None:
    told = ended.stdout
    assert "PASSED test_items.py::test_it_holds" in told, told + ended.stderr
    assert "1 passed" in told
    assert "3 failed" in told
    assert "5 statements a request, of 2 at most (50 in 10 requests)" in told
    assert "2 connections are out and 0 requests wait for one, the longest since" in told
    assert "items.py:" in told
    assert "5 of 10 requests failed: 5 x /nowhere: 404" in told


def test_an_ordinary_run_pays_nothing_for_it(tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text(
        "import sys\n\n"
        "def test_nothing():\n"
        "    heavy = {'locust', 'gevent', 'sqlalchemy', 'fastapi', 'harness.testing.environment'}\n"
        "    assert not heavy & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "test_nothing.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
