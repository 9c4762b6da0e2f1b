"""Every request's account, and the pipe to the recorder that may be slow, full or gone."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import gevent
import pytest

from harness.load import outlet
from harness.load.outlet import Outlet
from harness.load.recorder import MOST_WRITES, record
from harness.load.samples import MOST_KINDS, Arrival, Samples
from harness.records import INTERVAL_NS, Outcome, Write
from scenarios.http_client import Response
from scenarios.model import Arrivals, Phase, Scenario

PHASE = Phase(name="steady", duration_s=1.0, arrivals=Arrivals(rate_per_s=10))
SCENARIO = Scenario(name="load", title="Load", question="?", phases=(PHASE,))


class Hostile:
    """Raises whatever is done with it."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError("hostile")


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read_fd, write_fd = os.pipe()
    os.set_blocking(read_fd, False)
    yield read_fd, write_fd
    for fd in (read_fd, write_fd):
        with suppress(OSError):  # the test did
            os.close(fd)


def answer(status: int = 200, content: bytes = b"", error: Exception | None = None) -> Response:
    return Response(status, {}, content, error, 2_000, 5_000)


def recorded(samples: Samples, read_fd: int, history: io.StringIO | None = None) -> dict[Outcome, int]:
    samples.finish(1.0)
    lines = os.read(read_fd, 1 << 20).decode().splitlines(keepends=True)
    return record(lines, io.StringIO(), history, INTERVAL_NS).requests


def test_every_ending_is_recorded_also_one_that_nobody_foresaw(pipe: tuple[int, int]) -> None:
    samples = Samples(SCENARIO, pipe[1])
    samples.end(name="read_user", response=answer(), context=samples.begin("read_user"))
    nested = answer(500, b"[" * 16_000)
    samples.end(name="read_user", response=nested, context=samples.begin("read_user"))
    odd = answer()._replace(headers=Hostile())  # type: ignore[arg-type]
    samples.end(name="read_user", response=odd, context=samples.begin("read_user"))
    samples.begin("read_user")
    samples.abort()
    expected = {Outcome.OK: 1, Outcome.UNKNOWN: 2, Outcome.ABORTED: 1}
    assert expected == dict(samples.requests)
    assert expected == recorded(samples, pipe[0])
    assert (4, 3, 1, {}) == (samples.started, samples.completed, samples.aborted, samples.under_way)


def test_a_success_that_the_user_knows_to_be_wrong_is_a_failure_of_that_kind(pipe: tuple[int, int]) -> None:
    samples = Samples(SCENARIO, pipe[1])
    for status, wrong in ((200, "wrong-balance"), (200, ""), (503, "wrong-balance")):
        context = {**samples.begin("read_own"), "wrong": wrong}
        samples.end(name="read_own", response=answer(status), context=context)
    samples.finish(1.0)
    lines = os.read(pipe[0], 1 << 20).decode().splitlines()
    kinds = [line.split()[-2:] for line in lines if line.startswith("series")]
    assert kinds == [["failed", "wrong-balance"], ["ok", "-"], ["unknown", "http-503"]]


def test_an_arrival_that_fails_before_it_sends_is_recorded_as_failed(pipe: tuple[int, int]) -> None:
    samples = Samples(SCENARIO, pipe[1])

    def run() -> None:
        with pytest.raises(ZeroDivisionError), samples.arrival(Arrival(5, "read_user")):
            _ = 1 / 0

    gevent.spawn(run).join()
    assert samples.current_arrival() is None
    assert (1, {Outcome.FAILED: 1}) == (samples.started, recorded(samples, pipe[0]))


def test_a_target_that_names_a_new_kind_in_each_answer_makes_only_so_many_series(pipe: tuple[int, int]) -> None:
    samples = Samples(SCENARIO, pipe[1])
    for number in range(MOST_KINDS + 100):
        body = f'{{"kind":"kind-{number}"}}'.encode()
        samples.end(name="read_user", response=answer(500, body), context=samples.begin("read_user"))
    samples.finish(1.0)
    lines = os.read(pipe[0], 1 << 20).decode().splitlines(keepends=True)
    assert MOST_KINDS + 1 == sum(line.startswith("series") for line in lines)
    assert {Outcome.UNKNOWN: MOST_KINDS + 100} == record(lines, io.StringIO(), None, INTERVAL_NS).requests


def test_writes_are_recorded_one_by_one_with_what_is_known_of_them(pipe: tuple[int, int]) -> None:
    samples = Samples(SCENARIO, pipe[1], record_writes=True)
    samples.end(name="transfer", response=answer(), context=samples.begin("transfer", "a b"))
    lost = answer(0, error=ConnectionResetError())
    samples.end(name="transfer", response=lost, context=samples.begin("transfer", "\u00fc\n"))
    samples.end(name="read_user", response=answer(), context=samples.begin("read_user"))
    samples.begin("transfer", "never-answered")
    samples.abort()
    history = io.StringIO()
    recorded(samples, pipe[0], history)
    writes = [Write.model_validate_json(line) for line in history.getvalue().splitlines()]
    assert [
        ("a b", Outcome.OK, "-", 5_000),
        ("\u00fc\n", Outcome.UNKNOWN, "connection-reset", None),
        ("never-answered", Outcome.ABORTED, "given-up", None),
    ] == [(write.token, write.outcome, write.kind, write.answered_ns) for write in writes]
    assert [2_000, 2_000] == [write.sent_ns for write in writes[:2]]
    assert {"transfer"} == {write.operation for write in writes}


