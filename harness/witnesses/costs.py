"""What a request of each route costs by itself: statements, checkouts, connections and round trips, counted."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

from harness.environment.parts import Link
from harness.faults.latency import Latency
from harness.http_reader import Answer, HttpReader
from harness.records import PoolReading, RouteCost, TrialRecord
from harness.sampling.gauges import Gauge
from harness.scene import Scene, Witness
from harness.subject import Capability
from harness.witnesses.pool import settled
from scenarios.model import PRIMARY_LINK
from scenarios.naming import operation_of

REQUESTS = 2
"""Of each route, of which the counts are taken; one more goes before them, on which caches may fill."""
DELAY_MS = 40
"""Each round trip is delayed by so much while they are counted: more than a busy machine adds by chance."""
DELAYED = 2
"""Requests that are delayed; the faster one is believed."""
PATIENCE_S = 5.0
OVERALL_S = 30.0
_COUNTS = ("statements", "checkouts", "opened", "pings")
"""Each a field of a reading, with `_total`."""


class Question(NamedTuple):
    """One request of a route; `body` is sent as JSON."""

    route: str
    method: str
    path: str
    body: dict[str, Any] | None = None


class CostsWitness(Witness):
    """Asks each route by itself before the load, where the plan wants that and someone tells of the pool."""

    _costs: tuple[RouteCost, ...] = ()

    def before(self) -> None:
        if not self.scene.setup.counts_routes or self.scene.open_pool is None:
            return
        link = self.scene.parts.by_name[PRIMARY_LINK]
        assert isinstance(link, Link)
        with HttpReader(self.scene.url, PATIENCE_S, OVERALL_S) as reader, closing(self.scene.open_pool()) as pool:
            self._costs = tuple(_cost(reader, pool, link, route) for route in routes_of(self.scene))

    def tell(self, record: TrialRecord) -> TrialRecord:
        return record.model_copy(update={"route_costs": self._costs})


def routes_of(scene: Scene) -> tuple[str, ...]:
    """What the load asks, as far as one can ask it without being the load."""
    if scene.subject.can(Capability.CONTRACT) or scene.subject.can(Capability.ROUTES):
        return ("read_user", "list_users", "create_user", "transfer")
    return tuple(dict.fromkeys(scene.paths))


def question(route: str) -> Question:
    """One request of a route: of the contract, or a path that is read. A write is another each time."""
    token = str(uuid.uuid4())
    match route:
        case "read_user":
            return Question(route, "GET", "/users/1")
        case "list_users":
            return Question(route, "GET", "/users?page=1&page_size=20&columns=id,name,balance_cents")
        case "create_user":
            body = {"name": "Counted", "email": f"{token}@example.test", "balance_cents": 0}
            return Question(route, "POST", "/users", body)
        case "transfer":
            order = {"token": token, "from_user_id": 1, "to_user_id": 2, "amount_cents": 1}
            return Question(route, "POST", "/transfers", order)
    return Question(operation_of(route), "GET", route)


def _cost(reader: HttpReader, pool: Gauge, link: Link, route: str) -> RouteCost:
    def ask() -> tuple[Answer, PoolReading | None]:
        """The next finds its connection back in the pool: sessions end after the answer."""
        asked = question(route)
        return reader.ask(asked.method, asked.path, asked.body), settled(pool)

    _, before = ask()
    answers, readings = zip(*(ask() for _ in range(REQUESTS)), strict=True)
    with _delayed(link):
        slow = [ask()[0] for _ in range(DELAYED)]
    return RouteCost(
        route=question(route).route,
        requests=REQUESTS,
        failed=sum(_is_failure(answer) for answer in answers),
        round_trips=_round_trips(answers, slow),
        **_between(before, readings[-1]),
    )


def _is_failure(answer: Answer) -> bool:
    return bool(answer.error) or answer.status >= 400


def _between(before: PoolReading | None, after: PoolReading | None) -> dict[str, int | None]:
    """None of a pool that did not tell, or does not tell of that."""
    if before is None or after is None:
        return dict.fromkeys(_COUNTS)
    totals = {name: f"{name}_total" for name in _COUNTS}
    return {name: max(0, getattr(after, total) - getattr(before, total)) for name, total in totals.items()}


def _round_trips(answers: Sequence[Answer], slow: Sequence[Answer]) -> int | None:
    """By how many delays the fastest delayed answer came later than the fastest other one."""
    if any(map(_is_failure, (*answers, *slow))):
        return None
    later_ns = min(answer.took_ns for answer in slow) - min(answer.took_ns for answer in answers)
    return max(0, round(later_ns / (DELAY_MS * 1e6)))


@contextmanager
def _delayed(link: Link) -> Iterator[None]:
    delay = Latency({"latency_ms": DELAY_MS})
    delay.inject(link)
    try:
        yield
    finally:
        delay.heal(link)
