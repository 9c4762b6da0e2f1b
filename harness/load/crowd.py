"""Who puts the load on: what the generator asks of it, whether its users are ours or a locustfile's."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from harness.load import messages
from harness.load.arrivals import Share
from harness.load.samples import Samples
from scenarios.model import Phase


class Errand(NamedTuple):
    """What one arrival does, and what that is called where it comes to nothing."""

    operation: str
    run: Callable[[], None]


class CrowdError(Exception):
    """There is nobody to put load on; the text says why, for the user."""


class Crowd(Protocol):
    """Closed users and arrivals."""

    @property
    def users(self) -> int:
        """Closed users that are there."""
        ...

    def enter(self, phase: Phase) -> None:
        """A phase begins: its closed users begin, or those of the one before end. Returns at once.

        Raises CrowdError where nobody could begin so far.
        """
        ...

    def errand(self, phase: Phase) -> Errand:
        """What the next arrival of an open phase does."""
        ...

    def leave(self, within_s: float) -> None:
        """The load is over: closed users end what they do, and go."""
        ...

    def close(self) -> list[str]:
        """All has ended; what is to be told of it, in words. Raises CrowdError where nobody could begin."""
        ...


def crowd_of(order: messages.LoadOrder, samples: Samples, share: Share) -> Crowd:
    """Whom an order asks for, ready to begin. Raises CrowdError where they cannot."""
    if order.locustfile is not None:
        from harness.load.outside.users import LocustfileUsers

        return LocustfileUsers(order, order.locustfile, samples, share)
    from harness.load.own_users import OwnUsers

    return OwnUsers(order, samples, share)
