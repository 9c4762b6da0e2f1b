"""The measuring of engines, on SQLite in memory."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, exc, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool, QueuePool
from starlette.types import Message, Receive, Scope, Send

from targets.contract import Times, TimesTaken
from targets.gauges import Gauges
from targets.instrument import instrument
from targets.timing import RequestTimings, ServerTimingMiddleware

ONE = text("SELECT 1")


def pooled_engine(**settings: Any) -> Engine:
    arguments = {"pool_size": 1, "max_overflow": 1, "pool_timeout": 0.05, **settings}
    connect_args = {"check_same_thread": False}
    return create_engine("sqlite://", poolclass=QueuePool, connect_args=connect_args, **arguments)


def state(gauges: Gauges) -> dict[str, int | None]:
    read = gauges.read()
    names = ("checked_in", "checked_out", "overflow", "waiting", "opened_total", "closed_total")
    return {name: getattr(read, name) for name in names}


def serve(work: Any) -> dict[bytes, bytes]:
    """Run `work()` inside a request, and give the response's headers."""
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.to_thread(work)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-own", b"kept")]})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    asyncio.run(ServerTimingMiddleware(app)({"type": "http"}, receive, send))
    return dict(sent[0]["headers"])


def durations(headers: dict[bytes, bytes]) -> dict[str, float]:
    found = re.findall(r"(\w+);dur=([0-9.]+)", headers[b"server-timing"].decode())
    return {name: float(value) for name, value in found}


def test_gauges_follow_a_connection_out_and_back() -> None:
    engine = pooled_engine()
    gauges = instrument(engine)
    with engine.connect():
        out = {
            "checked_in": 0,
            "checked_out": 1,
            "overflow": 0,
            "waiting": 0,
            "opened_total": 1,
            "closed_total": 0,
        }
        assert state(gauges) == out
    assert state(gauges) == {**out, "checked_in": 1, "checked_out": 0}
    assert (gauges.read().checked_out_max, gauges.read().checkouts_total) == (1, 1)
    engine.dispose()


def test_status_goes_from_ok_over_busy_to_exhausted() -> None:
    engine = pooled_engine()
    gauges = instrument(engine)
    assert gauges.read().status == "ok"
    with engine.connect():
        assert gauges.read().status == "busy"
        with engine.connect():
            full = gauges.read()
            assert (full.status, full.overflow, full.limit, full.checked_out) == ("exhausted", 1, 2, 2)
    assert (gauges.read().status, gauges.read().closed_total) == ("ok", 1)
    engine.dispose()


@pytest.mark.parametrize(
    ("size", "overflow", "expected"),
    [(0, 5, (0, None, 0, "ok")), (0, -1, (0, None, 0, "ok")), (1, -1, (1, None, 2, "busy"))],
)
def test_a_pool_without_a_limit_is_never_exhausted(
    size: int, overflow: int, expected: tuple[int, int | None, int, str]
) -> None:
    engine = pooled_engine(pool_size=size, max_overflow=overflow, pool_timeout=0)
    gauges = instrument(engine)
    with engine.connect(), engine.connect(), engine.connect():
        read = gauges.read()
        assert expected == (read.size, read.limit, read.overflow, read.status)
        assert 3 == read.checked_out
    after = gauges.read()
    assert (size or 3, 0, "ok") == (after.checked_in, after.checked_out, after.status)
    assert gauges.pooled
    engine.dispose()


def test_a_checkout_that_times_out_is_counted_and_nobody_waits_any_more() -> None:
    engine = pooled_engine()
    gauges = instrument(engine)
    with engine.connect(), engine.connect(), pytest.raises(exc.TimeoutError):
        engine.connect()
    assert (gauges.read().timed_out_total, gauges.read().waiting) == (1, 0)
    engine.dispose()


