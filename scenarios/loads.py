"""Requests that hold a connection for about as long, each for a reason of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scenarios.users import PoolUser

SLOW_MS = 400
WIDE_PAGE = 32
WIDE_PAGES = 30
HOT_USERS = 4
REPORT_ROWS = 400_000


def slow_statement(user: PoolUser) -> None:
    """A statement that takes `SLOW_MS` in the database, at no cost of its processor."""
    user.client.get(f"/hold?ms={SLOW_MS}", name="slow")


def list_whole_users(user: PoolUser) -> None:
    """A page of users with every column: some 64 kB."""
    page = user.rng.randint(1, WIDE_PAGES)
    user.client.get(f"/users?page={page}&page_size={WIDE_PAGE}", name="wide")


def read_hot_user(user: PoolUser) -> None:
    """One of the `HOT_USERS` that everyone reads."""
    user.client.get(f"/users/{user.rng.randint(1, HOT_USERS)}", name="hot")


def report(user: PoolUser) -> None:
    """A statement that keeps a processor of the database at work (`targets.tutorial.reports`)."""
    user.client.get(f"/report?rows={REPORT_ROWS}", name="report")