def test_reads_that_look_for_an_own_write_are_in_the_history_with_what_they_saw(pipe: tuple[int, int]) -> None:
    samples = Samples(SCENARIO, pipe[1], record_writes=True)
    for seen in (True, False, None):
        context = samples.begin("read_transfer", "a b", "read")
        if seen is not None:
            context["seen"] = seen
        samples.end(name="read_transfer", response=answer(404 if seen is False else 200), context=context)
    samples.begin("read_transfer", "a b", "read")
    samples.abort()
    history = io.StringIO()
    recorded(samples, pipe[0], history)
    reads = [Write.model_validate_json(line) for line in history.getvalue().splitlines()]
    assert {"read"} == {read.action for read in reads}
    assert [True, False, None, None] == [read.seen for read in reads]
    assert [5_000, 5_000, 5_000, None] == [read.answered_ns for read in reads]


def test_a_line_of_a_history_without_reads_is_a_write() -> None:
    line = '{"token":"t","operation":"o","phase":"p","sent_ns":1,"answered_ns":2,"outcome":"ok","kind":"-"}'
    old = Write.model_validate_json(line)
    assert ("write", None) == (old.action, old.seen)


def test_a_history_has_a_bound_and_what_is_beyond_it_is_counted() -> None:
    lines = ["series 0 steady transfer ok -\n", *['write 0 1 2 - "t"\n'] * (MOST_WRITES + 5)]
    history = io.StringIO()
    told = record(lines, io.StringIO(), history, INTERVAL_NS)
    assert (MOST_WRITES, 5) == (told.writes, told.writes_dropped)
    assert MOST_WRITES == history.getvalue().count("\n")


def test_a_recorder_that_stands_still_holds_nobody_up_and_misses_nothing_when_it_goes_on(
    pipe: tuple[int, int],
) -> None:
    read_fd, write_fd = pipe
    out, text = Outlet(write_fd), "0 1 2 3\n" * 100_000
    for _ in range(4):
        out.put(text)
    assert "" == out.failure
    got: list[bytes] = []

    def read() -> None:
        while sum(map(len, got)) < 4 * len(text):
            try:
                got.append(os.read(read_fd, 1 << 16))
            except BlockingIOError:
                gevent.sleep(0.001)

    reading = gevent.spawn(read)
    out.empty(10.0)
    reading.join(10.0)
    assert 4 * text.encode() == b"".join(got)
    assert "" == out.failure


def test_a_recorder_that_stays_behind_is_given_up_and_that_is_told(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlet, "MOST_WAITING_BYTES", 1_000_000)
    out = Outlet(pipe[1])
    for _ in range(4):
        out.put("0 1 2 3\n" * 100_000)
    assert "the recorder did not keep up: 1 MiB of samples waited for it" == out.failure
    out.empty(10.0)  # at once: there is nothing to wait for


def test_at_the_end_a_recorder_is_waited_for_only_so_long(pipe: tuple[int, int]) -> None:
    out = Outlet(pipe[1])
    out.put("0 1 2 3\n" * 400_000)
    out.empty(0.05)
    assert "the recorder did not take all samples within 0.05 s of the load's end" == out.failure


def test_a_recorder_that_is_gone_is_told_and_the_load_goes_on(pipe: tuple[int, int]) -> None:
    out = Outlet(pipe[1])
    os.close(pipe[0])
    for _ in range(3):
        out.put("0 1 2 3\n")
    assert "the recorder is gone (Broken pipe)" == out.failure


def test_a_full_disk_is_told_with_what_could_still_be_written() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this machine has no /dev/full")
    lines = ["series 0 steady transfer ok -\n", *["0 1 2 3\n"] * 600]
    log = os.fdopen(os.open("/dev/full", os.O_WRONLY), "w")
    try:
        told = record(lines, log, None, INTERVAL_NS)
    finally:
        with pytest.raises(OSError, match="No space left"):
            log.close()
    assert "latencies cannot be written (No space left on device)" == told.failure
    assert {} == told.requests


def test_a_load_process_that_dies_in_mid_line_is_told_and_what_came_before_is_recorded() -> None:
    lines = ["series 0 steady transfer ok -\n", "0 1 2 3\n", "0 1"]
    told = record(lines, io.StringIO(), None, INTERVAL_NS)
    assert ({Outcome.OK: 1}, "the load process died in mid-line") == (told.requests, told.failure)
