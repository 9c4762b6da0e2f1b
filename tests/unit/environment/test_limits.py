from __future__ import annotations

import pytest

from harness.environment.limits import ConnectionLimits, limit_met


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('FATAL:  too many connections for role "lim"', "role"),
        ('FATAL:  too many connections for database "bank"', "database"),
        ("FATAL:  sorry, too many clients already", "server"),
        ("FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute", "server"),
        ("FATAL:  remaining connection slots are reserved for non-replication superuser connections", "server"),
        ("QueuePool limit of size 10 overflow 20 reached, connection timed out", None),
        ("Connection refused", None),
    ],
)
def test_postgresql_says_whose_limit_it_was(text: str, expected: str | None) -> None:
    assert expected == limit_met(text)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (ConnectionLimits(97, None, None, 7, 2, 1), ("server", 90)),
        (ConnectionLimits(97, 10, None, 7, 2, 1), ("role", 8)),
        (ConnectionLimits(97, 10, 5, 7, 2, 1), ("database", 4)),
        (ConnectionLimits(97, 10, 5, 97, 9, 1), ("server", 0)),
        (ConnectionLimits(97, 1, None, 7, 3, 1), ("role", 0)),  # lowered while they were there
    ],
)
def test_the_limit_that_is_met_first_leaves_so_much_room(
    limits: ConnectionLimits, expected: tuple[str, int]
) -> None:
    assert expected == limits.room()


def test_a_pool_above_a_limit_is_told_which_and_what_to_do() -> None:
    limits = ConnectionLimits(97, 10, None, 7, 2, 1)
    assert "" == limits.too_few_for(8)
    assert (
        "30 connections are asked for and PostgreSQL has room for 8: the role's limit is 10; "
        "raise it (ALTER ROLE ... CONNECTION LIMIT), or lower pool_size and max_overflow"
    ) == limits.too_few_for(30)
