"""The command `poolstorm` as a user runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-c", "from harness.cli import main; main()"]


def poolstorm(*arguments: str | Path, timeout_s: float = 180.0) -> subprocess.CompletedProcess[str]:
    """Run to the end and hand back output and exit code."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=timeout_s, check=False
    )
