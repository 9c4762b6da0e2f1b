"""Putting wrappers in the place of methods: all that are named, or none."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, Callable

During = Callable[..., "AbstractContextManager[None]"]
"""Made of a call's own words; entered before it and left after it, with what it raised."""
Then = Callable[[Any, Any], None]
"""Gets the object whose method was called, and what that returned."""


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


def _nothing(_: Any, __: Any) -> None:
    pass


def around(during: During, then: Then = _nothing) -> Callable[[Any], Any]:
    """A wrapper of a method: each call happens within `during`, and one that returns is followed by `then`."""

    def wrapper(method: Any) -> Any:
        @wraps(method)
        def probed(self: Any, *words: Any, **options: Any) -> Any:
            with during(self, *words, **options):
                result = method(self, *words, **options)
            then(self, result)
            return result

        return probed

    return wrapper


def around_async(during: During, then: Then = _nothing) -> Callable[[Any], Any]:
    """The same of a method that is awaited."""

    def wrapper(method: Any) -> Any:
        @wraps(method)
        async def probed(self: Any, *words: Any, **options: Any) -> Any:
            with during(self, *words, **options):
                result = await method(self, *words, **options)
            then(self, result)
            return result

        return probed

    return wrapper
