"""How a request ended, by what is known of it."""

from __future__ import annotations

import random

import httptools
import pytest

from harness.load.classify import classify
from harness.records import Outcome
from scenarios.http_client import TooLargeError


@pytest.mark.parametrize(
    ("status", "body", "error", "expected"),
    [
        (200, None, None, (Outcome.OK, "-")),
        (201, None, None, (Outcome.OK, "-")),
        (503, b'{"kind":"pool-exhausted","effect":"none"}', None, (Outcome.REFUSED, "pool-exhausted")),
        (503, b'{"kind":"database-unavailable","effect":"none"}', None, (Outcome.FAILED, "database-unavailable")),
        (
            503,
            b'{"kind":"database-unavailable","effect":"unknown"}',
            None,
            (Outcome.UNKNOWN, "database-unavailable"),
        ),
        (500, b"Internal Server Error", None, (Outcome.UNKNOWN, "http-500")),
        (404, b'{"kind":"not-found"}', None, (Outcome.FAILED, "not-found")),
        (502, b'["kind"]', None, (Outcome.UNKNOWN, "http-502")),
        (500, None, None, (Outcome.UNKNOWN, "http-500")),
        (302, None, None, (Outcome.UNKNOWN, "http-302")),
        (422, b"no", None, (Outcome.FAILED, "http-422")),
        (409, b'{"kind":"conflict","effect":"unknown"}', None, (Outcome.UNKNOWN, "conflict")),
        (0, None, ConnectionRefusedError(), (Outcome.FAILED, "connect-refused")),
        (0, None, TimeoutError("timed out"), (Outcome.UNKNOWN, "client-timeout")),
        (0, None, ConnectionResetError(), (Outcome.UNKNOWN, "connection-reset")),
        (0, None, None, (Outcome.UNKNOWN, "no-answer")),
        (0, None, ConnectionError("closed"), (Outcome.UNKNOWN, "no-answer")),
        (0, None, TooLargeError(), (Outcome.UNKNOWN, "too-large")),
        (0, None, httptools.HttpParserError("?"), (Outcome.UNKNOWN, "malformed-answer")),
        (0, None, RuntimeError("nobody foresaw it"), (Outcome.UNKNOWN, "unclassified")),
        (500, b"[" * 900_000, None, (Outcome.UNKNOWN, "http-500")),
        (500, b"[" * 16_000, None, (Outcome.UNKNOWN, "http-500")),
        (500, b'{"kind":' + b"9" * 6000 + b"}", None, (Outcome.UNKNOWN, "http-500")),
        (500, b"\xff\xfe\x00", None, (Outcome.UNKNOWN, "http-500")),
        (500, b'{"kind":"slow","pad":"' + b" " * 20_000 + b'"}', None, (Outcome.UNKNOWN, "http-500")),
    ],
)
def test_each_ending_has_one_outcome_and_kind(
    status: int, body: bytes | None, error: Exception | None, expected: tuple[Outcome, str]
) -> None:
    assert expected == classify(status, body, error)


@pytest.mark.parametrize("kind", ["a;b", "a,b", "a b", "x" * 41, "", "ü", "line\nfeed"])
def test_a_kind_that_would_spoil_a_tag_is_not_taken_over(kind: str) -> None:
    body = f'{{"kind":"{kind}"}}'.encode()
    assert classify(500, body, None) == (Outcome.UNKNOWN, "http-500")


@pytest.mark.parametrize("seed", range(200))
def test_no_body_makes_it_raise(seed: int) -> None:
    rng = random.Random(seed)
    pieces = [
        b"{",
        b"[",
        b'"kind"',
        b":",
        b",",
        b'"effect"',
        b"null",
        b"-1e999",
        b"\\ud800",
        b'"',
        b"\xff",
        b"}",
        b"]",
    ]
    body = b"".join(rng.choice(pieces) for _ in range(rng.randint(1, 3000)))
    outcome, kind = classify(500, body, None)
    assert (Outcome.UNKNOWN, "http-500") == (outcome, kind)
