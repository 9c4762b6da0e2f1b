"""A statement by one of the calls that are wrapped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from poolstorm_probe.counts import COUNTS, now_ns


@contextmanager
def statement(*, of_the_app: bool) -> Iterator[None]:
    """Counts, and how long it took, unless it is none of the app's."""
    if not of_the_app:
        yield
        return
    began_ns = now_ns()
    try:
        yield
    finally:
        COUNTS.took("query", began_ns)
        COUNTS.add("STATEMENTS")
