"""A locustfile of the user's, before anything of a run is started: imported once, in a process of its own."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from pathlib import Path

from harness.apps.wish import AppWish, locustfile_of
from harness.environment.children import locustfile_environment, module_command
from harness.environment.leash import Child, Leash
from harness.errors import PlanError, shown
from harness.locustfile import Found, Inspected, Locustfile

IMPORTED_WITHIN_S = 30.0
MOST_PRINTED_BYTES = 1_000_000
_POLL_S = 0.02


def look_into(apps: Sequence[AppWish], length_s: float | None) -> Inspected | None:
    """The locustfile that puts the load on these apps, where there is one. Raises PlanError."""
    file = locustfile_of(apps, length_s)
    return None if file is None else Inspected(file=file, found=inspect_locustfile(file))


def inspect_locustfile(file: Locustfile, within_s: float = IMPORTED_WITHIN_S) -> Found:
    """What is in it. Raises PlanError, in one line, where it cannot be used."""
    where = f"locustfile {shown(file.path.name)}"
    with Leash() as leash:
        folder = leash.temporary_folder()
        result = folder / "found.json"
        child = leash.start(
            module_command("harness.load.outside.inspection", file.model_dump_json(), result),
            env=locustfile_environment(),
            log_path=folder / "printed",
            name="it",
            stop_signal=signal.SIGKILL,  # it may heed nothing else
        )
        problem = _wait(child, within_s)
        child.stop()
        found = None if problem else _read(result)
        if found is None and not problem:
            problem = f"ends the process that imports it: {child.end_description()}; mend that"
    if found is None:
        raise PlanError(f"{where}: {problem}")
    if found.problem:
        raise PlanError(f"{where}: {found.problem}")
    return found


def _wait(child: Child, within_s: float) -> str:
    """Until it has ended; what keeps it from that, in words."""
    deadline_s = time.monotonic() + within_s
    while child.alive():
        if time.monotonic() > deadline_s:
            return (
                f"is still being imported after {within_s:g} s; move what it waits for into on_start or a "
                "listener of test_start"
            )
        if child.log_path.stat().st_size > MOST_PRINTED_BYTES:
            return f"prints more than {MOST_PRINTED_BYTES // 1_000_000} MB as it is imported; have it print less"
        time.sleep(_POLL_S)
    return ""


def _read(result: Path) -> Found | None:
    try:
        return Found.model_validate_json(result.read_bytes())
    except (OSError, ValueError):
        return None
