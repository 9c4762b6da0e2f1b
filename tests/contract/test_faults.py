"""One suite for every fault: it takes effect, shows it, heals, and leaves nothing behind. All parts are real."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import psycopg2
import pytest
from pydantic import ValidationError

from harness.environment.postgres import DatabaseServer
from harness.environment.toxiproxy import Proxy, Toxiproxy
from harness.faults import FAULTS, Fault
from harness.probe import Reach, probe
from scenarios.model import Scalar

pytestmark = pytest.mark.integration

SETTINGS: Mapping[str, Mapping[str, Scalar]] = {
    "bandwidth": {"rate_kb_per_s": 60},
    "latency": {"latency_ms": 60, "jitter_ms": 10},
    "proxy-down": {},
    "reset-peer": {},
    "timeout": {},
}
"""Settings under which each fault is tried; a fault that is not here fails the suite."""

PATIENCE_S = 0.4


@pytest.fixture
def proxy(toxiproxy: Toxiproxy, postgres_server: DatabaseServer) -> Iterator[Proxy]:
    proxy = toxiproxy.create_proxy("fault", postgres_server.host, postgres_server.port)
    yield proxy
    proxy.destroy()


@pytest.fixture(params=sorted(FAULTS))
def fault(request: pytest.FixtureRequest) -> Fault:
    return FAULTS[request.param](SETTINGS[request.param])


def test_a_fault_is_proved_while_it_lasts_and_not_before_or_after(fault: Fault, proxy: Proxy) -> None:
    before = fault.prove(proxy, PATIENCE_S)
    assert not before.shown, before.seen
    fault.inject(proxy)
    during = fault.prove(proxy, PATIENCE_S)
    assert during.shown, during.seen
    fault.heal(proxy)
    after = fault.prove_healed(proxy, PATIENCE_S)
    assert after.shown, after.seen


def test_an_end_is_not_proved_while_the_fault_lasts(fault: Fault, proxy: Proxy) -> None:
    fault.inject(proxy)
    during = fault.prove_healed(proxy, PATIENCE_S)
    assert not during.shown, during.seen


def test_healing_leaves_no_toxic_and_can_be_broken_again(fault: Fault, proxy: Proxy) -> None:
    for _ in range(2):
        fault.inject(proxy)
        fault.heal(proxy)
        assert () == proxy.toxics()
    assert Reach.ANSWERED is probe(proxy.host, proxy.port, PATIENCE_S).reach


def test_a_session_can_be_opened_after_healing(
    fault: Fault, proxy: Proxy, postgres_server: DatabaseServer
) -> None:
    fault.inject(proxy)
    fault.heal(proxy)
    url = postgres_server.url("postgres", proxy.host, proxy.port)
    connection = psycopg2.connect(url, connect_timeout=5)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert (1,) == cursor.fetchone()
    connection.close()


def test_a_setting_that_is_not_known_is_refused(fault: Fault) -> None:
    with pytest.raises(ValidationError):
        type(fault)({**SETTINGS[fault.kind], "unheard_of": 1})


def test_a_fault_says_what_it_does(fault: Fault) -> None:
    assert fault.describe()
    assert fault.teaches


def test_every_registered_fault_is_in_this_suite() -> None:
    assert set(FAULTS) == set(SETTINGS)
