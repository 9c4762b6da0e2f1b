"""How a request ended, by what is known of it: decided here and nowhere else."""

from __future__ import annotations

import json
import socket

from harness.records import Outcome

NO_KIND = "-"
_LONGEST_KIND = 40


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
    if isinstance(error, (TimeoutError, socket.timeout)):
        return Outcome.UNKNOWN, "client-timeout"
    if isinstance(error, ConnectionResetError):
        return Outcome.UNKNOWN, "connection-reset"
    return Outcome.UNKNOWN, "no-answer"


def _problem(body: bytes | None) -> tuple[str | None, str | None]:
    """Kind and effect of an application/problem+json body; a body of another form says nothing."""
    try:
        document = json.loads(body or b"")
    except ValueError:
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
