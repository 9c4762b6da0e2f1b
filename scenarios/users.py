"""What a user does: the behaviours behind every scenario, as ordinary Locust users.

Import this only under Locust (`scenarios.model.under_locust`). Each task sends exactly one request, so that
the harness can also run a task as a single arrival of an open workload.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from typing import Any, ClassVar

from locust import FastHttpUser, LoadTestShape, constant, constant_throughput
from locust.env import Environment

from scenarios.model import Behaviour, Scenario

SEEDED_USERS = 1000
"""Users that the seed data holds, with ids from 1."""

PAGE_COLUMNS = "id,name,balance_cents"
HOLD_MS = 500


class PoolUser(FastHttpUser):
    """Base of all behaviours. `rng` is seeded by the harness; under stock Locust it is not."""

    abstract = True
    rng = random.Random()
    wait_time = constant_throughput(5)
    network_timeout = 10.0
    connection_timeout = 10.0
    annotate: ClassVar[Callable[[PoolUser], dict[str, Any]] | None] = None  # set by the harness
    sending: ClassVar[Callable[[], None] | None] = None  # likewise: called as a request goes to its connection

    def __init__(self, environment: Environment) -> None:
        """As any user, but without cookies: the jar takes a tenth of a request's processor time."""
        super().__init__(environment)
        agent, sending = self.client.client, type(self).sending
        agent.cookiejar = None
        if sending is not None:
            send: Callable[[Any], Any] = agent._urlopen

            def told(request: Any) -> Any:
                sending()
                return send(request)

            agent._urlopen = told  # type: ignore[method-assign]

    def context(self) -> dict[str, Any]:
        """What goes with each request to Locust's request event."""
        annotate = type(self).annotate
        return annotate(self) if annotate is not None else {}

    def any_user_id(self) -> int:
        """An id of a seeded user."""
        return self.rng.randint(1, SEEDED_USERS)

    def any_token(self) -> str:
        """A client token that makes a write safe to send twice."""
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))


def read_user(user: PoolUser) -> None:
    """One user by primary key: the shortest request that needs a connection."""
    user.client.get(f"/users/{user.any_user_id()}", name="read_user")


def list_users(user: PoolUser) -> None:
    """A page of twenty users, three columns each."""
    page = user.rng.randint(1, SEEDED_USERS // 20)
    user.client.get(f"/users?page={page}&page_size=20&columns={PAGE_COLUMNS}", name="list_users")


def create_user(user: PoolUser) -> None:
    """A new user with no money, under an address of its own."""
    body = {"name": "New User", "email": f"{user.any_token()}@example.test", "balance_cents": 0}
    user.client.post("/users", json=body, name="create_user")


def transfer(user: PoolUser) -> None:
    """A little money from one user to another, under a token of its own."""
    payer, payee = user.rng.sample(range(1, SEEDED_USERS + 1), 2)
    body = {
        "token": user.any_token(),
        "from_user_id": payer,
        "to_user_id": payee,
        "amount_cents": user.rng.randint(1, 100),
    }
    user.client.post("/transfers", json=body, name="transfer")


def hold(user: PoolUser) -> None:
    """One connection held for `HOLD_MS`: what a slow query or a chatty handler does."""
    user.client.get(f"/hold?ms={HOLD_MS}", name="hold")


class Reader(PoolUser):
    """Reads single users."""

    tasks = [read_user]  # noqa: RUF012


class Prober(Reader):
    """Reads single users one at a time, with a pause in which the connection gets back to its pool."""

    wait_time = constant(0.05)


class Teller(PoolUser):
    """Moves money."""

    tasks = [transfer]  # noqa: RUF012


class Mixed(PoolUser):
    """A service's ordinary day: mostly single reads, some pages, some transfers, a few new users."""

    tasks = [read_user] * 14 + [list_users] * 3 + [transfer] * 2 + [create_user]  # type: ignore[assignment]


class Holder(PoolUser):
    """Holds a connection, again and again."""

    wait_time = constant(0)
    tasks = [hold]  # noqa: RUF012


BEHAVIOURS: dict[Behaviour, type[PoolUser]] = {
    "reader": Reader,
    "prober": Prober,
    "teller": Teller,
    "mixed": Mixed,
    "holder": Holder,
}


class PhaseShape(LoadTestShape):
    """Makes stock Locust follow the closed phases of `scenario`: so many users, for so long, then stop.

    Open arrivals have no counterpart in a stock user count; scenarios built of them leave it to the person
    at the web UI.
    """

    abstract = True
    scenario: Scenario

    def tick(self) -> tuple[int, float] | None:
        """Users and spawn rate for the moment, or None when the last phase is over."""
        elapsed_s = float(self.get_run_time())  # type: ignore[no-untyped-call]
        for phase in self.scenario.phases:
            if elapsed_s < phase.duration_s:
                users = phase.users or 1
                return users, float(users)
            elapsed_s -= phase.duration_s
        return None
