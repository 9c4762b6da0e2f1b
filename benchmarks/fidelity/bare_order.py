"""Order and answer of bare Locust; apart from it, because importing Locust patches the standard library."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.model import Behaviour

READY = "ready"


@dataclass(frozen=True, slots=True)
class Order:
    """What to do; the window runs from `from_s` to `to_s` after `origin_ns` of the monotonic clock."""

    host: str
    users: int
    behaviour: Behaviour
    origin_ns: int
    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True)
class Answer:
    """Requests that ended within the window, and how many of them failed."""

    completed: int
    failed: int
