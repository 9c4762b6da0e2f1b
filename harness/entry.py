"""Where the command begins: Ctrl-C while the rest is still being imported ends it quietly, too."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from typing import NoReturn

from harness.interrupts import ignore_interrupts, settle_signals

TRACEBACK_VARIABLE = "POOLSTORM_TRACEBACK"
EXIT_UNFORESEEN = 2


def start() -> NoReturn:
    """The console script `poolstorm`."""
    try:
        settle_signals()
        _keep_own_rights()
        _come_first()
        from harness.cli import main

        main()
    except KeyboardInterrupt:
        sys.exit(130)  # harness.errors may not have been imported
    except Exception as error:  # nobody foresaw it: a limit of the machine, or a fault of ours
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        sys.exit(_unforeseen(error))
    finally:
        ignore_interrupts()


def _keep_own_rights() -> None:
    """A umask that takes rights from the owner shuts us, and PostgreSQL, out of files of our own."""
    os.umask(os.umask(0o077) & 0o077)


def _come_first() -> None:
    """Have our packages and their requirements found before what PYTHONPATH names: `reports` is no rare name.

    What it names is still searched, last. For children see `harness.environment.children`.
    """
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    named = set()
    for path in os.environ.get("PYTHONPATH", "").split(os.pathsep):
        with suppress(OSError):  # relative to a working directory that has gone
            named.add(os.path.abspath(path))  # noqa: PTH100
    strangers = [path for path in sys.path if path in named and path != root]
    rest = [path for path in sys.path if path not in strangers]
    ours = [] if root in rest else [root]
    sys.path[:] = [*ours, *rest, *strangers]


def _has_working_directory() -> bool:
    try:
        os.getcwd()  # noqa: PTH109
    except OSError:
        return False
    return True


def _unforeseen(error: Exception) -> int:
    """One line for an error that no other place caught, even where hardly anything can be imported any more."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else "?"  # noqa: PTH119
    said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    line = (
        f"error: unforeseen {said} ({place}); see this shell's limits (ulimit -a) and whether the disk has room, "
    )
    if isinstance(error, FileNotFoundError) and not _has_working_directory():
        line = "error: the folder that this was started in is not there any more; change to another, "
    with suppress(Exception):
        encoding = sys.stderr.encoding or "ascii"
        text = f"{line}or report it with what {TRACEBACK_VARIABLE}=1 shows"
        sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        sys.stderr.flush()
    return EXIT_UNFORESEEN
