"""Anyone's app under the standard scenarios, with real PostgreSQL, Toxiproxy and load."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import EXIT_USAGE
from harness.records import InsideReading, TimesReading
from reports.analyse import analyse
from reports.read import Run, Trial, read_run
from reports.summary import CheckResult
from tests.integration.command import poolstorm

pytestmark = pytest.mark.integration

SHOP = """
import os
from fastapi import FastAPI
from sqlalchemy import create_engine, text
engine = create_engine(os.environ["SHOP_DB"], pool_size=3, max_overflow=0)
app = FastAPI()

@app.get("/items")
def items(limit: int = 5):
    with engine.connect() as connection:
        return [row[0] for row in connection.execute(text("select name from items limit :n"), {"n": limit})]

@app.get("/count")
def count():
    with engine.connect() as connection:
        return connection.execute(text("select count(*) from items")).scalar()

@app.get("/items/{number}")
def item(number: int):
    return number
"""
FILL = """
import os, psycopg2
connection = psycopg2.connect(os.environ["SHOP_DB"].replace("+psycopg2", ""))
connection.autocommit = True
connection.cursor().execute("create table items as select 'item ' || n as name from generate_series(1, 100) n")
"""
RAW = """
import sys, asyncio, asyncpg, uvicorn
pool = None
async def app(scope, receive, send):
    global pool
    if scope["type"] != "http":
        return
    if pool is None:
        pool = await asyncpg.create_pool(sys.argv[2], min_size=1, max_size=3)
    number = await pool.fetchval("select 41 + 1")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(number).encode()})
uvicorn.run(app, port=int(sys.argv[1]), log_level="error")
"""
ALONE = """
import http.server, sys
class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""
LEAK = """
kept = []

@app.get("/leak")
def leak():
    if len(kept) < 2:
        kept.append(engine.connect())
        kept[-1].execute(text("select 1"))
    return "ok"
"""
ENDS = "import sys; sys.exit('no such setting: SHOP_KEY')"


FAILS = RAW.replace("sys.argv[2]", "__import__('os').environ['DB']").replace('"status": 200', '"status": 503')


def run(folder: Path, *words: str, seconds: float = 2.0) -> subprocess.CompletedProcess[str]:
    """`poolstorm run` in the app's folder, which the app is started in."""
    return poolstorm("run", "-o", "out", "--duration", str(seconds), "--rate", "20", *words, cwd=folder)


def kept(folder: Path) -> Run:
    return read_run(folder / "out")


def checks_of(folder: Path) -> tuple[CheckResult, ...]:
    (scenario,) = analyse(kept(folder)).scenarios
    (target,) = scenario.targets
    return target.checks


def operations(trial: Trial) -> set[str]:
    return {cell.key.operation for cell in trial.cells}


def test_a_fastapi_app_is_measured_on_the_paths_that_it_names_itself(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "fill.py").write_text(FILL)
    ended = run(
        tmp_path,
        *("--app", "shop:app", "--env", "SHOP_DB={database_url+psycopg2}"),
        *("--setup", f"{sys.executable} fill.py", "-s", "baseline", "-s", "latency"),
    )
    assert "Traceback" not in ended.stderr
    found = kept(tmp_path)
    assert [trial.record.state for trial in found.trials] == ["completed", "completed"]
    for trial in found.trials:
        assert operations(trial) == {"/items", "/count"}
        assert (trial.record.transactions or 0) > 0
        assert trial.record.target.settings == {}
        pool = trial.record.pool_at_end
        assert pool is not None
        assert (pool.limit, pool.checked_out, pool.timed_out_total) == (3, 0, 0)
        assert pool.requests_total == pool.checkouts_total == pool.statements_total
        assert {40} == {reading.tokens for reading in trial.readings_of(InsideReading) if reading.tokens}
        assert {"held", "query", "acquire"} <= {reading.of for reading in trial.readings_of(TimesReading)}
    # Looked at ten times a second, a short request is often missed; one that the database is late for is not.
    seen = [reading for trial in found.trials for reading in trial.readings_of(InsideReading)]
    assert max(reading.borrowed or 0 for reading in seen) >= 1
    assert "of 2 trials completed" in ended.stdout


@pytest.mark.parametrize("options", [(), ("--no-probe",), ("isolated",)], ids=["probed", "unprobed", "isolated"])
def test_an_app_of_another_kind_is_started_by_its_own_command(tmp_path: Path, options: tuple[str, ...]) -> None:
    (tmp_path / "raw.py").write_text(RAW)
    python, words = (f"{sys.executable} -I", ()) if options == ("isolated",) else (sys.executable, options)
    ended = run(
        tmp_path,
        *("--app", f"{python} raw.py {{port}} {{database_url}}", "--get", "/answer?x=1"),
        *("-s", "baseline", *words),
    )
    (trial,) = kept(tmp_path).trials
    assert trial.record.state == "completed", ended.stderr
    assert (trial.record.pool_at_end is None) == bool(options)
    assert any("was not seen" in note for note in trial.record.notes) == (options == ("isolated",))
    assert operations(trial) == {"/answer"}


