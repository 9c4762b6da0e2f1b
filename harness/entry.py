"""Where the command begins: Ctrl-C while the rest is still being imported ends it quietly, too."""

from __future__ import annotations

import sys
from typing import NoReturn

from harness.interrupts import ignore_interrupts


def start() -> NoReturn:
    """The console script `poolstorm`."""
    try:
        from harness.cli import main

        main()
    except KeyboardInterrupt:
        sys.exit(130)  # harness.errors may not have been imported
    finally:
        ignore_interrupts()
