"""Virtual environments beside an app."""

from __future__ import annotations

import os


def is_environment(folder: str | os.PathLike[str]) -> bool:
    """Whether it is a virtual environment; not where one may not look into it."""
    return os.path.isfile(os.path.join(folder, "pyvenv.cfg"))  # noqa: PTH113, PTH118 -- Path's raises before 3.14
