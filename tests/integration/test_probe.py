"""The probe in apps that are not made for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from harness.inside.channel import Channel
from harness.inside.launch import PATH, with_probe
from tests.contract.contract_support import wait_until

pytestmark = pytest.mark.integration

USES_A_POOL = """
from sqlalchemy import create_engine, text
engine = create_engine("sqlite:///app.db")
with engine.connect() as connection:
    connection.execute(text("select 1"))
"""


@pytest.fixture
def told(tmp_path: Path) -> Path:
    folder = tmp_path / "told"
    folder.mkdir()
    return folder


def run(
    folder: Path, told: Path, code: str, *options: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    (folder / "app.py").write_text(code)
    own = with_probe({**os.environ, **environment}, told)
    return subprocess.run(
        [sys.executable, *options, "app.py"],
        cwd=folder,
        env=own,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def checkouts(told: Path) -> int:
    return Channel(told).read()["CHECKOUTS"]


def test_nothing_is_found_on_the_path_that_would_not_be_there_without_it(tmp_path: Path, told: Path) -> None:
    ended = run(
        tmp_path,
        told,
        textwrap.dedent(
            f"""
            import sys
            assert {str(PATH)!r} not in sys.path
            import json.decoder, sqlalchemy, importlib
            assert type(sqlalchemy.__loader__).__module__ == "_frozen_importlib_external", sqlalchemy.__loader__
            importlib.reload(json.decoder)
            """
        )
        + USES_A_POOL,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert checkouts(told) == 1


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ("import sys; sys.own_was_here = True", "yes"),
        ("raise RuntimeError('mine is broken')", "no"),
    ],
)
def test_the_app_s_own_sitecustomize_is_run_and_may_fail(tmp_path: Path, told: Path, own: str, said: str) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "sitecustomize.py").write_text(own)
    code = "import sys; print('yes' if hasattr(sys, 'own_was_here') else 'no')\n" + USES_A_POOL
    ended = run(tmp_path, told, code, PYTHONPATH=str(tmp_path / "mine"))
    assert (ended.returncode, ended.stdout.strip()) == (0, said)
    assert ("mine is broken" in ended.stderr) == (said == "no")  # as Python tells it without a probe
    assert checkouts(told) == 1


def test_each_forked_process_counts_for_itself_and_what_has_ended_holds_nothing(
    tmp_path: Path, told: Path
) -> None:
    ended = run(
        tmp_path,
        told,
        USES_A_POOL
        + """
import os
held = engine.connect()
child = os.fork()
if not child:
    with create_engine("sqlite:///app.db").connect():
        os._exit(0)
os.waitpid(child, 0)
""",
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert len(list(told.iterdir())) == 2
    found = Channel(told).read()
    assert (found["CHECKOUTS"], found["OUT"], found["OPEN"], found.processes) == (3, 0, 0, 0)
    assert found["OPENED"] == found["CLOSED"] == 2


def test_any_number_of_processes_one_after_another_are_counted(tmp_path: Path, told: Path) -> None:
    code = (
        USES_A_POOL
        + """
import os
for _ in range(300):
    if not os.fork():
        with engine.connect():
            pass
        held = engine.connect()
        os._exit(0)
    os.wait()
"""
    )
    channel = Channel(told)
    for turn in (1, 2):
        ended = run(tmp_path, told, code)
        assert (ended.returncode, ended.stderr) == (0, "")
        found = channel.read(with_times=True)
        assert found["CHECKOUTS"] == sum(found.times["acquire"]) == 601 * turn
        assert (found["OPENED"], found["OUT"], found["OUT_MAX"], found.processes) == (found["CLOSED"], 0, 1, 0)
    assert channel.is_told_into()
    assert channel.read().libraries == {"sqlalchemy"}
    assert not list(told.iterdir())  # what has ended takes up no disk


def test_a_process_that_uses_no_pool_of_its_parent_s_has_none(tmp_path: Path, told: Path) -> None:
    code = USES_A_POOL + "import os\nif not os.fork():\n    os.read(0, 1)\nos.read(0, 1)\n"
    (tmp_path / "app.py").write_text(code)
    own = with_probe(dict(os.environ), told)
    with subprocess.Popen([sys.executable, "app.py"], cwd=tmp_path, env=own, stdin=subprocess.PIPE) as parent:
        channel = Channel(told)
        wait_until(lambda: channel.read().processes == 2, "both tell")
        found = channel.read()
        parent.communicate(b"..")
    assert (found["SIZE"], found.limit) == (5, 15)


def test_what_a_forked_process_inherits_and_closes_is_not_its_own(tmp_path: Path, told: Path) -> None:
    ended = run(
        tmp_path,
        told,
        USES_A_POOL
        + """
