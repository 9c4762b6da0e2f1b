"""Where the command begins: Ctrl-C while the rest is still being imported ends it quietly, too."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from typing import NoReturn

from harness.interrupts import ignore_interrupts

TRACEBACK_VARIABLE = "POOLSTORM_TRACEBACK"
EXIT_UNFORESEEN = 2


def start() -> NoReturn:
    """The console script `poolstorm`."""
    try:
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


def _unforeseen(error: Exception) -> int:
    """One line for an error that no other place caught, even where hardly anything can be imported any more."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else "?"  # noqa: PTH119
    said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    line = (
        f"error: unforeseen {said} ({place}); see this shell's limits (ulimit -a) and whether the disk has room, "
    )
    with suppress(Exception):
        encoding = sys.stderr.encoding or "ascii"
        text = f"{line}or report it with what {TRACEBACK_VARIABLE}=1 shows"
        sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        sys.stderr.flush()
    return EXIT_UNFORESEEN
