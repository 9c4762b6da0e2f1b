"""Right answers first: no load where a target does not keep the contract, nor figures where it no longer does.

`conform` asks a target, through the proxy, for everything that a trial relies on, one request after the other,
and counts what each cost in the database. What is right is judged in `harness.expectations`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

from pydantic import ValidationError

from harness.expectations import (
    Cost,
    expected_cost,
    recycles_soon,
    wrong_count,
    wrong_json,
    wrong_page,
    wrong_problem,
    wrong_status,
    wrong_timing,
)
from harness.http_reader import Answer, HttpReader
from harness.records import Conformance
from targets.contract import (
    MAX_ID,
    SERVER_TIMING_HEADER,
    EffectivePool,
    EffectiveSettings,
    Held,
    Live,
    PoolHealth,
    ProblemKind,
    TransferOut,
    UserOut,
)

PATIENCE_S = 5.0
"""For the whole suite. A healthy target takes about a tenth of a second."""
REST_S = 1.5
"""How long connections may take to come back after an answer."""
MOST_WARM_UPS = 250
"""A pool without a limit keeps all that PostgreSQL allows, and without a pre-ping each of them may fail once."""
PAGE_SIZE = 20
_SHOWN = 3

When = Literal["before", "after"]
Verdicts = Iterator[tuple[str, str]]
"""Names of expectations, each with what is wrong, or an empty text."""


def conform(url: str, when: When, patience_s: float = PATIENCE_S) -> tuple[Conformance, ...]:
    """Ask the target at `url` for all that the contract promises; every expectation passed or failed.

    Never raises for what the target does, and ends within `patience_s`: what was not answered by then has failed.
    Nothing else may use the target meanwhile. It moves one cent from one user to another and creates a user
    without money, so count the money after the suite that goes before the load, and before the one that
    goes after it.
    """
    with HttpReader(url, patience_s, patience_s) as reader:
        seen = _observe(reader)
    return tuple(Conformance(when=when, name=name, passed=not wrong, detail=wrong) for name, wrong in _judge(seen))


def failed(results: Sequence[Conformance]) -> str:
    """What went wrong, in one line; empty where everything passed."""
    wrong = [f"{result.name} ({result.detail})" for result in results if not result.passed]
    more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    return ", ".join(wrong[:_SHOWN]) + more


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the target did. `costs` has None where it could not be counted."""

    answers: dict[str, Answer] = field(default_factory=dict)
    costs: dict[str, Cost | None] = field(default_factory=dict)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)  # what was asked for, by operation
    balances: list[dict[int, int]] = field(default_factory=list)  # before the transfers and after them
    idle: list[Cost | None] = field(default_factory=list)  # of all that needs no database
    unrested: list[str] = field(default_factory=list)  # at most one line


# --- questions ---------------------------------------------------------------------------------------------


