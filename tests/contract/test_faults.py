"""One suite for every fault: it takes effect, shows it, heals, and leaves nothing behind. All parts are real."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

import psutil
import psycopg2
import pytest
from pydantic import ValidationError

from harness.environment.database import TrialDatabase
from harness.environment.leash import Leash
from harness.environment.parts import KNOWN_PARTS, PRIMARY, Link, Parts
from harness.environment.postgres import DatabaseServer, database_server
from harness.environment.primary import primary_of
from harness.environment.toxiproxy import Proxy, Toxiproxy
from harness.faults import FAULTS, Fault
from harness.probe import Reach, probe
from harness.processes import is_stopped
from scenarios.model import PRIMARY_LINK, Scalar
from tests.integration.processes import soon

pytestmark = pytest.mark.integration

SETTINGS: Mapping[str, Mapping[str, Scalar]] = {
    "bandwidth": {"rate_kb_per_s": 60},
    "exhaust-connections": {"leave": 2},
    "freeze": {},
    "latency": {"latency_ms": 60, "jitter_ms": 10},
    "limit-data": {},
    "limit-data, more": {"bytes": 3000},
    "limit-data, upstream": {"bytes": 0, "stream": "upstream"},
    "limit-data, much upstream": {"bytes": 7000, "stream": "upstream"},
    "lock-table": {"table": "things"},
    "lock-table, convoy": {"table": "things", "mode": "convoy"},
    "lock-table, rows": {"table": "public.things", "mode": "rows", "rows": 3},
    "proxy-down": {},
    "read-only": {},
    "reset-peer": {},
    "reset-peer, upstream": {"stream": "upstream"},
    "restart": {},
    "slicer": {"average_bytes": 30, "variation_bytes": 10, "pause_us": 2000},
    "slow-close": {"delay_ms": 80},
    "slow-close, long": {"delay_ms": 60_000},
    "terminate-sessions": {"idle_only": True},
    "timeout": {},
}
"""Settings under which each fault is tried, with a word on them behind a comma. None may be missing."""

PATIENCE_S = 0.4


@dataclass(frozen=True)
class Ground:
    """What a fault is done to, and how to look whether all is well again: sessions are opened at `address`."""

    part: Any
    link: Proxy
    database: TrialDatabase
    address: tuple[str, int]

    def ask(self, query: str) -> object:
        url = self.database.url_through(*self.address)
        with closing(psycopg2.connect(url, connect_timeout=5)) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            row = cursor.fetchone()
        return row[0] if row else None

    def leftovers(self) -> list[str]:
        """What a fault has left: toxics, sessions, processes that stand still."""
        first = psutil.Process(self.database.server.process_id())
        still = [str(one) for one in (first, *first.children(recursive=True)) if is_stopped(one.pid)]
        sessions = self.ask(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        return [*map(str, self.link.toxics()), *still, *(["sessions"] if sessions else [])]


@pytest.fixture(scope="module")
def own_server(leash: Leash) -> Iterator[DatabaseServer]:
    """A server of this suite's own: faults are done to it."""
    with database_server(leash, url=None, allow_remote=False, progress=lambda text: None) as server:
        server.create_template(_fill)
        yield server


def _fill(url: str) -> None:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE things (id integer PRIMARY KEY); INSERT INTO things SELECT generate_series(1, 9)"
        )


@pytest.fixture(params=sorted({*FAULTS, *SETTINGS}))
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def fault(case: str) -> Fault:
    return _fault(case)


def _kind(case: str) -> type[Fault]:
    return FAULTS[case.split(",", maxsplit=1)[0]]


def _fault(case: str, **more: Scalar) -> Fault:
    return _kind(case)({**SETTINGS[case], **more})


@pytest.fixture
def ground(fault: Fault, toxiproxy: Toxiproxy, own_server: DatabaseServer) -> Iterator[Ground]:
    """Of the parts that the fault can be done to, the first of a trial without a replica."""
    with ExitStack() as up:
        database = up.enter_context(own_server.fresh_database())
        primary = up.enter_context(primary_of(database))
        link = toxiproxy.create_proxy("fault", own_server.host, own_server.port)
        up.callback(link.destroy)
        parts = Parts({PRIMARY_LINK: link, PRIMARY: primary})
        name = next(name for name in parts if fault.needs in KNOWN_PARTS[name])
        of_link, of_server = (link.host, link.port), (own_server.host, own_server.port)
        yield Ground(
            parts.require(name, fault.needs), link, database, of_link if name == PRIMARY_LINK else of_server
        )


def test_a_fault_is_proved_while_it_lasts_and_not_before_or_after(fault: Fault, ground: Ground) -> None:
    before = fault.prove(ground.part, PATIENCE_S)
    assert not before.shown, before.seen
    fault.inject(ground.part)
    during = fault.prove(ground.part, PATIENCE_S)
    assert during.shown, during.seen
    fault.heal(ground.part)
    after = fault.prove_healed(ground.part, PATIENCE_S)
    assert after.shown, after.seen


def test_an_end_is_not_proved_while_the_fault_lasts(fault: Fault, ground: Ground) -> None:
    fault.inject(ground.part)
    during = fault.prove_healed(ground.part, PATIENCE_S)
    assert during.shown is fault.momentary, during.seen
    fault.heal(ground.part)


def test_healing_leaves_nothing_and_it_can_be_broken_again(fault: Fault, ground: Ground) -> None:
    for _ in range(2):
        fault.inject(ground.part)
        fault.heal(ground.part)
        assert soon(lambda: ground.leftovers() == []), ground.leftovers()
    assert Reach.ANSWERED is probe(*ground.address, PATIENCE_S).reach


@pytest.mark.parametrize("case", [case for case in sorted(SETTINGS) if _kind(case).needs is not Link])
def test_a_fault_that_was_never_healed_is_over_when_the_trial_is(
    fault: Fault, toxiproxy: Toxiproxy, own_server: DatabaseServer
) -> None:
    """Whatever `Injection` does at its end, no part outlives its trial as a ruin; a link is gone with it."""
    with own_server.fresh_database() as database, primary_of(database) as primary:
        fault.inject(Parts({PRIMARY: primary}).require(PRIMARY, fault.needs))
        del fault
    link = toxiproxy.create_proxy("after", own_server.host, own_server.port)
    with own_server.fresh_database() as database:
        ground = Ground(None, link, database, (own_server.host, own_server.port))
        assert ground.ask("SELECT count(*) FROM things") == 9
        assert soon(lambda: ground.leftovers() == []), ground.leftovers()
    link.destroy()


def test_a_session_can_be_opened_after_healing(fault: Fault, ground: Ground) -> None:
    fault.inject(ground.part)
    fault.heal(ground.part)
    assert 1 == ground.ask("SELECT 1")


def test_a_setting_that_is_not_known_is_refused(case: str) -> None:
    with pytest.raises(ValidationError):
        _fault(case, unheard_of=1)


def test_a_fault_says_what_it_does(fault: Fault) -> None:
    assert fault.describe()
    assert fault.teaches


def test_every_registered_fault_is_in_this_suite() -> None:
    assert set(FAULTS) == {case.split(",")[0] for case in SETTINGS}
