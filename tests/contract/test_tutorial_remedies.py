"""What the remedies for an exhausted pool promise: fewer bytes, or fewer connections and old answers."""

from __future__ import annotations

import uuid

import pytest

from tests.contract.conftest import TargetFactory

pytestmark = pytest.mark.integration

NAMES = ["ten-plus-twenty", "fewer-columns", "cached-reads"]


@pytest.mark.parametrize("name", NAMES)
def test_reports_are_computed_by_the_database_on_a_connection_of_the_pool(start: TargetFactory, name: str) -> None:
    target = start(name)
    answer = target.client.get("/report?rows=1234")
    assert (answer.status_code, answer.json()) == (200, {"rows": 1234})
    assert target.settles()["checkouts_total"] == 1
    assert target.client.get("/report?rows=0").status_code == 422


def test_a_page_shows_three_columns_and_weighs_a_tenth_of_the_whole_one(start: TargetFactory) -> None:
    whole = start("ten-plus-twenty").client.get("/users?page=2&page_size=5")
    fewer = start("fewer-columns").client.get("/users?page=2&page_size=5")
    assert [set(user) for user in fewer.json()["items"]] == [{"id", "name", "balance_cents"}] * 5
    assert [user["id"] for user in fewer.json()["items"]] == [user["id"] for user in whole.json()["items"]]
    assert len(fewer.content) < len(whole.content) / 10


def test_a_cached_user_needs_no_connection_and_is_as_it_was_when_first_read(start: TargetFactory) -> None:
    cached, plain = start("cached-reads"), start("ten-plus-twenty")
    shown = []
    for target in (cached, plain):
        before = target.client.get("/users/1").json()["balance_cents"]
        body = {"token": str(uuid.uuid4()), "from_user_id": 1, "to_user_id": 2, "amount_cents": 5}
        assert target.client.post("/transfers", json=body).status_code == 201
        taken = target.settles()["checkouts_total"]
        shown.append(target.client.get("/users/1").json()["balance_cents"] - before)
        again = target.settles()["checkouts_total"] - taken
        assert again == (0 if target is cached else 1)
    assert shown == [0, -5]


def test_an_absent_user_is_absent_however_often_it_is_asked_for(start: TargetFactory) -> None:
    target = start("cached-reads")
    assert [target.client.get("/users/99999").status_code for _ in range(3)] == [404] * 3
