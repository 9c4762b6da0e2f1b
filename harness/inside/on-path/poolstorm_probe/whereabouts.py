"""Where in the app something was done: the innermost of its own lines that led here."""

from __future__ import annotations

import os
import sys
import sysconfig
from types import CodeType, FrameType

Place = tuple[CodeType, int]
"""A function and a line in it."""
MOST_FRAMES = 60

_STRANGERS = tuple(
    {
        os.path.realpath(sysconfig.get_paths()[name]) + os.sep
        for name in ("stdlib", "platstdlib", "purelib", "platlib")
    }
)
_PACKAGES = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages", "poolstorm_probe"))
_IS_APPS: dict[str, bool] = {}  # by file; as many as the app has


def place_of_app() -> Place | None:
    """None where no line of the app's is among the last ones. SQLAlchemy's greenlets are looked behind."""
    frame: FrameType | None = sys._getframe(2)
    found = _first_of_app(frame)
    if found is None and (greenlet := sys.modules.get("greenlet")) is not None:
        parent = greenlet.getcurrent().parent
        if parent is not None:
            found = _first_of_app(parent.gr_frame)
    return found


def _first_of_app(frame: FrameType | None) -> Place | None:
    for _ in range(MOST_FRAMES):
        if frame is None:
            return None
        code = frame.f_code
        file = code.co_filename
        known = _IS_APPS.get(file)
        if known is None:
            known = _IS_APPS[file] = _is_apps(file)
        if known:
            return code, frame.f_lineno
        frame = frame.f_back
    return None


def _is_apps(file: str) -> bool:
    if file.startswith("<"):
        return False
    path = os.path.realpath(file)
    return not (path.startswith(_STRANGERS) or any(folder in path for folder in _PACKAGES))


def as_text(place: Place | None) -> str:
    """Such as `shop/orders.py:41 place_order`: the file's last two parts, the line, the function."""
    if place is None:
        return ""
    code, line = place
    return f"{'/'.join(code.co_filename.split(os.sep)[-2:])}:{line} {code.co_name}"
