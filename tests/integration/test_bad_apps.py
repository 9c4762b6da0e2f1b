"""Apps that do not behave: each is told in a line with its own words, and what had finished is kept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from harness.environment.bounded_log import MOST_BYTES
from harness.errors import EXIT_USAGE
from reports.analyse import analyse
from reports.read import Trial, read_run
from tests.integration.command import poolstorm

pytestmark = pytest.mark.integration

APP = """
import asyncio, os, sys, time
import asyncpg, uvicorn
BAD = os.environ.get("BAD", "")
pool = None
asked = 0

async def app(scope, receive, send):
    global pool, asked
    if scope["type"] != "http":
        return
    if pool is None:
        pool = await asyncpg.create_pool(os.environ["DB"], min_size=1, max_size=3)
        if BAD == "holds":
            kept = await asyncpg.connect(os.environ["DB"])
            app.kept = kept, kept.transaction()
            await app.kept[1].start()
            await kept.fetchval("select 1")
    asked += 1
    if BAD == "tells" and asked == 20:
        print("ERROR: no more of", os.environ["DB"], os.environ["SHOP_API_KEY"], file=sys.stderr, flush=True)
        os._exit(7)
    if BAD == "dies" and asked == 40:
        print("out of cheese", file=sys.stderr, flush=True)
        os._exit(7)
    if BAD == "shouts":
        sys.stderr.write("x" * 400_000 + "\\n")
    await pool.fetchval("select 41 + 1")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})

if BAD == "tells":
    print("hello", sys.argv[2:], os.environ["SHOP_API_KEY"], flush=True)
    with open("told", "a") as told:
        told.write(os.environ["DB"] + "\\n")
if BAD == "late":
    time.sleep(3)
if BAD == "garbage":
    import socketserver
    class Garbage(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(1000)
            self.request.sendall(b"SSH-2.0-nonsense\\r\\n")
    socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), Garbage).serve_forever()
elsewhere = 1 if BAD == "elsewhere" else 0
if BAD != "imported":
    uvicorn.run(app, port=int(sys.argv[1]) + elsewhere, log_level="error")
