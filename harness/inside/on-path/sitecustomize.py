"""Starts poolstorm's probe in an app, then hands over to the app's own sitecustomize, where it has one.

Python imports the first module of this name on its path by itself. The folder that it lies in is taken off the
path again, so that the app finds nothing there that it would not find without it.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
from contextlib import suppress

_HERE = os.path.dirname(os.path.abspath(__file__))


def _start() -> None:
    with suppress(Exception):  # an app runs as it would without a probe, whatever becomes of that
        import poolstorm_probe

        poolstorm_probe.start()


def _leave() -> None:
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != _HERE]


def _hand_over() -> None:
    """Run the app's own, under the name that this one has; what it raises is its affair, as Python tells it."""
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
    if spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


_start()
_leave()
_hand_over()
