"""The probe in processes of their own: what an app finds and does is what it would be without it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.inside.launch import with_probe


def ran(program: str, folder: Path, within: Sequence[str] = (), words: Sequence[str] = ()) -> str:
    """What a program with the probe in it prints; the test fails where it ends otherwise than well."""
    done = subprocess.run(
        [*within, sys.executable, "-c", program, *words],
        env=with_probe(os.environ, folder),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout.strip()


def test_nothing_is_imported_that_gevent_has_to_patch_first(tmp_path: Path) -> None:
    early = ran(
        "import sys; print(*{'asyncio', 'ssl', 'socket', 'threading', 'subprocess'} & {*sys.modules})",
        tmp_path,
    )
    assert early == ""


_A_LOOP_EACH = """
import asyncio
from poolstorm_probe.counts import COUNTS
from poolstorm_probe.hooks import asyncio_loops

class Loop(asyncio.SelectorEventLoop):
    timers = 0
    def call_later(self, *words, **options):
        Loop.timers += 1
        return super().call_later(*words, **options)

async def serve():
    asyncio_loops.watch_running_loop()
    asyncio_loops.watch_running_loop()

addresses = set()
for _ in range(20):
    loop = Loop()
    addresses.add(id(loop))
    loop.run_until_complete(serve())
    loop.close()
    del loop
print(Loop.timers, len(addresses) < 20)
"""


def test_each_event_loop_is_watched_once_also_one_at_the_place_of_another(tmp_path: Path) -> None:
    assert ran(_A_LOOP_EACH, tmp_path) == "20 True"


_ON_A_FULL_DISK = 'mount -t tmpfs -o size=8k tmpfs "$0" && cat /dev/zero > "$0/full" 2> /dev/null; exec "$@"'
"""A memory's disk of a namespace of its own: it ends with the program."""


def test_an_app_goes_on_where_the_probes_disk_is_full(tmp_path: Path) -> None:
    alone = ["unshare", "--map-root-user", "--mount", "sh", "-c", _ON_A_FULL_DISK, str(tmp_path)]
    if (
        not shutil.which("unshare")
        or subprocess.run([*alone, "test", "-e", tmp_path / "full"], check=False).returncode
    ):
        pytest.skip("no disk of its own can be had here")
    assert ran("import sqlalchemy; print('goes on')", tmp_path, alone) == "goes on"


_LET_GO = """
import asyncio, gc, sys, weakref
import sqlalchemy
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

engine = sqlalchemy.create_engine("sqlite:///" + sys.argv[1])
let_go = []

async def once(statement):
    with engine.connect() as connection:
        let_go.append(weakref.ref(connection))
        connection.execute(sqlalchemy.text(statement))

async def handle(request):
    await once("select 1")
    await asyncio.gather(once("select 1"), once("select 2"))
    try:
        await once("select nothing")
    except sqlalchemy.exc.OperationalError:
        pass
    return PlainTextResponse("done")

app = Starlette(routes=[Route("/", handle)])

async def receive():
    return {"type": "http.request"}

async def send(message):
    pass

async def main():
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"", "root_path": ""}
    for _ in range(5):
        task = asyncio.create_task(app(dict(scope), receive, send))
        let_go.append(weakref.ref(task))
        await task

gc.disable()
asyncio.run(main())
print(*(kept() is None for kept in let_go), engine.pool.checkedout())
"""


def test_what_the_app_lets_go_goes_as_soon_as_without_a_probe(tmp_path: Path) -> None:
    words = [sys.executable, "-c", _LET_GO, str(tmp_path / "app.db")]
    plain = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    assert ran(_LET_GO, tmp_path, words=words[3:]) == plain.stdout.strip()
    assert "True" in plain.stdout


_WITHOUT_A_LOOP = """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

async def handle(request):
    return PlainTextResponse("done")

app = Starlette(routes=[Route("/", handle)])
sent = []

async def receive():
    return {"type": "http.request"}

async def send(message):
    sent.append(message["type"])

scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"", "root_path": ""}
try:
    app(scope, receive, send).send(None)
except StopIteration:
    print(*sent)
"""


def test_an_app_may_run_in_no_loop_of_asyncio_s(tmp_path: Path) -> None:
    assert ran(_WITHOUT_A_LOOP, tmp_path) == "http.response.start http.response.body"