def test_those_who_wait_are_seen_waiting() -> None:
    engine = pooled_engine(pool_timeout=10, max_overflow=0)
    gauges = instrument(engine)

    def take() -> None:
        with engine.connect():
            pass

    with ThreadPoolExecutor(3) as threads:
        with engine.connect():
            waiters = [threads.submit(take) for _ in range(3)]
            while gauges.read().waiting < 3:
                assert not any(waiter.done() for waiter in waiters)
            assert gauges.read().checked_out == 1
        for waiter in waiters:
            waiter.result()
    assert state(gauges) == {
        "checked_in": 1,
        "checked_out": 0,
        "overflow": 0,
        "waiting": 0,
        "opened_total": 1,
        "closed_total": 0,
    }
    engine.dispose()


def test_without_a_pool_connections_are_counted_by_their_events() -> None:
    engine = create_engine("sqlite://", poolclass=NullPool)
    gauges = instrument(engine)
    with engine.connect(), engine.connect():
        read = gauges.read()
        assert (read.size, read.limit, read.checked_out, read.status) == (0, None, 2, "ok")
    assert not gauges.pooled
    read = gauges.read()
    assert (read.checked_out, read.checked_out_max, read.opened_total, read.closed_total) == (0, 2, 2, 2)


def test_a_connect_that_fails_leaves_every_gauge_at_zero() -> None:
    engine = create_engine("sqlite:////no/such/folder/file", poolclass=NullPool)
    gauges = instrument(engine)
    for _ in range(3):
        with pytest.raises(exc.OperationalError):
            engine.connect()
    read = gauges.read()
    assert (read.checked_out, read.waiting, read.opened_total, read.timed_out_total) == (0, 0, 0, 0)


def test_an_invalidated_connection_is_counted_closed_and_invalidated() -> None:
    engine = pooled_engine()
    gauges = instrument(engine)
    with engine.connect() as connection:
        connection.invalidate()
    read = gauges.read()
    assert (read.invalidated_total, read.closed_total, read.checked_out) == (1, 1, 0)
    engine.dispose()


def test_a_detached_connection_is_not_out_any_more_and_counted_closed() -> None:
    engine = pooled_engine()
    gauges = instrument(engine)
    with engine.connect() as connection:
        connection.detach()
        assert gauges.leased == 0
    assert gauges.read().closed_total == 1
    engine.dispose()


def test_measuring_survives_the_engines_disposal() -> None:
    engine = pooled_engine()
    gauges = instrument(engine)
    for _ in range(2):
        with engine.connect():
            pass
        engine.dispose()
    with engine.connect(), engine.connect(), pytest.raises(exc.TimeoutError):
        engine.connect()
    read = gauges.read()
    assert (read.opened_total, read.timed_out_total, read.checkouts_total) == (4, 1, 4)
    assert gauges.take_times().held.count == 4
    engine.dispose()


def test_counts_are_exact_under_many_threads() -> None:
    engine = pooled_engine(pool_size=4, max_overflow=4, pool_timeout=30)
    gauges = instrument(engine)
    together = threading.Barrier(16)

    def work(_: int) -> None:
        together.wait(10)
        for _ in range(50):
            with Session(engine) as session:
                session.execute(ONE)

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(work, range(16)))
    read = gauges.read()
    assert (gauges.leased, read.waiting, read.checked_out) == (0, 0, 0)
    assert (read.checkouts_total, read.statements_total) == (16 * 50, 16 * 50)
    times = gauges.take_times()
    assert (times.held.count, times.release.count) == (16 * 50, 16 * 50)
    assert read.opened_total - read.closed_total == read.checked_in <= 4
    assert read.checked_out_max <= 8
    engine.dispose()


def test_a_request_is_told_its_own_share_of_time() -> None:
    engine = pooled_engine()
    instrument(engine)

    def work() -> None:
        with Session(engine) as session:
            session.execute(ONE)

    headers = serve(work)
    first, second = durations(headers), durations(serve(work))
    assert headers[b"x-own"] == b"kept"
    assert list(first) == ["acquire", "connect", "ping", "query"]
    assert first["acquire"] >= first["connect"] > 0
    assert second["connect"] == 0
    assert second["acquire"] > 0
    assert min(first["query"], second["query"]) > 0
    engine.dispose()


