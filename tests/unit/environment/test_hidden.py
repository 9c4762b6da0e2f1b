"""Secrets of an environment, and what is left of a text without them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.environment.hidden import as_told, hidden, hide_in, secrets_of


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


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("POOL_SIZE", "5", "5"),
        ("DATABASE_URL", "{database_url+psycopg2}", "{database_url+psycopg2}"),
        ("DB_PASSWORD", "123456", "***"),
        ("API_KEY", "k", "***"),
        ("CACHE", "redis://me:hushhush@cache:6379/0", "redis://***@cache:6379/0"),
        ("SENTRY", "https://abcdef123@sentry.example/7", "https://***@sentry.example/7"),
        ("OPTIONS", "-c statement_timeout=500", "-c statement_timeout=500"),
        ("LINES", "a\nb\x1b[2J", "a b?[2J"),
    ],
)
def test_variables_are_told_without_what_is_secret_in_them(name: str, value: str, told: str) -> None:
    assert {name: told} == as_told({name: value})


@pytest.mark.parametrize(
    "value",
    ["sk_live_51HxyzAbcdefGhijk", "https://hooks.example/services/T0/aB3dE6gH9jK2mN5pQ8sT", "x" * 25 + "7"],
)
def test_what_looks_like_a_key_is_told_by_a_digest_that_another_key_does_not_have(value: str) -> None:
    told, another = as_told({"BILLING": value})["BILLING"], as_told({"BILLING": f"{value}0"})["BILLING"]
    assert "sha256:" in told
    assert told != another
    assert value[-20:] not in told


def test_a_secret_is_not_told_by_another_variable_either() -> None:
    told = as_told({"DB_PASSWORD": "hushhush", "DSN": "host=h password=hushhush", "GREETING": "say hushhush"})
    assert "hushhush" not in str(told)
