"""Secrets of an environment, and what is left of a text without them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.environment.hidden import hidden, hide_in, secrets_of


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("DATABASE_URL", "postgresql+asyncpg://me:p%40ss@host:1/db?x=1", "p@ss"),
        ("DATABASE_URL", "postgresql+asyncpg://me:p%40ss@host:1/db?x=1", "p%40ss"),
        ("JDBC", "jdbc:postgresql://host/db?user=me&password=hushhush&ssl=0", "hushhush"),
        ("DSN", "host=h password='hush hush'", "hush hush"),
        ("SECRET_KEY", "hush-hush", "hush-hush"),
        ("STRIPE_API_KEY", "sk_test_1", "sk_test_1"),
        ("GITHUB_TOKEN", "ghp_123", "ghp_123"),
        ("db_pwd", "hushhush", "hushhush"),
    ],
)
def test_secrets_are_hidden_as_they_are_and_as_an_address_writes_them(name: str, value: str, secret: str) -> None:
    assert hidden(f"<{secret}>", secrets_of({name: value})) == "<***>"


def test_what_is_none_stays() -> None:
    environment = {
        "PWD": "/home/me/shop",
        "TOKEN_TTL": "3600000",
        "KEY": "short",
        "MODE": "production",
        "U": "http://h/",
    }
    assert secrets_of(environment) == ()


def test_the_longest_goes_first() -> None:
    assert (
        hidden("hushhush and hushhushhush", secrets_of({"A_KEY": "hushhush", "B_KEY": "hushhushhush"}))
        == "*** and ***"
    )


def test_a_log_lacks_them_and_one_that_is_not_there_is_no_matter(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"\xff hushhush \n")
    hide_in(log, ["hushhush"])
    assert log.read_bytes() == b"\xff *** \n"
    hide_in(tmp_path / "none", ["hushhush"])
