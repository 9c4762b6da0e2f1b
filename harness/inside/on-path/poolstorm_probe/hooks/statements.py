"""A statement by one of the calls that are wrapped, and what a library sends beside."""

from __future__ import annotations

from typing import Any

from poolstorm_probe.counts import now_ns
from poolstorm_probe.outs import OUTS
from poolstorm_probe.serving import commit_begins, commit_failed


class Statement:
    """Counts, and how long it took, on the connection that is out under a key; no other is one of the app's.

    Contexts are classes here, as one is entered for each statement: a generator would cost three times as much.
    """

    __slots__ = ("_began_ns", "_blocking", "_one")

    def __init__(self, key: int | None, *, blocking: bool = False) -> None:
        self._one = None if key is None else OUTS.get(key)
        self._blocking = blocking

    def __enter__(self) -> None:
        if self._one is not None:
            self._one.under_way += 1
        self._began_ns = now_ns()

    def __exit__(self, _: Any, error: BaseException | None, __: Any) -> None:
        one = self._one
        if one is not None:
            one.under_way -= 1
            if error is not None:
                OUTS.failed(error, one)
            OUTS.over(one, self._began_ns, blocking=self._blocking, inner=one.under_way > 0)


class Control:
    """What a library sends by itself on the connection that is out under a key, a COMMIT among it.

    It `passes_over` errors where one that was told already is the reason of it.
    """

    __slots__ = ("_began_ns", "_blocking", "_commit", "_late", "_one", "_passes_over")

    def __init__(
        self, key: int, *, commit: bool = False, passes_over: bool = False, blocking: bool = False
    ) -> None:
        self._one = OUTS.get(key)
        self._commit, self._passes_over, self._blocking = commit, passes_over, blocking

    def __enter__(self) -> None:
        self._late = commit_begins() if self._commit and self._one is not None else None
        self._began_ns = now_ns()

    def __exit__(self, _: Any, error: BaseException | None, __: Any) -> None:
        one = self._one
        if one is None:
            return
        if error is not None:
            if self._commit:
                commit_failed(self._late)
            if self._passes_over:
                OUTS.pass_over(error)
            OUTS.failed(error, one)
        OUTS.over(one, self._began_ns, statement=False, blocking=self._blocking, inner=one.under_way > 0)
