"""How a request of a locustfile's user ended: what that user says of it, then what is known of its answer."""

from __future__ import annotations

import http.client
from collections import deque
from collections.abc import Iterator

import gevent
import httptools
import requests
import urllib3
from geventhttpclient._parser import HTTPParseError
from geventhttpclient.response import HTTPConnectionClosed
from geventhttpclient.useragent import BadStatusCode
from geventhttpclient.useragent import ConnectionError as ClientError

from harness.load.classify import NO_KIND, classify
from harness.load.outside.here import ElsewhereError
from harness.load.samples import NEVER_SENT
from harness.records import Outcome

WRONG_ANSWER = "wrong-answer"
"""The kind of a success that the user's own check turned into a failure."""
_DEEPEST = 20
_TELLING = (ConnectionRefusedError, ConnectionResetError, TimeoutError)
_TIMEOUTS = (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, gevent.Timeout)
_MALFORMED = (HTTPParseError, http.client.HTTPException, requests.exceptions.ContentDecodingError)
_SHORT = (http.client.IncompleteRead, HTTPConnectionClosed)
_CUT_OFF = (ConnectionError, TimeoutError, ClientError, HTTPConnectionClosed, HTTPParseError, gevent.Timeout)


def judge(status: int, body: bytes | None, error: BaseException | None) -> tuple[Outcome, str]:
    """Outcome and kind. `error` is what Locust's request event bears: None where the user takes the answer for a
    success, whatever its status.
    """
    if error is None:
        return Outcome.OK, NO_KIND
    if any(isinstance(cause, ElsewhereError) for cause in _causes(error)):
        return Outcome.FAILED, NEVER_SENT
    if 200 <= status < 400:
        # A body may be cut off behind a head that promised a success.
        cut_off = isinstance(error, _CUT_OFF) and not isinstance(error, BadStatusCode)
        return classify(0, None, cause_of(error)) if cut_off else (Outcome.FAILED, WRONG_ANSWER)
    return classify(status, body, cause_of(error))


def cause_of(error: BaseException) -> BaseException:
    """What lies under a client's own exceptions, in the words that `harness.load.classify` knows."""
    found = list(_causes(error))
    for cause in found:
        if isinstance(cause, _TELLING):
            return cause
    if any(isinstance(cause, _TIMEOUTS) for cause in found):
        return TimeoutError()
    if any(_is_short(cause) for cause in found):
        return OSError()
    if any(isinstance(cause, _MALFORMED) for cause in found):
        return httptools.HttpParserError()
    return OSError() if any(isinstance(cause, (OSError, ClientError)) for cause in found) else error


def _is_short(cause: BaseException) -> bool:
    """Whether an answer lacks its end; geventhttpclient's parser has no class of its own for that."""
    return isinstance(cause, _SHORT) or (isinstance(cause, HTTPParseError) and "Incomplete" in str(cause))


def _causes(error: BaseException) -> Iterator[BaseException]:
    waiting, seen = deque([error]), set[int]()
    while waiting and len(seen) < _DEEPEST:
        cause = waiting.popleft()
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        named = (getattr(cause, name, None) for name in ("reason", "original"))  # urllib3's, geventhttpclient's
        nearest = (cause.__cause__, cause.__context__, *named, *cause.args)
        waiting.extend(one for one in nearest if isinstance(one, BaseException))
