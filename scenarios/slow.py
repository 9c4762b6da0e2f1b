"""Statements of known durations: what the targets of `targets.tutorial` with a slow-query log answer to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from scenarios.users import PoolUser


class Ask(NamedTuple):
    """How a statement ends, and how long it keeps the database busy."""

    kind: str
    ms: int


NEAR: Mapping[str, Ask] = {
    "slow_50": Ask("plain", 50),
    "slow_90": Ask("plain", 90),
    "slow_110": Ask("plain", 110),
    "slow_300": Ask("plain", 300),
    "slow_failing_300": Ask("failing", 300),
    "slow_cancelled_300": Ask("cancelled", 300),
    "slow_streamed_300": Ask("streamed", 300),
}
"""By operation."""
FAR = "slow_far_50"
"""Asked while the database is far away."""


def ask_slow(user: PoolUser) -> None:
    """One of `NEAR`, as chance has it."""
    _ask(user, user.rng.choice(list(NEAR)))


def ask_far(user: PoolUser) -> None:
    """A short statement."""
    _ask(user, FAR)


def _ask(user: PoolUser, name: str) -> None:
    kind, ms = NEAR.get(name, NEAR["slow_50"])
    user.client.get(f"/slow/{kind}?ms={ms}&name={name}&token={user.any_token()}", name=name)
