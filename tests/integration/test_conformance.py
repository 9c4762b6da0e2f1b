"""The conformance suite against every real target, and against one that is wrong in one way at a time."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.conformance import conform, failed
from harness.environment.leash import Leash
from harness.environment.ports import free_port
from harness.environment.postgres import DatabaseServer
from harness.environment.target import RunningTarget, target_process
from harness.environment.toxiproxy import Toxiproxy
from harness.expectations import STATEMENTS
from harness.records import Conformance
from harness.subject import standard_launch
from targets.drivers.registry import DRIVERS
from targets.registry import TARGETS
from targets.settings import DATABASE_URL_VARIABLE, PoolSettings

pytestmark = pytest.mark.integration

CONFORMING = {name: target for name, target in {**TARGETS, **DRIVERS}.items() if "contract" not in target.lacks}
WRONG_APP = "tests.integration.apps.wrong:app"
SMALL = PoolSettings(pool_size=3, max_overflow=2)
ALL_STATEMENTS = {f"statements-per-{operation}" for operation in STATEMENTS}
ALL_COUNTS = ALL_STATEMENTS | {
    "counted-once",
    "checkouts-per-request",
    "connections-per-warm-request",
    "pings-per-checkout",
    "no-checkout-without-need",
}


@pytest.fixture
def database_url(seeded_server: DatabaseServer) -> Iterator[str]:
    with seeded_server.fresh_database() as database:
        yield database.url


@pytest.fixture(scope="module")
def wrong_target(
    leash: Leash, seeded_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningTarget]:
    log = tmp_path_factory.mktemp("wrong") / "target.log"
    with seeded_server.fresh_database() as database:
        environment = {**SMALL.to_environment(), DATABASE_URL_VARIABLE: database.url}
        with target_process(
            leash, launch=standard_launch(WRONG_APP), environment=environment, log_path=log
        ) as target:
            yield target


def make(target: RunningTarget, way: str) -> None:
    request = urllib.request.Request(f"{target.url}/wrong/{way}", method="PUT")
    urllib.request.urlopen(request, timeout=10).close()


def wrong(results: tuple[Conformance, ...]) -> dict[str, str]:
    return {result.name: result.detail for result in results if not result.passed}


def hold_all(target: RunningTarget, number: int) -> list[int]:
    def hold(_: int) -> int:
        with urllib.request.urlopen(f"{target.url}/hold?ms=100", timeout=30) as answer:
            return int(answer.status)

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(hold, range(number)))


@pytest.mark.parametrize("name", CONFORMING)
@pytest.mark.parametrize("pre_ping", [True, False])
def test_every_target_conforms_before_load_and_after_load_and_lost_connections(
    name: str,
    pre_ping: bool,
    leash: Leash,
    toxiproxy: Toxiproxy,
    seeded_server: DatabaseServer,
    tmp_path: Path,
) -> None:
    proxy = toxiproxy.create_proxy(f"conform-{name}-{pre_ping}", seeded_server.host, seeded_server.port)
    conforming = CONFORMING[name]
    settings = conforming.defaults.with_overrides({"pre_ping": pre_ping})
    with seeded_server.fresh_database() as database:
        url = database.url_through(proxy.host, proxy.port)
        environment = {**settings.to_environment(), DATABASE_URL_VARIABLE: url}
        log = tmp_path / "target.log"
        with target_process(
            leash, launch=standard_launch(conforming.app), environment=environment, log_path=log
        ) as target:
            before = conform(target.url, "before")
            assert failed(before) == ""
            assert hold_all(target, 15) == [200] * 15
            proxy.disable()
            proxy.enable()
            if (
                name == "psycopg-raw" and pre_ping
            ):  # it pauses longer and longer between the checks of one request alone
                hold_all(target, 15)
            after = conform(target.url, "after")
            assert failed(after) == ""
    proxy.destroy()
    assert {result.name for result in before} == {result.name for result in after}
    assert {result.when for result in before} == {"before"}
    assert ALL_COUNTS <= {result.name for result in after}


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("right", set()),
        ("lacks-a-member", {"read-user"}),
        ("has-another-amount", {"read-transfer"}),
        ("is-created-with-200", {"create-user", "transfer"}),
        (
            "is-plain-text",
            {
                "unknown-route",
                "wrong-method",
                "invalid-input",
                "unknown-user",
                "token-conflict",
                "insufficient-funds",
            },
        ),
        ("has-another-kind", {"unknown-route", "unknown-user"}),
        ("tells-no-times", {"server-timing"}),
        ("tells-absurd-times", {"server-timing"}),
        ("extra-statement", ALL_STATEMENTS),
        ("takes-two-connections", {"checkouts-per-request", "pings-per-checkout"}),
        ("has-no-totals", {"health", "comes-to-rest", *ALL_COUNTS}),
    ],
)
def test_each_wrong_way_fails_what_it_breaks_and_nothing_else(
    way: str, expected: set[str], wrong_target: RunningTarget
) -> None:
    make(wrong_target, way)
    assert set(wrong(conform(wrong_target.url, "before"))) == expected


def test_a_target_that_reconnects_for_each_request_is_found(wrong_target: RunningTarget) -> None:
    make(wrong_target, "reconnects")
    found = wrong(conform(wrong_target.url, "after"))
    assert found["connections-per-warm-request"] == "read-user: 1 instead of 0"


def test_a_transfer_that_is_not_idempotent_is_found_by_the_money(wrong_target: RunningTarget) -> None:
    make(wrong_target, "moves-again")
    found = wrong(conform(wrong_target.url, "before"))
    assert {"transfer", "transfer-again", "read-transfer", "token-conflict", "transfer-moves-once"} <= set(found)
    assert found["transfer-moves-once"] == "the balances changed by [-4, 4] instead of [-1, 1] cents"


def test_what_a_target_says_is_not_repeated(wrong_target: RunningTarget) -> None:
    make(wrong_target, "is-no-json")
    results = conform(wrong_target.url, "before")
    assert wrong(results)["read-user"] == "the body is no JSON object"
    assert not any("hush" in result.detail or "\n" in result.detail for result in results)


@pytest.mark.parametrize("way", ["hangs", "drips"])
def test_a_target_that_does_not_answer_in_time_has_failed_in_time(way: str, wrong_target: RunningTarget) -> None:
    make(wrong_target, way)
    began_s = time.monotonic()
    found = wrong(conform(wrong_target.url, "before", patience_s=1.0))
    assert time.monotonic() - began_s < 3
    assert found["transfer"] == "no answer within 1 s"
    assert "live" not in found


def test_nothing_that_listens_is_failed_throughout() -> None:
    results = conform(f"http://127.0.0.1:{free_port()}", "before")
    assert not any(result.passed for result in results if result.name != "no-server-timing-without-need")
    assert failed(results).startswith("settings (nothing listens there), live (")
    assert failed(results).endswith(f" and {len(results) - 4} more")


def test_a_target_that_keeps_connections_does_not_come_to_rest(
    leash: Leash, database_url: str, tmp_path: Path
) -> None:
    environment = {**SMALL.to_environment(), DATABASE_URL_VARIABLE: database_url}
    log = tmp_path / "target.log"
    with target_process(leash, launch=standard_launch(WRONG_APP), environment=environment, log_path=log) as target:
        make(target, "keeps-connections")
        found = wrong(conform(target.url, "after"))
        make(target, "right")
    assert {"comes-to-rest", *ALL_COUNTS} == set(found)
    assert found["comes-to-rest"] == "1 connections out, 0 waited for"
