"""Names of a locustfile's requests in a record, and how its users are composed."""

from __future__ import annotations

from collections import Counter

import pytest

from harness.load.outside.composition import Weighted, composition
from harness.load.outside.names import LONGEST_NAME, OTHER_NAMES, Names, request_name
from harness.load.outside.troubles import Troubles
from harness.records import Measure, Outcome, SeriesKey


@pytest.mark.parametrize(
    ("name", "chosen", "expected"),
    [
        ("/items?page=3", False, "GET:/items"),
        ("/items?page=[n]", True, "GET:/items?page=[n]"),
        ("http://127.0.0.1:80/items?page=3", False, "GET:/items"),
        ("http://127.0.0.1:80", False, "GET:/"),
        ("https://[::1/items", False, "GET:https://[::1/items"),
        ("a b;c,d\n\x1b[31m é", True, "GET:a_b_c_d__[31m__"),
        ("", True, "GET:"),
    ],
)
def test_a_name_becomes_one_plain_word(name: str, chosen: bool, expected: str) -> None:
    found = request_name("GET", name, chosen=chosen)
    assert expected == found
    key = SeriesKey("steady", found, Outcome.OK, "-", Measure.RESPONSE)
    assert key == SeriesKey.from_tag(key.tag())
    assert found.isascii()
    assert [found] == found.split()


def test_a_name_is_cut() -> None:
    assert LONGEST_NAME == len(request_name("GET", "x" * 10_000_000, chosen=True))


@pytest.mark.parametrize(("phases", "kept"), [(1, 60), (10, 40), (200, 10)])
def test_only_so_many_names_are_kept_and_those_go_on_to_be(phases: int, kept: int) -> None:
    names = Names(phases)
    found = [names.bounded(f"GET:/{number}") for number in range(100)]
    assert (kept, 100 - kept) == (len(set(found) - {OTHER_NAMES}), found.count(OTHER_NAMES))
    assert "GET:/0" == names.bounded("GET:/0")


def test_classes_come_by_weight_and_the_first_of_more_are_those_of_fewer() -> None:
    classes = [Weighted("a", 5), Weighted("b", 1), Weighted("once", 1, fixed_count=2), Weighted("never", 0)]
    whole = composition(classes, 20)
    assert Counter(a=15, b=3, once=2) == Counter(whole)
    assert ["once", "once", "a"] == whole[:3]
    assert all(whole[:number] == composition(classes, number) for number in range(20))


def test_shares_of_workers_are_the_whole() -> None:
    classes = [Weighted("a", 1), Weighted("b", 1), Weighted("once", 1, fixed_count=1)]
    whole = composition(classes, 7)
    assert Counter(whole) == Counter(whole[0::2]) + Counter(whole[1::2])
    assert 1 == whole.count("once")


def test_fixed_numbers_alone_leave_fewer_users_than_asked_for() -> None:
    assert ["a", "a"] == composition([Weighted("a", 1, fixed_count=2)], 9)
    assert ["a"] == composition([Weighted("a", 1, fixed_count=2)], 1)


def test_of_what_went_wrong_the_number_and_the_first_are_told() -> None:
    troubles = Troubles()
    assert [] == troubles.told(5)
    assert "" == troubles.nobody()
    troubles.not_begun(ValueError("no\naccount"))
    troubles.not_begun(KeyError("TENANT"))
    troubles.task_failed(ZeroDivisionError("division by zero"))
    troubles.waited(1_250_000_000)
    assert "no user of the locustfile could be started; the first: ValueError: no account" == troubles.nobody()
    assert [
        "2 of 5 users of the locustfile could not be started; the first: ValueError: no account",
        "1 exceptions in the locustfile's tasks, the first ZeroDivisionError: division by zero",
        "1 arrivals found no user ready and waited for on_start, up to 1.2 s",
    ] == troubles.told(5)