import os, time
if not os.fork():
    engine.dispose()
    with engine.connect() as connection:
        connection.execute(text("select 1"))
        os._exit(0)
time.sleep(0.5)  # it has ended, and is not asked about yet
""",
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    found = Channel(told).read()
    assert (found["OPENED"], found["CLOSED"], found["OPEN"]) == (2, 2, 0)


def test_a_process_that_has_ended_and_is_not_asked_about_holds_nothing(told: Path) -> None:
    code = 'import os, sqlalchemy as sa; c = sa.create_engine("sqlite:///a.db").connect(); os._exit(0)'
    child = subprocess.Popen([sys.executable, "-c", code], cwd=told, env=with_probe(dict(os.environ), told))
    try:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it stays a zombie
        found = Channel(told).read()
        assert (found.processes, found["OUT"], found["CHECKOUTS"]) == (0, 0, 1)
    finally:
        child.wait()


@pytest.mark.parametrize("what", ["gone", "no folder", "locked"])
def test_a_folder_that_cannot_be_written_costs_the_app_nothing(tmp_path: Path, told: Path, what: str) -> None:
    if what == "locked":
        if os.geteuid() == 0:
            pytest.skip("root may write anywhere")
        told.chmod(0o500)
    else:
        told.rmdir()
        if what == "no folder":
            told.write_text("")
    ended = run(tmp_path, told, USES_A_POOL)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_an_interpreter_that_heeds_no_variables_has_no_probe(tmp_path: Path, told: Path) -> None:
    ended = run(tmp_path, told, USES_A_POOL, "-I")
    assert ended.returncode == 0
    assert not Channel(told).is_told_into()


def test_a_library_of_another_version_is_left_as_it_is(tmp_path: Path, told: Path) -> None:
    (tmp_path / "psycopg_pool").mkdir()
    (tmp_path / "psycopg_pool" / "__init__.py").write_text("")
    (tmp_path / "psycopg_pool" / "pool.py").write_text("class ConnectionPool:\n    getconn = 1\n")
    ended = run(
        tmp_path, told, "import psycopg_pool.pool as p; assert p.ConnectionPool.getconn == 1\n" + USES_A_POOL
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    found = Channel(told).read()
    assert found["TROUBLES"] > 0
    assert found["CHECKOUTS"] == 1


def test_what_lies_in_the_folder_beside_is_left_alone(told: Path) -> None:
    (told / "1-1.gauges").write_bytes(b"too short")
    (told / "2-2.gauges").symlink_to("/etc/hostname")
    (told / "3-3.gauges").mkdir()
    os.mkfifo(told / "4-4.gauges")
    (told / "5-5.other").write_bytes(b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signal, "alarm", lambda *_: None)
        found = Channel(told).read()
    assert (found.processes, found["CHECKOUTS"]) == (0, 0)


def test_each_event_loop_is_watched_also_where_another_had_its_address(tmp_path: Path, told: Path) -> None:
    ended = run(
        tmp_path,
        told,
        """
import asyncio
from poolstorm_probe.hooks import asyncio_loops

async def watched():
    asyncio_loops.watch_running_loop()
    return asyncio.get_running_loop() in asyncio_loops._ticking

assert all(asyncio.run(watched()) for _ in range(20))
""",
        PYTHONPATH=str(PATH),
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_who_exchanges_the_standard_library_s_parts_comes_first(tmp_path: Path, told: Path) -> None:
    code = "import sys; assert not {'asyncio', 'ssl', 'concurrent.futures'} & set(sys.modules), set(sys.modules)\n"
    patched = "from gevent import monkey; monkey.patch_all()\n"
    ended = run(tmp_path, told, code + patched + USES_A_POOL, "-W", "error")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert checkouts(told) == 1


def test_a_full_disk_costs_the_app_nothing(tmp_path: Path, told: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(told)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    try:
        ended = run(tmp_path, told, USES_A_POOL)
        assert not Channel(told).is_told_into()
    finally:
        subprocess.run(["umount", str(told)], check=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
