"""Order and answer of bare Locust; apart from it, because importing Locust patches the standard library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from scenarios.model import Behaviour

Client = Literal["fast-http-user", "own"]
"""Locust's FastHttpUser with the client that it brings, or the harness's user with the client of its own."""
READY = "ready"


@dataclass(frozen=True, slots=True)
class Order:
    """What to do; the window runs from `from_s` to `to_s` after `origin_ns` of the monotonic clock."""

    host: str
    users: int
    behaviour: Behaviour
    client: Client
    origin_ns: int
    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True)
class Answer:
    """Requests that ended within the window, and how many of them failed."""

    completed: int
    failed: int
