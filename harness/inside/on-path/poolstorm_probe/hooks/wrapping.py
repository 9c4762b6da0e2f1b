"""Putting wrappers in the place of methods: all that are named, or none."""

from __future__ import annotations

from typing import Any, Callable


def wrap(owner: Any, **wrappers: Callable[[Any], Any]) -> None:
    """Have each method of a class replaced by what its wrapper makes of it.

    Raises TypeError, and changes nothing, where one is not there or is none: this is another version.
    """
    found = {name: getattr(owner, name, None) for name in wrappers}
    for name, method in found.items():
        if not callable(method):
            raise TypeError(f"{owner!r} has no method {name}")
    for name, method in found.items():
        setattr(owner, name, wrappers[name](method))