def test_setting_a_connection_up_belongs_to_connecting() -> None:
    engine = pooled_engine()

    @event.listens_for(engine, "connect")
    def set_up(*_: object) -> None:
        threading.Event().wait(0.05)

    instrument(engine)
    assert durations(serve(lambda: engine.connect().close()))["connect"] >= 49
    engine.dispose()


def test_a_checkout_that_failed_has_its_time_told_too() -> None:
    engine = pooled_engine(max_overflow=0)
    instrument(engine)

    def work() -> None:
        with pytest.raises(exc.TimeoutError):
            engine.connect()

    with engine.connect():
        assert durations(serve(work))["acquire"] >= 45
    engine.dispose()


def test_a_request_that_asked_for_no_connection_has_no_timing() -> None:
    assert b"server-timing" not in serve(lambda: None)


def test_timings_are_milliseconds_with_three_digits() -> None:
    timings = RequestTimings(acquire_ns=1_234_000, connect_ns=0, ping_ns=500_000, query_ns=2_345_678)
    assert timings.header() == "acquire;dur=1.234, connect;dur=0.000, ping;dur=0.500, query;dur=2.346"


def test_only_slow_statements_are_logged_folded_and_without_parameters(caplog: pytest.LogCaptureFixture) -> None:
    engine = pooled_engine()
    instrument(engine, slow_query_ms=50)
    event.listen(engine, "connect", lambda raw, _: raw.create_function("nap", 1, threading.Event().wait))
    with caplog.at_level(logging.WARNING), engine.connect() as connection:
        connection.execute(ONE)
        connection.execute(text("SELECT\n    nap(:seconds),\n    :secret"), {"seconds": 0.06, "secret": "hush"})
    [record] = caplog.records
    assert (record.name, record.levelname) == ("poolstorm.slow_query", "WARNING")
    assert re.fullmatch(r"\d+\.\d ms: SELECT nap\(\?\), \?", record.getMessage())
    engine.dispose()


def test_a_statement_that_fails_is_measured_and_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    engine = pooled_engine()
    instrument(engine, slow_query_ms=0)

    def work() -> None:
        with engine.connect() as connection, pytest.raises(exc.OperationalError):
            connection.execute(text("SELECT no_such_column"))

    assert durations(serve(work))["query"] > 0
    assert caplog.messages[-1].endswith("ms: SELECT no_such_column")
    engine.dispose()


