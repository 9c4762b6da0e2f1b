"""When a request of Locust's clients leaves the process, and when the last byte of its answer has come in.

Locust's clock also runs while its clients' libraries build a request and take an answer apart: work of the
generator's. So they are watched beside the socket. Where a version of theirs has none of these places, nothing is
watched, and Locust's clock counts.
"""

from __future__ import annotations

import functools
import http.client
import socket
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import urllib3.connection
from geventhttpclient import connectionpool, response

Told = Callable[[], object]
"""What is called where something passes. Before a request's first byte, its connection's opening included, it may
wait.
"""
_FINAL = 200


@dataclass(slots=True)
class Passage:
    """One request's way over the wire: of several, as redirects and repeated attempts make them, first sending
    and last answer. Times are the monotonic clock's, in ns; 0 is not known.
    """

    sent_ns: int = 0
    read_ns: int = 0  # bytes came in
    received_ns: int = 0  # the last of them

    def leave(self) -> None:
        """It goes to its connection, or to another one."""
        now_ns = time.monotonic_ns()
        self.sent_ns = self.sent_ns or now_ns
        self.read_ns = self.received_ns = 0


PASSAGE: ContextVar[Passage | None] = ContextVar("passage", default=None)
"""Of the request that this greenlet is in."""


def watch_usual(leaving: Told) -> bool:
    """Watch requests and urllib3, as HttpUser has them; False where they are not as they are known."""
    connection, answer = urllib3.connection.HTTPConnection, http.client.HTTPResponse
    places = (
        (connection, "send"),
        (connection, "_new_conn"),
        (socket.SocketIO, "readinto"),
        (answer, "_close_conn"),
    )
    if not _are_there(places):
        return False
    _watch(connection, "send", before=leaving)
    _watch(connection, "_new_conn", before=leaving)  # also where TLS has to be spoken before anything is sent
    _watch(socket.SocketIO, "readinto", after=_read)
    _watch(answer, "_close_conn", before=_whole)
    return True


def watch_fast(leaving: Told) -> bool:
    """Watch geventhttpclient, as FastHttpUser has it; False where it is not as it is known."""
    pool, answer = connectionpool.ConnectionPool, response.HTTPResponse
    if not _are_there(((pool, "get_socket"), (answer, "_on_message_complete"), (answer, "get_code"))):
        return False
    _watch(pool, "get_socket", before=leaving)
    complete = answer._on_message_complete

    @functools.wraps(complete)
    def completed(self: Any) -> Any:
        if self.get_code() >= _FINAL:
            _read()
            _whole()
        return complete(self)

    answer._on_message_complete = completed  # type: ignore[method-assign]
    return True


def _are_there(places: tuple[tuple[Any, str], ...]) -> bool:
    return all(callable(getattr(owner, name, None)) for owner, name in places)


def _nothing() -> None:
    pass


def _watch(owner: Any, name: str, *, before: Told = _nothing, after: Told = _nothing) -> None:
    wrapped = getattr(owner, name)

    @functools.wraps(wrapped)
    def watched(*args: Any, **others: Any) -> Any:
        before()
        got = wrapped(*args, **others)
        after()
        return got

    setattr(owner, name, watched)


def _read() -> None:
    passage = PASSAGE.get()
    if passage is not None:
        passage.read_ns = time.monotonic_ns()


def _whole() -> None:
    passage = PASSAGE.get()
    if passage is not None:
        passage.received_ns = passage.read_ns
