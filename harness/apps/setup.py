"""The app's own command that fills its database, run once before the first trial."""

from __future__ import annotations

import shlex
import signal
import subprocess

from harness.apps.places import fill, fill_all, of_database
from harness.environment.children import users_environment
from harness.environment.embedded import ends_well
from harness.environment.leash import Leash, ending
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
    folder = leash.temporary_folder()
    with ending(lambda: leash.remove_folder(folder)):
        child = leash.start(
            [fill(word, places) for word in launch.setup],
            env=users_environment(fill_all(launch.setup_environment, places)),
            log_path=folder / "setup.log",
            name=f"the set-up command {shlex.join(launch.setup)!r}",
            stop_signal=signal.SIGTERM,
            cwd=launch.directory,
        )
        try:
            problem = "" if ends_well(child, SETUP_WITHIN_S) else f"{child.end_description()}; try it by hand"
        except subprocess.TimeoutExpired:
            problem = f"{child.name} did not end in {SETUP_WITHIN_S:g} s{child.last_words()}; give one that does"
    if problem:
        raise EnvironmentSetupError(f"the database cannot be filled: {problem}")
