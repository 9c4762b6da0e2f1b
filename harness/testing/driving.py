"""Requests from several users at once, each answer kept: for what must hold however long it takes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count

from harness.http_reader import HttpReader

PATIENCE_S = 60.0
"""For an answer: these are no measurements, and a machine may be busy."""


@dataclass(frozen=True)
class Answer:
    """What came for one request: status 0 where nothing did, and why."""

    path: str
    status: int
    error: str = ""

    @property
    def succeeded(self) -> bool:
        """A status of 2xx or 3xx."""
        return 200 <= self.status < 400

    def __str__(self) -> str:
        return f"{self.path}: {self.error or self.status}"


@dataclass(frozen=True)
class Driven:
    """A round of requests. `statements` and `checkouts` are the app's meanwhile; None where it does not tell."""

    answers: tuple[Answer, ...]
    statements: int | None = None
    checkouts: int | None = None

    @property
    def failed(self) -> tuple[Answer, ...]:
        """Those without success."""
        return tuple(answer for answer in self.answers if not answer.succeeded)

    @property
    def statements_per_request(self) -> float:
        """Exact. Raises AssertionError where the app's inside is not seen."""
        return self._each(self.statements)

    @property
    def checkouts_per_request(self) -> float:
        """Connections taken from a pool. Raises AssertionError where the app's inside is not seen."""
        return self._each(self.checkouts)

    def require_success(self) -> None:
        """Raises AssertionError, which counts what came instead."""
        if self.failed:
            told = ", ".join(f"{times} x {what}" for what, times in Counter(map(str, self.failed)).most_common(5))
            raise AssertionError(f"{len(self.failed)} of {len(self.answers)} requests failed: {told}")

    def require_statements(self, at_most: float) -> None:
        """Of each request, in the mean. Raises AssertionError."""
        if self.statements_per_request > at_most:
            raise AssertionError(
                f"{self.statements_per_request:g} statements a request, of {at_most:g} at most "
                f"({self.statements} in {len(self.answers)} requests)"
            )

    def _each(self, number: int | None) -> float:
        if number is None:
            raise AssertionError("the app does not tell of its pools: no process of it is a Python with the probe")
        return number / len(self.answers)


def drive(url: str, paths: Sequence[str], users: int, requests: int) -> tuple[Answer, ...]:
    """So many requests in all, the paths by turns, at most `users` at once; in the order of their numbers."""
    numbers, answers = count(), [Answer("", 0)] * requests
    lock = threading.Lock()

    def one_user(_: int) -> None:
        with HttpReader(url, PATIENCE_S) as reader:
            for number in _until(requests, numbers, lock):
                path = paths[number % len(paths)]
                found = reader.ask("GET", path)
                answers[number] = Answer(path, found.status, found.error)

    with ThreadPoolExecutor(users) as pool:
        list(pool.map(one_user, range(users)))
    return tuple(answers)


def _until(most: int, numbers: Iterator[int], lock: threading.Lock) -> Iterator[int]:
    while True:
        with lock:
            number = next(numbers)
        if number >= most:
            return
        yield number


def asked_once(url: str, path: str, patience_s: float) -> Answer:
    """One request on a connection of its own."""
    with HttpReader(url, patience_s) as reader:
        found = reader.ask("GET", path)
    return Answer(path, found.status, found.error)
