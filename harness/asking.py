"""Single questions to a target, outside the load: one at a time, bounded in time and size."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from harness.errors import TrialFailedError

PATIENCE_S = 10.0
LONGEST_BODY = 1_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Without an answer `status` is 0 and `error` says why; `body` is None where it is no JSON."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    body: Any = None
    took_ns: int = 0
    error: str = ""


class Asker:
    """Asks one target over one kept-alive connection, for `patience_s` in all.

    When that is over the connection is shut, so that not even an answer that comes in drips is waited for
    longer; whatever is asked then is answered by an error at once. Use it as a context manager, from one thread.
    """

    def __init__(self, url: str, patience_s: float) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
        self._ends_at_s = time.monotonic() + patience_s
        self._too_late = f"no answer within {patience_s:g} s"
        self._watchdog = threading.Timer(patience_s, self._cut)
        self._watchdog.daemon = True

    def __enter__(self) -> Self:
        self._watchdog.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watchdog.cancel()
        self._connection.close()

    @property
    def left_s(self) -> float:
        """What is left of the patience."""
        return self._ends_at_s - time.monotonic()

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        """One request. Never raises for what the target does."""
        if self.left_s <= 0:
            return Answer(error=self._too_late)
        self._connection.timeout = self.left_s
        payload = None if body is None else json.dumps(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        began_ns = time.perf_counter_ns()
        try:
            self._connection.request(method, path, payload, headers)
            response = self._connection.getresponse()
            text = response.read(LONGEST_BODY + 1)
            took_ns = time.perf_counter_ns() - began_ns
            if len(text) > LONGEST_BODY:
                raise ValueError("an answer of more than a megabyte")
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()  # the next question opens another
            return Answer(error=self._too_late if self.left_s <= 0 else _describe(error))
        received = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, received, _decoded(text), took_ns)

    def _cut(self) -> None:
        open_socket: socket.socket | None = self._connection.sock
        if open_socket is not None:
            with suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)


def fetch(url: str, body: object = None) -> tuple[int, dict[str, str], Any]:
    """Status, headers (lower case) and decoded JSON of one request. Raises TrialFailedError without an answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    try:
        try:
            answer = urllib.request.urlopen(request, timeout=PATIENCE_S)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status or 0, headers, json.loads(answer.read())
    except (OSError, ValueError) as error:
        raise TrialFailedError(f"the target gave no proper answer to {request.selector}: {error}") from error


def _describe(error: Exception) -> str:
    return str(error) if type(error) is ValueError else f"no answer ({type(error).__name__})"


def _decoded(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
