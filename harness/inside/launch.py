"""What an app's environment has beside its own, so that the probe runs in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

PATH = Path(__file__).parent / "on-path"
"""What goes first on the app's path; nothing but the probe lies there."""
VARIABLE = "POOLSTORM_PROBE"


def with_probe(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The environment of a Python program that tells in `folder`. Other programs do not mind."""
    rest = environment.get("PYTHONPATH", "")
    path = f"{PATH}{os.pathsep}{rest}" if rest else str(PATH)
    return {**environment, "PYTHONPATH": path, VARIABLE: str(folder)}
