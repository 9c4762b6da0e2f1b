"""A place on this machine that is not this machine: a network and a clock of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

AHEAD_S = 5_000
"""How far the clock over there is ahead of ours."""
HERE = "198.18.213.1"
"""Our address on the wire between the two, of the range that RFC 2544 keeps for benchmarks."""
_THERE = "198.18.213.2"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """`prefix` before a command runs it over there, where `here` is the only address of ours to be reached.

    `unshare` passes no signal on: send them to the process group.
    """

    prefix: tuple[str, ...]
    here: str = HERE


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    """A network namespace at the end of a virtual wire, and a time namespace. Skips where they cannot be made."""
    if not (shutil.which("ip") and shutil.which("unshare")):
        pytest.skip("ip and unshare are needed to make a network of its own")
    space, outside, inside = f"poolstorm-{os.getpid()}", f"pso{os.getpid()}", f"psi{os.getpid()}"
    prefix = ("ip", "netns", "exec", space)
    clock = ("unshare", "--time", "--fork", "--monotonic", str(AHEAD_S), "--boottime", str(AHEAD_S))
    try:
        _must("ip", "netns", "add", space)
        _must("ip", "link", "add", outside, "type", "veth", "peer", "name", inside, "netns", space)
        _must("ip", "address", "add", f"{HERE}/30", "dev", outside)
        _must("ip", "link", "set", outside, "up")
        _must("ip", "-n", space, "address", "add", f"{_THERE}/30", "dev", inside)
        _must("ip", "-n", space, "link", "set", inside, "up")
        _must("ip", "-n", space, "link", "set", "lo", "up")
        _must(*prefix, *clock, "true")
        yield Elsewhere((*prefix, *clock))
    finally:
        _run("ip", "link", "delete", outside)
        _run("ip", "netns", "delete", space)


def _must(*command: str) -> None:
    done = _run(*command)
    if done.returncode != 0:
        pytest.skip(f"no network of its own can be made here: {done.stderr.strip()}")


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)
