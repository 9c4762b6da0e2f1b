"""What becomes of requests, and of the connections that they have out then. Raises nothing.

The moments of a request are told by the one thread that its event loop runs in.
"""

from __future__ import annotations

from poolstorm_probe.askers import Request, request_now
from poolstorm_probe.counts import COUNTS
from poolstorm_probe.layout import AT

_STREAMING, _LATE = AT["STREAMING"], AT["OUT_AFTER_RESPONSE"]
_ABANDONED, _ABANDONED_EVER = AT["ABANDONED"], AT["ABANDONED_EVER"]


def response_begins(request: Request) -> None:
    """Its first message is about to go to the server."""
    if request.begun:
        return
    request.begun = True
    COUNTS.numbers[_STREAMING] += 1
    if request.outs:
        try:
            with COUNTS.lock:
                for one in request.outs:
                    if not one.late:
                        one.late = True
                        COUNTS.numbers[_LATE] += 1
        except Exception:
            COUNTS.trouble()


def response_ends(request: Request) -> None:
    """Its last message has gone to the server, or none will follow."""
    if request.begun and not request.answered:
        request.answered = True
        COUNTS.numbers[_STREAMING] -= 1


def client_leaves(request: Request) -> None:
    """It has gone, and counts as such unless it has had the whole response."""
    if request.gone or request.answered or request.ended:
        return
    request.gone = True
    try:
        with COUNTS.lock:
            for one in request.outs:
                one.was_cancelled()
    except Exception:
        COUNTS.trouble()


def request_ends(request: Request) -> None:
    """What it has out nobody will give back, unless a task does that it started."""
    response_ends(request)
    request.ended = True
    if not request.outs:
        return
    try:
        with COUNTS.lock:
            for one in request.outs:
                if one.asker is request or not one.asker.is_at_work():
                    one.abandoned = True
                    COUNTS.numbers[_ABANDONED] += 1
                    COUNTS.numbers[_ABANDONED_EVER] += 1
    except Exception:
        COUNTS.trouble()


def commit_begins() -> Request | None:
    """The request whose response had begun before, or None."""
    request = request_now()
    if request is None or not request.begun:
        return None
    COUNTS.add("COMMITS_LATE")
    return request


def commit_failed(late: Request | None) -> None:
    """It ended in an exception; `late` as it began."""
    COUNTS.add("COMMITS_FAILED")
    if late is not None:
        COUNTS.add("COMMITS_FAILED_LATE")


def pool_was_made() -> None:
    """By whatever runs now."""
    COUNTS.add("POOLS_MADE")
    if request_now() is not None:
        COUNTS.add("POOLS_MADE_IN_REQUEST")