class _Observer:
    """Asks, and reads the target's counters between questions."""

    def __init__(self, reader: HttpReader) -> None:
        self._reader = reader
        self.seen = _Seen()
        self._health: PoolHealth | None = None

    def ask(self, name: str, method: str, path: str, body: object = None) -> Answer:
        """A question that needs no database."""
        answer = self.seen.answers[name] = self._reader.ask(method, path, body)
        return answer

    def measure(self, name: str, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
        """A question that needs one, and what it cost there."""
        before = self._health
        answer = self.ask(name, method, path, body)
        self._health = self.rest()
        self.seen.costs[name] = Cost.between(before, self._health) if before and self._health else None
        if body is not None:
            self.seen.orders[name] = body
        return answer

    def warm_up(self) -> None:
        """Use each pooled connection once: after faults some may be lost, and are replaced when they are taken.

        Without a pre-ping the first request that meets a lost one fails, and its place has another turn.
        """
        health = self.rest()
        cold = max(1, health.checked_in if health else 1)
        for _ in range(MOST_WARM_UPS):
            answer = self._reader.ask("GET", "/users/1")
            cold -= answer.status == HTTPStatus.OK
            if cold == 0 or answer.error:
                break
        self._health = self.rest()

    def rest(self) -> PoolHealth | None:
        """The gauges once no connection is out: sessions end after the answer. None where that does not come."""
        if self.seen.unrested:  # it was waited for once, and need not be again
            return None
        ends_at_s = time.monotonic() + min(REST_S, self._reader.left_s)
        while True:
            answer = self._reader.ask("GET", "/health/db")
            try:
                health = PoolHealth.model_validate(answer.body)
            except ValidationError:
                self.seen.unrested.append(wrong_json(answer, 200, PoolHealth, {}) or "no proper gauges")
                return None
            if health.checked_out == health.waiting == 0:
                return health
            if time.monotonic() > ends_at_s:
                self.seen.unrested.append(f"{health.checked_out} connections out, {health.waiting} waited for")
                return None
            time.sleep(0.001)


def _observe(reader: HttpReader) -> _Seen:
    """All questions, in an order in which each finds what it needs."""
    observer = _Observer(reader)
    observer.ask("settings", "GET", "/settings")
    observer.warm_up()
    before = observer.rest()
    observer.ask("live", "GET", "/health/live")
    observer.ask("health", "GET", "/health/db")
    observer.ask("unknown-route", "GET", "/no/such/route")
    observer.ask("wrong-method", "DELETE", "/health/live")
    observer.ask("invalid-input", "GET", "/users/0")
    after = observer.rest()
    observer.seen.idle.append(Cost.between(before, after) if before and after else None)
    observer.measure("read-user", "GET", "/users/1")
    observer.measure("unknown-user", "GET", f"/users/{MAX_ID}")
    observer.measure("hold", "GET", "/hold?ms=0")
    user = {"name": "Conform", "email": f"{uuid.uuid4()}@example.test", "balance_cents": 0}
    observer.measure("create-user", "POST", "/users", user)
    _observe_transfers(observer)
    return observer.seen


def _observe_transfers(observer: _Observer) -> None:
    """One cent from the richest of the first users to another of them, and what must not move any."""
    path = f"/users?page=1&page_size={PAGE_SIZE}&columns=id,balance_cents"
    balances = _balances(observer.measure("list-users", "GET", path))
    payer = max(balances, key=lambda user: balances[user], default=1)
    payee = payer % PAGE_SIZE + 1
    order = {"token": str(uuid.uuid4()), "from_user_id": payer, "to_user_id": payee, "amount_cents": 1}
    too_much = {**order, "token": str(uuid.uuid4()), "amount_cents": balances.get(payer, 0) + 1}
    observer.measure("transfer", "POST", "/transfers", order)
    observer.measure("transfer-again", "POST", "/transfers", order)
    observer.measure("read-transfer", "GET", f"/transfers/{order['token']}")
    observer.measure("token-conflict", "POST", "/transfers", {**order, "amount_cents": 2})
    observer.measure("insufficient-funds", "POST", "/transfers", too_much)
    observer.seen.balances.extend((balances, _balances(observer.ask("balances", "GET", path))))


def _balances(answer: Answer) -> dict[int, int]:
    if wrong_page(answer, PAGE_SIZE, {"id", "balance_cents"}):
        return {}
    return {item["id"]: item["balance_cents"] for item in answer.body["items"]}


# --- judging ---------------------------------------------------------------------------------------------


def _judge(seen: _Seen) -> Verdicts:
    """All expectations, in the order of asking."""
    answers = seen.answers
    yield "settings", wrong_json(answers["settings"], 200, EffectiveSettings, {})
    yield "live", wrong_json(answers["live"], 200, Live, {"status": "alive"})
    yield "health", wrong_json(answers["health"], 200, PoolHealth, {})
    yield "unknown-route", wrong_problem(answers["unknown-route"], ProblemKind.NOT_FOUND)
    yield "wrong-method", wrong_problem(answers["wrong-method"], ProblemKind.METHOD_NOT_ALLOWED, "allow")
    yield "invalid-input", wrong_problem(answers["invalid-input"], ProblemKind.INVALID_INPUT)
    yield "read-user", wrong_json(answers["read-user"], 200, UserOut, {"id": 1})
    yield "unknown-user", wrong_problem(answers["unknown-user"], ProblemKind.NOT_FOUND)
    yield "hold", wrong_json(answers["hold"], 200, Held, {"held_ms": 0})
    user = {**seen.orders["create-user"], "bio": ""}
    yield "create-user", wrong_json(answers["create-user"], 201, UserOut, user)
    yield "list-users", wrong_page(answers["list-users"], PAGE_SIZE, {"id", "balance_cents"})
    yield from _judge_transfers(seen)
    yield from _judge_costs(seen)
    yield "server-timing", _first_wrong((name, wrong_timing(answers[name])) for name in seen.costs)
    yield (
        "no-server-timing-without-need",
        _first_wrong(
            (name, "has one" if SERVER_TIMING_HEADER in answer.headers else "")
            for name, answer in answers.items()
            if name not in {*seen.costs, "balances"}
        ),
    )
    yield "comes-to-rest", "".join(seen.unrested)


def _judge_transfers(seen: _Seen) -> Verdicts:
    order, answers = seen.orders["transfer"], seen.answers
    stored = answers["transfer"].body
    yield "transfer", wrong_json(answers["transfer"], 201, TransferOut, order)
    for name in ("transfer-again", "read-transfer"):
        same = stored if isinstance(stored, dict) else order
        yield name, wrong_json(answers[name], 200, TransferOut, same)
    yield "token-conflict", wrong_problem(answers["token-conflict"], ProblemKind.CONFLICT)
    yield "insufficient-funds", wrong_problem(answers["insufficient-funds"], ProblemKind.INSUFFICIENT_FUNDS)
    yield "transfer-moves-once", _wrong_move(seen)


def _wrong_move(seen: _Seen) -> str:
    before, after = seen.balances
    order = seen.orders["transfer"]
    if not before or not after:
        return wrong_status(seen.answers["balances"], 200) or "the balances cannot be read"
    moved = [after[order[end]] - before[order[end]] for end in ("from_user_id", "to_user_id")]
    expected = [-order["amount_cents"], order["amount_cents"]]
    return "" if moved == expected else f"the balances changed by {moved} instead of {expected} cents"


def _judge_costs(seen: _Seen) -> Verdicts:
    """Counts of every operation, against what they must be with the target's own settings."""
    pool = _pool(seen.answers["settings"])
    uncounted = "could not be counted"

    def compare(operation: str, what: str) -> str:
        cost = seen.costs[operation]
        if cost is None or pool is None:
            return uncounted
        return wrong_count(getattr(cost, what), getattr(expected_cost(operation, pool), what))

    for operation in seen.costs:
        yield f"statements-per-{operation}", compare(operation, "statements")
    counts = {"requests": "counted-once", "checkouts": "checkouts-per-request"}
    if pool is None or not recycles_soon(pool):
        counts |= {"opened": "connections-per-warm-request", "pings": "pings-per-checkout"}
    for what, name in counts.items():
        yield name, _first_wrong((operation, compare(operation, what)) for operation in seen.costs)
    idle = seen.idle[0]
    yield "no-checkout-without-need", uncounted if idle is None else wrong_count(idle.checkouts, 0)


def _pool(settings: Answer) -> EffectivePool | None:
    try:
        return EffectiveSettings.model_validate(settings.body).pool
    except ValidationError:
        return None


def _first_wrong(verdicts: Verdicts) -> str:
    return next((f"{name}: {wrong}" for name, wrong in verdicts if wrong), "")
