"""A worker lent from elsewhere: one load process after the other, as long as the person wants."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from harness.environment.leash import Leash
from harness.errors import EnvironmentSetupError, PlanError

_LOG = "worker.log"


def lend(master: str, say: Callable[[str], None]) -> None:
    """Serve the master at `HOST:PORT` until Ctrl-C.

    Raises PlanError for an address of another form and EnvironmentSetupError where the load process fails.
    """
    host, _, port = master.rpartition(":")
    if not host or not port.isdigit():
        raise PlanError(
            f"{master!r} is not the address of a master; write it as HOST:PORT, such as 127.0.0.1:5557"
        )
    say(f"waiting for a run with --attach at {master}; Ctrl-C ends this")
    with Leash() as leash:
        log_path = leash.temporary_folder() / _LOG
        loads = 0
        try:
            while True:
                child = leash.start(
                    [sys.executable, "-m", "harness.load.worker", host, port],
                    env=os.environ,
                    log_path=log_path,
                    name="load worker",
                    grace_s=1.5,
                )
                status = child.popen.wait()
                if status != 0:
                    raise EnvironmentSetupError(
                        f"{child.end_description()}; see whether a run listens at {master}"
                    )
                child.stop()
                loads += 1
                say(f"{loads} {'load' if loads == 1 else 'loads'} served")
        except KeyboardInterrupt:
            say("leaving")
