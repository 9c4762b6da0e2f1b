"""Errors of the trial's database in a server's log, by code."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from pydantic import ValidationError

from harness.environment import bounded_log
from harness.environment.server_log import ServerLog
from harness.records import ErrorsReading, decode_reading
from harness.sampling.errors import ErrorsGauge
from harness.sampling.gauges import UnreadableError


@pytest.fixture
def log(tmp_path: Path) -> ServerLog:
    log = ServerLog(tmp_path / "log")
    log.path.touch()
    return log


def say(log: ServerLog, *lines: str) -> None:
    with log.path.open("a") as file:
        file.writelines(f"1764232149.123 {line}\n" for line in lines)


def test_errors_are_counted_by_code_in_the_order_of_their_coming(log: ServerLog) -> None:
    say(log, "1 22012 mine web ERROR:  before the trial")
    gauge = ErrorsGauge("primary", log, "mine")
    say(
        log,
        "1 57014 mine web ERROR:  canceling statement due to statement timeout",
        "2 40P01 mine web ERROR:  deadlock detected",
        "1 57014 mine web ERROR:  canceling statement due to user request",
        "3 53300 mine [unknown] FATAL:  sorry, too many clients already",
    )
    first = gauge.read()
    assert {"57014": 2, "40P01": 1, "53300": 1} == first.counts
    assert ("57014", "40P01", "53300") == first.order
    assert (1, 0) == (first.refused, first.lost)
    assert ErrorsReading(t_ns=0) == gauge.read()


@pytest.mark.parametrize(
    "line",
    [
        "1 40P01 other web ERROR:  of another trial, which runs at the same time",
        "1 40P01 mine poolstorm-harness ERROR:  of our own",
        "1 42P04 mine poolstorm ERROR:  of our own",
        "1 00000 mine web LOG:  duration: 7 ms",
        "1 01000 mine web WARNING:  there is no transaction in progress",
        "1 08P01 [unknown] [unknown] LOG:  incomplete startup packet",
        "1 00000   LOG:  database system is ready to accept connections",
    ],
)
def test_what_is_no_error_of_the_targets_is_left_out(log: ServerLog, line: str) -> None:
    gauge = ErrorsGauge("primary", log, "mine")
    say(log, line)
    assert ErrorsReading(t_ns=0) == gauge.read()


def test_a_session_whose_client_vanished_is_lost_once_however_often_it_is_said(log: ServerLog) -> None:
    gauge = ErrorsGauge("primary", log, "mine")
    say(
        log,
        "5 08006 mine web LOG:  could not receive data from client: Connection reset by peer",
        "5 08006 mine web LOG:  unexpected EOF on client connection with an open transaction",
        "6 08006 mine web LOG:  could not send data to client: Broken pipe",
    )
    first = gauge.read()
    say(log, "6 08006 mine web FATAL:  connection to client lost")
    second = gauge.read()
    assert (2, {}) == (first.lost, first.counts)
    assert (0, {"08006": 1}) == (second.lost, second.counts)


def test_what_was_cut_out_before_it_was_read_is_told_and_what_is_left_is_read(
    log: ServerLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_log, "cut", partial(bounded_log.cut, most_bytes=500, kept_bytes=160))
    gauge = ErrorsGauge("primary", log, "mine")
    say(log, *["1 40P01 mine web ERROR:  deadlock detected"] * 20, "1 22012 mine web ERROR:  division by zero")
    log.cut()
    with pytest.raises(UnreadableError, match=r"bytes of the log were cut out before they were read"):
        gauge.read()
    assert ("40P01", "22012") == gauge.read().order


def test_a_log_that_has_gone_is_a_gap(log: ServerLog) -> None:
    gauge = ErrorsGauge("primary", log, "mine")
    log.path.unlink()
    with pytest.raises(UnreadableError, match="the log cannot be read: No such file or directory"):
        gauge.read()


def test_what_was_written_is_read_again() -> None:
    written = ErrorsReading(
        t_ns=4, part="replica", counts={"25006": 3, "57P01": 1}, order=("25006", "57P01"), lost=2
    )
    assert written == decode_reading(written.model_dump_json())


@pytest.mark.parametrize(
    "wrong",
    [
        {"counts": {"40P01": -1}},
        {"counts": {"select * from users": 1}},
        {"order": ["40P01\n"]},
        {"lost": -1},
        {"order": "40P01"},
    ],
)
def test_what_cannot_be_is_damage(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        decode_reading(json.dumps({"source": "errors", "t_ns": 1, **wrong}))
