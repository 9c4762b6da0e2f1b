"""The app's own command that fills its database, run once before the first trial."""

from __future__ import annotations

import shlex
import signal
import subprocess
import tempfile
from pathlib import Path

from harness.apps.places import fill, of_database
from harness.environment.address import redacted
from harness.environment.children import users_environment
from harness.environment.leash import Leash
from harness.errors import EnvironmentSetupError
from harness.subject import Launch

SETUP_WITHIN_S = 300.0


def set_up(leash: Leash, launch: Launch, url: str) -> None:
    """Run it on the database at `url`, past every proxy.

    Raises EnvironmentSetupError, with its last words, where it fails or does not end.
    """
    if not launch.setup:
        return
    places = of_database(url)
    command = shlex.join(launch.setup)
    with tempfile.TemporaryDirectory(prefix="poolstorm-setup-") as folder:
        child = leash.start(
            [fill(word, places) for word in launch.setup],
            env=users_environment({name: fill(value, places) for name, value in launch.environment.items()}),
            log_path=Path(folder) / "setup.log",
            name=f"the set-up command {command!r}",
            stop_signal=signal.SIGTERM,
            cwd=launch.directory,
        )
        try:
            code = child.popen.wait(SETUP_WITHIN_S)
            problem = f"{child.end_description()}; try it by hand" if code else ""
        except subprocess.TimeoutExpired:
            problem = f"{child.name} did not end in {SETUP_WITHIN_S:g} s{child.last_words()}; give one that does"
        finally:
            child.stop()
    if problem:
        raise EnvironmentSetupError(
            f"the database cannot be filled: {redacted(problem, places['database_password'])}"
        )
