"""How a request ended, by what is known of it: decided here and nowhere else.

Nothing that a target sends makes `classify` raise, and no body is read that is larger than a problem document.
"""

from __future__ import annotations

import json

import httptools

from harness.records import Outcome
from scenarios.http_client import TooLargeError

NO_KIND = "-"
UNCLASSIFIED = "unclassified"
"""The kind of a request whose end nobody foresaw; it counts all the same."""
_LONGEST_KIND = 40
_LARGEST_PROBLEM_BYTES = 16_384
_KINDS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (TimeoutError, "client-timeout"),
    (ConnectionResetError, "connection-reset"),
    (TooLargeError, "too-large"),
    ((httptools.HttpParserError, httptools.HttpParserUpgrade), "malformed-answer"),
    (OSError, "no-answer"),
)
"""Of transport errors where the request may have been received; the first that fits counts."""


def classify(status: int, body: bytes | None, error: BaseException | None) -> tuple[Outcome, str]:
    """Outcome and kind from the HTTP status (0: no answer), its problem document and the transport's error.

    A problem document is believed in what it says of its effect. Where none says anything, a status of 400 to 499
    means that the request was turned down; any other leaves open whether the server had done it before it failed.
    """
    if 200 <= status < 300:
        return Outcome.OK, NO_KIND
    if status == 0:
        return _without_answer(error)
    kind, effect = _problem(body)
    kind = kind or f"http-{status}"
    if kind == "pool-exhausted":
        return Outcome.REFUSED, kind
    not_done = effect == "none" or (effect is None and 400 <= status < 500)
    return (Outcome.FAILED if not_done else Outcome.UNKNOWN), kind


def _without_answer(error: BaseException | None) -> tuple[Outcome, str]:
    if isinstance(error, ConnectionRefusedError):
        return Outcome.FAILED, "connect-refused"  # nothing was sent
    kinds = (kind for classes, kind in _KINDS if isinstance(error, classes))
    return Outcome.UNKNOWN, next(kinds, "no-answer" if error is None else UNCLASSIFIED)


def _problem(body: bytes | None) -> tuple[str | None, str | None]:
    """Kind and effect of an application/problem+json body; one of another form, or too large, says nothing."""
    if not body or len(body) > _LARGEST_PROBLEM_BYTES:
        return None, None
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):  # brackets within brackets exhaust the decoder's stack
        return None, None
    if not isinstance(document, dict):
        return None, None
    kind, effect = document.get("kind"), document.get("effect")
    return _clean_kind(kind), effect if isinstance(effect, str) else None


def _clean_kind(kind: object) -> str | None:
    """A kind comes from the system under test and goes into a tag: letters, digits and hyphens only."""
    if not isinstance(kind, str) or not 0 < len(kind) <= _LONGEST_KIND:
        return None
    return kind if all(char.isascii() and (char.isalnum() or char == "-") for char in kind) else None
