"""What runs inside an app that is measured: it counts what its connection pools do, and tells it through a file.

Nothing but the standard library is needed, nothing is imported before the app does so itself, nothing is ever
raised into the app or printed, and no thread or socket is opened. Without the variable `VARIABLE` nothing is done.
"""

from __future__ import annotations

import os

VARIABLE = "POOLSTORM_PROBE"
"""Names the private folder in which each process of the app has a file (`poolstorm_probe.layout`)."""


_listening: list[bool] = []


def start() -> None:
    """Listen from now on where the variable is set, and tell into its folder."""
    folder = os.environ.get(VARIABLE)
    if folder:
        from poolstorm_probe.counts import COUNTS

        COUNTS.tell_in(folder)
        listen()


def listen() -> None:
    """Count from now on: each library as soon as the app has imported it, or at once where it has."""
    if not _listening:
        from poolstorm_probe import imports
        from poolstorm_probe.hooks import HOOKS

        _listening.append(True)
        imports.after(HOOKS)
