"""Starts everything that a run starts, says what, and waits to be killed. Run by the tests of the leash.

Prints one JSON object: the pids of all its descendants, and the temporary folders.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import psutil

from harness.environment.leash import Leash
from harness.environment.postgres import database_server
from harness.environment.toxiproxy import toxiproxy_server

STUBBORN = (
    "import signal, subprocess, sys, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'])\n"
    "time.sleep(300)\n"
)


SIGN = f"runaway-of-{os.getpid()}"
RUNAWAY = (
    "import os, sys, time\n"
    "if os.fork() == 0:\n"
    "    os.setsid()\n"
    "    if os.fork() == 0:\n"
    f"        os.execv(sys.executable, [sys.executable, '-c', 'import time; time.sleep(300)', '{SIGN}'])\n"
    "    os._exit(0)\n"
    "time.sleep(300)\n"
)
"""Leaves a process behind that leads a session of its own and has no parent of ours."""


def main() -> None:
    log_path = Path(sys.argv[1])
    tempfile.tempdir = sys.argv[2]
    with (
        Leash() as leash,
        database_server(leash, url=None, allow_remote=False, progress=lambda text: None),
        toxiproxy_server(leash, url=None, progress=lambda text: None) as proxies,
    ):
        proxies.create_proxy("held", "127.0.0.1", 9)
        leash.start([sys.executable, "-c", STUBBORN], env=dict(os.environ), log_path=log_path, name="stubborn")
        still = leash.start(["sleep", "301"], env=dict(os.environ), log_path=log_path, name="standing still")
        leash.start([sys.executable, "-c", RUNAWAY], env=dict(os.environ), log_path=log_path, name="runaway")
        leash.start(["sleep", "300"], env=dict(os.environ), log_path=log_path, name="sleeper")
        time.sleep(1.0)  # the stubborn one has to have its deaf ear and its child
        found = psutil.Process().children(recursive=True)
        pids = [process.pid for process in found]
        pids += [
            process.pid for process in psutil.process_iter(["cmdline"]) if SIGN in (process.info["cmdline"] or [])
        ]
        os.kill(still.pid, signal.SIGSTOP)
        os.kill(next(process.pid for process in found if process.name() == "postgres"), signal.SIGSTOP)
        print(json.dumps({"pids": pids, "names": [process.name() for process in found]}), flush=True)  # noqa: T201
        time.sleep(300)


if __name__ == "__main__":
    main()