def test_the_release_of_a_session_includes_its_rollback(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = pooled_engine()
    gauges = instrument(engine)
    roll_back = engine.dialect.do_rollback

    def dawdle(connection: Any) -> None:
        threading.Event().wait(0.05)
        roll_back(connection)

    with engine.connect():
        pass  # the dialect's own first steps roll back too
    gauges.take_times()
    monkeypatch.setattr(engine.dialect, "do_rollback", dawdle)
    with Session(engine) as session:
        session.execute(ONE)
    times = gauges.take_times()
    assert (times.release.p50_ms or 0) >= 49
    assert (times.held.p50_ms or 0) >= (times.release.p50_ms or 0)
    engine.dispose()


def test_the_time_a_pool_takes_to_close_a_connection_belongs_to_its_release() -> None:
    engine = create_engine("sqlite://", poolclass=NullPool)
    gauges = instrument(engine)
    event.listen(engine, "close", lambda *_: threading.Event().wait(0.05))
    with engine.connect():
        pass
    assert (gauges.take_times().release.max_ms or 0) >= 49


def test_how_long_connections_were_held_is_told_since_it_was_last_asked() -> None:
    engine = pooled_engine()
    gauges = instrument(engine)
    for naps_s in ([0.02, 0.02, 0.06], [0.04]):
        for nap_s in naps_s:
            with engine.connect():
                threading.Event().wait(nap_s)
        held = gauges.take_times().held
        assert held.count == len(naps_s)
        assert (held.max_ms or 0) >= max(naps_s) * 1000 - 1
        assert (held.p50_ms or 0) >= sorted(naps_s)[len(naps_s) // 2] * 1000 - 1
        assert (held.p50_ms or 0) <= (held.p90_ms or 0) <= (held.p99_ms or 0)
    nothing = Times(count=0, p50_ms=None, p90_ms=None, p99_ms=None, max_ms=None)
    assert gauges.take_times() == TimesTaken(held=nothing, release=nothing)
    engine.dispose()


def test_requests_checkouts_and_statements_are_counted_apart() -> None:
    engine = pooled_engine()
    gauges = instrument(engine)

    def work() -> None:
        for _ in range(2):
            with Session(engine) as session:
                session.execute(ONE)
                session.execute(ONE)
                with pytest.raises(exc.OperationalError):
                    session.execute(text("SELECT no_such_column"))

    serve(work)
    serve(lambda: None)
    work()  # outside any request
    read = gauges.read()
    assert (read.requests_total, read.checkouts_total, read.statements_total, read.pings_total) == (1, 4, 12, 0)
    engine.dispose()


def test_a_request_whose_only_checkout_failed_is_counted_as_a_request() -> None:
    engine = pooled_engine(max_overflow=0)
    gauges = instrument(engine)

    def work() -> None:
        with pytest.raises(exc.TimeoutError):
            engine.connect()

    with engine.connect():
        serve(work)
    assert (gauges.read().requests_total, gauges.read().checkouts_total) == (1, 1)
    engine.dispose()


def test_pings_are_counted_timed_as_part_of_acquiring_and_no_statements() -> None:
    engine = pooled_engine(pool_pre_ping=True)
    gauges = instrument(engine)
    first = durations(serve(lambda: engine.connect().close()))
    assert (first["ping"], gauges.read().pings_total) == (0, 0)  # fresh connections are not tested
    second = durations(serve(lambda: engine.connect().close()))
    assert 0 < second["ping"] <= second["acquire"]
    assert (gauges.read().pings_total, gauges.read().statements_total) == (1, 0)
    engine.dispose()


def test_a_ping_that_finds_a_connection_lost_is_counted_and_the_next_connects() -> None:
    engine = pooled_engine(pool_pre_ping=True)
    gauges = instrument(engine)
    with engine.connect() as connection:
        dbapi_connection = connection.connection.dbapi_connection
    assert dbapi_connection is not None
    dbapi_connection.close()
    timings = durations(serve(lambda: engine.connect().close()))
    read = gauges.read()
    assert (read.pings_total, read.opened_total, read.invalidated_total) == (1, 2, 1)
    assert timings["acquire"] >= timings["ping"] + timings["connect"] > 0
    engine.dispose()


def test_many_rows_at_once_are_one_statement() -> None:
    engine = pooled_engine()
    gauges = instrument(engine)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE numbers (n INTEGER)"))
        connection.execute(text("INSERT INTO numbers VALUES (:n)"), [{"n": 1}, {"n": 2}, {"n": 3}])
        connection.exec_driver_sql("SELECT 1", execution_options={"no_parameters": True})
    assert gauges.read().statements_total == 3
    engine.dispose()


def test_what_the_dialect_asks_a_new_connection_is_no_statement_of_a_request() -> None:
    engine = pooled_engine()
    initialize = engine.dialect.initialize

    def ask_more(connection: Connection) -> None:
        connection.exec_driver_sql("SELECT 1")
        initialize(connection)

    engine.dialect.initialize = ask_more  # type: ignore[method-assign]
    gauges = instrument(engine)
    with engine.connect() as connection:
        connection.execute(ONE)
    assert gauges.read().statements_total == 1
    engine.dispose()
