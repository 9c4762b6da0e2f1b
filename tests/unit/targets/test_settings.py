"""Settings and addresses from the environment."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest
from pydantic import ValidationError
from sqlalchemy import make_url

from targets.drivers.registry import DRIVERS
from targets.known import KNOWN_TARGETS
from targets.planted.registry import PLANTED
from targets.registry import TARGETS
from targets.settings import REPLICA_URL_VARIABLE, DatabaseUrl, PoolSettings, SettingsError, load_or_exit
from targets.tutorial.registry import TUTORIAL

URL = "postgresql://teller:hush%40hush@127.0.0.1:5433/bank"


def test_an_empty_environment_gives_the_defaults() -> None:
    defaults = PoolSettings(pool_size=3)
    assert PoolSettings.from_environment(defaults, {}) == defaults
    assert PoolSettings.from_environment(defaults, {"POOLSTORM_POOL_SIZE": ""}) == defaults


def test_the_environment_wins_over_the_defaults() -> None:
    environ = {
        "POOLSTORM_POOL_SIZE": "4",
        "POOLSTORM_MAX_OVERFLOW": "0",
        "POOLSTORM_POOL_TIMEOUT_S": "0.2",
        "POOLSTORM_PRE_PING": "off",
        "POOLSTORM_USE_LIFO": "1",
        "POOLSTORM_CONNECT_TIMEOUT_S": "none",
    }
    settings = PoolSettings.from_environment(PoolSettings(connect_timeout_s=5, pool_recycle_s=60), environ)
    assert settings == PoolSettings(
        pool_size=4, max_overflow=0, pool_timeout_s=0.2, pool_recycle_s=60, pre_ping=False, use_lifo=True
    )


@pytest.mark.parametrize(
    "settings",
    [
        PoolSettings(),
        PoolSettings(pool_size=0, max_overflow=-1, pool_timeout_s=0),
        PoolSettings(
            pool_size=1,
            pool_timeout_s=0.25,
            pre_ping=False,
            use_lifo=True,
            connect_timeout_s=2,
            threadpool_tokens=7,
        ),
    ],
)
def test_settings_come_back_from_their_own_environment(settings: PoolSettings) -> None:
    other_defaults = PoolSettings(pool_size=99, slow_query_ms=1, connect_timeout_s=3, threadpool_tokens=1)
    assert PoolSettings.from_environment(other_defaults, settings.to_environment()) == settings


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("POOLSTORM_POOL_SIZE", "-1"),
        ("POOLSTORM_POOL_SIZE", "true"),
        ("POOLSTORM_POOL_SIZE", "2.5"),
        ("POOLSTORM_POOL_SIZE", "none"),
        ("POOLSTORM_MAX_OVERFLOW", "-2"),
        ("POOLSTORM_POOL_TIMEOUT_S", "-0.1"),
        ("POOLSTORM_POOL_TIMEOUT_S", "inf"),
        ("POOLSTORM_POOL_RECYCLE_S", "-2"),
        ("POOLSTORM_PRE_PING", "perhaps"),
        ("POOLSTORM_CONNECT_TIMEOUT_S", "0"),
        ("POOLSTORM_SLOW_QUERY_MS", "-1"),
        ("POOLSTORM_THREADPOOL_TOKENS", "0"),
    ],
)
def test_a_wrong_value_is_a_line_that_names_the_variable(variable: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        PoolSettings.from_environment(PoolSettings(), {variable: value})
    assert str(caught.value).startswith(f"{variable}={value!r} is not valid: ")
    assert "\n" not in str(caught.value)


def test_settings_cannot_be_changed_and_overrides_are_validated() -> None:
    settings = PoolSettings()
    with pytest.raises(ValidationError):
        settings.pool_size = 3  # type: ignore[misc]
    with pytest.raises(ValidationError):
        settings.with_overrides({"pool_sise": 3})
    with pytest.raises(ValidationError):
        settings.with_overrides({"pool_size": -3})
    assert settings.with_overrides({"pool_size": 3}).limit == 23


@pytest.mark.parametrize(
    ("size", "overflow", "expected"), [(10, 20, 30), (10, 0, 10), (10, -1, None), (0, 5, None), (0, -1, None)]
)
def test_a_pool_without_a_size_or_with_endless_overflow_has_no_limit(
    size: int, overflow: int, expected: int | None
) -> None:
    assert expected == PoolSettings(pool_size=size, max_overflow=overflow).limit


@pytest.mark.parametrize(
    "overrides",
    [
        {"pool_size": True},
        {"pool_size": "1"},
        {"pool_size": 2.0},
        {"pool_timeout_s": True},
        {"pool_timeout_s": "1"},
        {"pre_ping": 1},
        {"pre_ping": "true"},
        {"connect_timeout_s": False},
    ],
)
def test_overrides_are_of_the_type_of_their_setting(overrides: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=r"Input should be a valid (integer|number|boolean)"):
        PoolSettings().with_overrides(overrides)


def test_connect_arguments_are_empty_without_a_timeout() -> None:
    assert (PoolSettings().psycopg2_connect_args(), PoolSettings().asyncpg_connect_args()) == ({}, {})
    bounded = PoolSettings(connect_timeout_s=3)
    assert bounded.psycopg2_connect_args() == {"connect_timeout": 3}
    assert bounded.asyncpg_connect_args() == {"timeout": 3}


def test_an_address_names_its_driver_and_hides_its_password() -> None:
    address = DatabaseUrl.from_environment({"POOLSTORM_DATABASE_URL": URL})
    assert address.psycopg2() == "postgresql+psycopg2://teller:hush%40hush@127.0.0.1:5433/bank"
    assert address.psycopg() == "postgresql+psycopg://teller:hush%40hush@127.0.0.1:5433/bank"
    assert address.asyncpg() == "postgresql+asyncpg://teller:hush%40hush@127.0.0.1:5433/bank"
    assert repr(address) == str(address) == f"{address}" == "DatabaseUrl('postgresql://127.0.0.1:5433/bank')"


def test_options_reach_each_driver_in_its_own_spelling() -> None:
    address = DatabaseUrl.parse(
        "postgresql+psycopg://t:hush@127.0.0.1/bank?sslmode=verify-ca&sslrootcert=%2Fa%20b.crt"
    )
    options = "sslmode=verify-ca&sslrootcert=%2Fa%20b.crt"
    assert f"postgresql+psycopg2://t:hush@127.0.0.1/bank?{options}" == address.psycopg2()
    assert {"sslmode": "verify-ca", "sslrootcert": "/a b.crt"} == dict(make_url(address.psycopg2()).query)
    assert {"dsn": f"postgresql://?{options}"} == dict(make_url(address.asyncpg()).query)
    assert "DatabaseUrl('postgresql://127.0.0.1/bank')" == repr(address)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hush",
        "mysql://teller:hush@127.0.0.1/bank",
        "postgresql://127.0.0.1/bank",
        "postgresql://teller:hush@/bank",
        "postgresql://teller:hush@127.0.0.1:5432",
        "postgresql://teller:hush@127.0.0.1:port/bank",
        "postgresql://teller:hush@127.0.0.1:99999/bank",
        "postgresql://teller:hush@127.0.0.1/bank?options=-c%20hush",
        "postgresql://teller:hush@127.0.0.1/bank?sslmode=disable&host=hush",
    ],
)
def test_an_address_of_another_form_is_an_error_that_does_not_repeat_it(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^POOLSTORM_DATABASE_URL .*postgresql://user:password@") as caught:
        DatabaseUrl.from_environment({"POOLSTORM_DATABASE_URL": text})
    assert "hush" not in str(caught.value)


def test_a_target_leaves_with_one_line_and_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POOLSTORM_DATABASE_URL", URL)
    monkeypatch.setenv("POOLSTORM_POOL_SIZE", "none")
    with pytest.raises(SystemExit) as caught:
        load_or_exit(PoolSettings())
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("error: POOLSTORM_POOL_SIZE='none' is not valid: ")


def test_the_registry_names_five_targets_and_imports_nothing_heavy() -> None:
    assert list(TARGETS) == ["sync-pool", "async-pool", "no-pool", "async-no-pool", "recommended"]
    assert all(name == target.name for name, target in TARGETS.items())
    script = (
        "import sys, targets.known, targets.contract;"
        "print([name for name in sys.modules if name.split('.')[0] in ('fastapi', 'sqlalchemy', 'starlette')])"
    )
    printed = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert printed.stdout.strip() == "[]"


def test_each_known_target_has_one_name_and_imports_from_where_it_is_registered() -> None:
    families = {
        "targets": TARGETS,
        "targets.drivers": DRIVERS,
        "targets.tutorial": TUTORIAL,
        "targets.planted": PLANTED,
    }
    assert len(KNOWN_TARGETS) == sum(len(targets) for targets in families.values())
    for package, targets in families.items():
        assert {target.app.rpartition(".")[0] for target in targets.values()} == {package}
        assert all(find_spec(target.app.partition(":")[0]) for target in targets.values())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", "POOLSTORM_REPLICA_URL is not set; set it to postgresql://user:password@host:port/database"),
        ("mysql://root:hush-hush@127.0.0.1/bank", "POOLSTORM_REPLICA_URL must have the form postgresql://"),
    ],
)
def test_a_replicas_address_that_is_missing_or_wrong_is_named(value: str, expected: str) -> None:
    with pytest.raises(SettingsError) as caught:
        DatabaseUrl.from_environment({REPLICA_URL_VARIABLE: value}, REPLICA_URL_VARIABLE)
    assert expected in str(caught.value)
    assert "hush" not in str(caught.value)
