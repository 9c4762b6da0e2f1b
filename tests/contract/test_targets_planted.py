"""Twins with something planted differ from what they are twins of in that, and in nothing else."""

from __future__ import annotations

import uuid

import pytest

from harness.subject import Capability, standard_subject
from harness.witnesses.costs import question
from targets.known import KNOWN_TARGETS
from targets.planted.registry import ONE_STATEMENT_MORE, PLANTED
from tests.contract.conftest import TargetFactory
from tests.contract.contract_support import RunningTarget

pytestmark = pytest.mark.integration

ROUTES = ("read_user", "list_users", "create_user", "transfer")


def costs(target: RunningTarget) -> dict[str, tuple[int, int, int]]:
    """Status, statements and checkouts of one request of each route, and what a reader is answered."""
    found = {}
    for route in ROUTES:
        asked = question(route)
        before = target.settles()
        answer = target.client.request(asked.method, asked.path, json=asked.body)
        after = target.settles()
        statements, checkouts = (
            after[f"{name}_total"] - before[f"{name}_total"] for name in ("statements", "checkouts")
        )
        found[route] = (answer.status_code, statements, checkouts)
    return found


@pytest.mark.parametrize(("base", "twin"), ONE_STATEMENT_MORE.items())
def test_a_twin_asks_one_statement_more_for_each_request(start: TargetFactory, base: str, twin: str) -> None:
    one, other = start(base), start(twin)
    more = {route: (status, count + 1, out) for route, (status, count, out) in costs(one).items()}
    assert more == costs(other)
    assert one.client.get("/users/7").json() == other.client.get("/users/7").json()
    unknown = f"/transfers/{uuid.uuid4()}"
    assert one.client.get(unknown).json() == other.client.get(unknown).json()


def test_what_they_cost_can_be_counted_without_the_contract() -> None:
    assert set(ONE_STATEMENT_MORE.values()) == set(PLANTED)
    for name in (*PLANTED, "sqlmodel"):
        subject = standard_subject(KNOWN_TARGETS[name])
        assert subject.can(Capability.ROUTES)
        assert not subject.can(Capability.CONTRACT)