@pytest.mark.parametrize(
    ("app", "words", "said"),
    [
        (ALONE, ["--get", "/"], "the app did nothing in the database that it was given"),
        (ALONE, [], "the app has no /openapi.json (the answer is no JSON object)"),
        (ENDS, ["--get", "/"], "no such setting: SHOP_KEY"),
        (FAILS, ["--get", "/"], "it answered no request with a success"),
    ],
    ids=["ignores its database", "names no paths", "ends at once", "answers with errors only"],
)
def test_an_app_that_cannot_be_measured_is_told_why(tmp_path: Path, app: str, words: list[str], said: str) -> None:
    (tmp_path / "app.py").write_text(app)
    ended = run(
        tmp_path,
        *("--app", f"{sys.executable} app.py {{port}}", "--env", "DB={database_url}", "-s", "baseline", *words),
        seconds=1.0,
    )
    assert (ended.returncode, "Traceback" in ended.stderr) == (EXIT_USAGE, False), ended.stderr
    assert "app cannot be measured" in ended.stderr
    assert said in ended.stderr
    assert not (tmp_path / "out").exists()


def test_sessions_that_are_left_inside_a_transaction_are_found(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP + LEAK)
    (tmp_path / "fill.py").write_text(FILL)
    ended = run(
        tmp_path,
        *("--app", "shop:app", "--env", "SHOP_DB={database_url+psycopg2}", "-s", "baseline"),
        *("--setup", f"{sys.executable} fill.py", "--get", "/items", "--get", "/leak"),
    )
    assert ended.returncode == 0, ended.stderr
    told = {check.kind: check for check in checks_of(tmp_path)}
    assert told["sessions-at-base"].verdict == "broken"
    assert "2 sessions are idle inside a transaction after the drain" in told["sessions-at-base"].evidence
    assert told["answers-unchanged"].verdict == "passed"
    assert told["no-errors-outside-faults"].verdict == "passed"


def test_rates_are_shares_of_what_the_app_bears_and_variants_stand_beside_it(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "fill.py").write_text(FILL)
    (tmp_path / "poolstorm.toml").write_text(
        f"""
        scenarios = ["short"]
        [app]
        run = "shop:app"
        env = {{ SHOP_DB = "{{database_url+psycopg2}}" }}
        setup = "{sys.executable} fill.py"
        [app.variants.slow]
        env = {{ PYTHONHASHSEED = 0 }}
        [scenario.short]
        base = "baseline"
        """
    )
    ended = poolstorm("run", "-o", "out", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "the plan is poolstorm.toml" in ended.stderr
    found = kept(tmp_path)
    told = found.manifest.calibration
    assert told is not None
    assert told.target == "app"
    assert max(step.succeeded_per_s for step in told.steps if step.failing <= 0.05) == told.borne_per_s
    steady = found.manifest.scenarios[0].phases[-1].arrivals
    assert steady is not None
    assert steady.rate_per_s == pytest.approx(told.usual_per_s)
    assert {trial.record.spec.target for trial in found.trials} == {"app", "app-slow"}
    assert f"{told.usual_per_s:g}/s were taken as usual" in ended.stdout.replace("\n", " ")


def test_a_set_up_that_fails_ends_the_run_with_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(ALONE)
    (tmp_path / "fill.py").write_text("import sys; sys.exit('no migration named head')")
    ended = run(
        tmp_path,
        *("--app", f"{sys.executable} app.py {{port}}", "--env", "DB={database_url}"),
        *("--setup", f"{sys.executable} fill.py"),
    )
    assert (ended.returncode, "Traceback" in ended.stderr) == (EXIT_USAGE, False), ended.stderr
    assert "the database cannot be filled" in ended.stderr
    assert "no migration named head" in ended.stderr
    assert not (tmp_path / "out").exists()


LOAD = """
from locust import FastHttpUser, HttpUser, LoadTestShape, constant, task
from shop import SHOP  # beside this file

class Reader(FastHttpUser):
    weight = 2
    wait_time = constant(0.05)
    @task
    def items(self):
        self.client.get(SHOP + "?limit=2")

class Counter(HttpUser):
    wait_time = constant(0.05)
    def on_start(self):
        self.client.get("/count", name="first")
    @task
    def count(self):
        with self.client.get("/count", catch_response=True) as answer:
            if answer.json() != 100:
                answer.failure("some are missing")

class Stages(LoadTestShape):
    def tick(self):
        return (6, 100) if self.get_run_time() < 2 else None
"""


def test_a_locustfile_puts_the_load_on_in_standard_scenarios_and_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "load").mkdir()
    (tmp_path / "app" / "shop.py").write_text(SHOP)
    (tmp_path / "app" / "fill.py").write_text(FILL)
    (tmp_path / "load" / "shop.py").write_text("SHOP = '/items'\n")
    (tmp_path / "load" / "locustfile.py").write_text(LOAD)
    (tmp_path / "poolstorm.toml").write_text(
        f"""
        scenarios = ["baseline", "as-written"]
        workers = 2
        [app]
        run = "shop:app"
        directory = "app"
        env = {{ SHOP_DB = "{{database_url+psycopg2}}" }}
        setup = "{sys.executable} fill.py"
        locustfile = "load/locustfile.py"
        """
    )
    ended = run(tmp_path)
    assert "Traceback" not in ended.stderr
    assert "its Stages is left aside where a scenario has a shape of its own" in ended.stderr
    found = {trial.record.spec.scenario: trial for trial in kept(tmp_path).trials}
    assert {"baseline", "as-written"} == set(found)
    recorded = kept(tmp_path).manifest.locustfile
    assert recorded is not None
    assert (recorded.name, recorded.sha256) == ("locustfile.py", hashlib.sha256(LOAD.encode()).hexdigest())
    for trial in found.values():
        assert trial.record.state == "completed", trial.record.reason
        assert {"GET:/items", "GET:/count"} <= operations(trial) <= {"GET:/items", "GET:/count", "GET:first"}
    assert "GET:first" in operations(found["as-written"])
    assert "of 2 trials completed" in ended.stdout
