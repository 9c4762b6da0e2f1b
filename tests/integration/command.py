"""The command `poolstorm` as a user runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HEEDING_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
"""Shells start jobs in the background with SIGINT ignored, which children inherit, those of `make test &` too."""
COMMAND = [sys.executable, "-c", f"{HEEDING_CTRL_C}; from harness.entry import start; start()"]


def poolstorm(
    *arguments: str | Path, cwd: Path | None = None, timeout_s: float = 180.0
) -> subprocess.CompletedProcess[str]:
    """Run to the end, in the folder `cwd` where one is given, and hand back output and exit code."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=timeout_s, check=False
    )


@dataclass
class Lent:
    """A worker lent to runs with --attach; after the block, all that it said and its exit code."""

    pid: int
    said: str = ""
    returncode: int | None = None


@contextmanager
def lent_worker(address: str, prefix: Sequence[str] = ()) -> Iterator[Lent]:
    """`poolstorm worker ADDRESS` during the block, then ended as Ctrl-C would; `prefix` goes before it."""
    process = subprocess.Popen(
        [*prefix, *COMMAND, "worker", address],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    )
    lent = Lent(process.pid)
    try:
        yield lent
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # what stands before the command may pass no signal on
        lent.said, _ = process.communicate(timeout=20)
        lent.returncode = process.returncode


@contextmanager
def under_way(words: Sequence[str | Path]) -> Iterator[subprocess.Popen[str]]:
    """A program in a process group of its own, its output to be read; killed where it outlives the block."""
    process = subprocess.Popen(
        list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