"""


def run(folder: Path, bad: str, *words: str, seconds: float = 1.5) -> subprocess.CompletedProcess[str]:
    (folder / "app.py").write_text(APP)
    app = f"{sys.executable} app.py {{port}}"
    return poolstorm(
        *("run", "-o", "out", "--app", app, "--env", "DB={database_url}", "--env", f"BAD={bad}"),
        *("--get", "/", "-s", "baseline", "--rate", "60", "--duration", str(seconds), *words),
        cwd=folder,
    )


def the_trial(folder: Path) -> Trial:
    (trial,) = read_run(folder / "out").trials
    return trial


@pytest.mark.slow
def test_one_that_starts_late_is_waited_for(tmp_path: Path) -> None:
    ended = run(tmp_path, "late", "--ready", "/")
    assert ended.returncode == 0, ended.stderr
    assert the_trial(tmp_path).record.state == "completed"


@pytest.mark.parametrize(("bad", "said"), [("elsewhere", "listens at {port}"), ("garbage", "is no HTTP")])
def test_one_that_never_answers_is_told_before_the_trials(tmp_path: Path, bad: str, said: str) -> None:
    (tmp_path / "poolstorm.toml").write_text(
        f"""
        scenarios = ["baseline"]
        [app]
        run = "{sys.executable} app.py {{port}}"
        env = {{ DB = "{{database_url}}", BAD = "{bad}" }}
        ready = "/"
        ready_within_s = 2
        get = ["/"]
        rate_per_s = 60
        """
    )
    (tmp_path / "app.py").write_text(APP)
    ended = poolstorm("run", "-o", "out", cwd=tmp_path, timeout_s=120)
    assert (ended.returncode, "Traceback" in ended.stderr) == (EXIT_USAGE, False), ended.stderr
    assert "app cannot be measured" in ended.stderr
    assert said in ended.stderr
    assert not (tmp_path / "out").exists()


def test_one_that_dies_under_load_leaves_an_invalid_trial_with_its_last_words(tmp_path: Path) -> None:
    ended = run(tmp_path, "dies")
    assert "Traceback" not in ended.stderr
    record = the_trial(tmp_path).record
    assert record.state == "invalid"
    assert "exit code 7" in record.reason
    assert "out of cheese" in record.reason


def test_passwords_and_keys_that_one_tells_stay_its_own(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        "tells",
        *("--app", f"{sys.executable} app.py {{port}} {{database_url}}", "--env", "SHOP_API_KEY=hush-hush"),
        *("--setup", f"{sys.executable} -c \"import os; print(dict(os.environ)); open('set up', 'w')\""),
    )
    passwords = {urlsplit(url).password for url in (tmp_path / "told").read_text().split()}
    assert None not in passwords
    secrets = [*map(str, passwords), "hush-hush"]
    reason = the_trial(tmp_path).record.reason
    assert "no more of postgresql://" in reason
    assert "***@127.0.0.1" in reason
    log = next((tmp_path / "out" / "trials").glob("*/target.log")).read_text()
    assert log.count("***") == 4
    told = [path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()]
    told += [ended.stdout.encode(), ended.stderr.encode()]
    assert [secret for secret in secrets if any(secret.encode() in text for text in told)] == []


def test_one_that_shouts_fills_no_disk(tmp_path: Path) -> None:
    ended = run(tmp_path, "shouts")
    assert "Traceback" not in ended.stderr
    trial = the_trial(tmp_path)
    assert trial.record.state == "completed", trial.record.reason
    log = tmp_path / "out" / "trials" / trial.record.spec.id / "target.log"
    assert 0 < log.stat().st_size <= MOST_BYTES
    assert b"bytes were cut out here" in log.read_bytes()[:100]


@pytest.mark.slow
def test_what_one_holds_from_the_start_is_its_base(tmp_path: Path) -> None:
    ended = run(tmp_path, "holds", "--ready", "/")
    assert ended.returncode == 0, ended.stderr
    record = the_trial(tmp_path).record
    assert record.sessions_before is not None
    assert record.sessions_before.idle_in_transaction == 1
    checks = analyse(read_run(tmp_path / "out")).scenarios[0].targets[0].checks
    assert {"passed"} == {check.verdict for check in checks if check.kind == "sessions-at-base"}


def test_workers_that_one_forks_are_counted_and_end_with_it(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    ended = poolstorm(
        *("run", "-o", "out", "--env", "DB={database_url}", "--env", "BAD=imported", "--get", "/"),
        *("--app", f"{sys.executable} -m uvicorn app:app --workers 2 --port {{port}}", "-s", "baseline"),
        *("--rate", "60", "--duration", "1.5"),
        cwd=tmp_path,
    )
    assert ended.returncode == 0, ended.stderr
    record = the_trial(tmp_path).record
    assert record.cpu_s["app"] > 0
    pool = record.pool_at_end
    assert pool is not None
    assert pool.limit in (3, 6)  # of those workers that were asked
    left = [process for process in psutil.process_iter(["cwd"]) if process.info["cwd"] == str(tmp_path)]
    assert left == []


def test_a_set_up_that_does_not_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import harness.apps.setup as setup; setup.SETUP_WITHIN_S = 1.0; from harness.entry import start; start()"
    )
    (tmp_path / "app.py").write_text(APP)
    ended = subprocess.run(
        [
            *(sys.executable, "-c", code, "run", "-o", "out", "--app", f"{sys.executable} app.py {{port}}"),
            *("--env", "DB={database_url}", "--get", "/", "-s", "baseline"),
            *("--setup", f"{sys.executable} -c 'import time; print(\"locked\"); time.sleep(60)'"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ended.returncode, "Traceback" in ended.stderr) == (EXIT_USAGE, False), ended.stderr
    assert "did not end in 1 s" in ended.stderr
    assert "locked" in ended.stderr
    assert not (tmp_path / "out").exists()
