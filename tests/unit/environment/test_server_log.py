"""A server's log: what its lines say, and that none is read twice or passed over when it is cut."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from harness.environment import bounded_log
from harness.environment.server_log import Logged, ServerLog, logged


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            b"1764232149.123 77 40P01 shop web ERROR:  deadlock detected",
            Logged(77, "40P01", "shop", "web", "ERROR"),
        ),
        (
            b"1764232149.123 77 53300 shop [unknown] FATAL:  sorry, too many clients already",
            Logged(77, "53300", "shop", "[unknown]", "FATAL"),
        ),
        (
            b"1764232149.123 8 00000   LOG:  checkpoint starting: time",
            Logged(8, "00000", "", "", "LOG"),
        ),
        (
            b"1764232149.123 8 08P01 [unknown] [unknown] LOG:  incomplete startup packet",
            Logged(8, "08P01", "[unknown]", "[unknown]", "LOG"),
        ),
        (
            b'1764232149.123 9 42601 shop my web app - 2 ERROR:  syntax error at or near "FATAL:  "',
            Logged(9, "42601", "shop", "my web app - 2", "ERROR"),
        ),
    ],
)
def test_what_a_line_says_is_told_without_its_words(line: bytes, said: Logged) -> None:
    assert said == logged(line)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\t1764232149.123 77 40P01 shop web ERROR:  in the middle of a message",
        b"2026-01-01 10:00:00 UTC [12] FATAL:  of another prefix",
        b"postgres: could not access directory",
        b"[9 bytes were cut out here: the log had more than 100]",
        b"\xff\xfe",
    ],
)
def test_what_begins_no_message_says_nothing(line: bytes) -> None:
    assert logged(line) is None


def test_only_whole_lines_are_read_and_each_once(tmp_path: Path) -> None:
    log = ServerLog(tmp_path / "log")
    log.path.write_bytes(b"before\n")
    place = log.end()
    with log.path.open("ab", buffering=0) as writer:
        writer.write(b"one\ntw")
        first = log.since(place)
        writer.write(b"o\nthree\n")
        second = log.since(first.place)
    assert ([b"one"], [b"two", b"three"]) == (first.lines, second.lines)
    assert ([], 0) == (log.since(second.place).lines, second.lost_bytes)
    assert log.end() == second.place


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ServerLog:
    """Cut beyond 1,000 bytes to the last 100."""
    monkeypatch.setattr(bounded_log, "cut", partial(bounded_log.cut, most_bytes=1000, kept_bytes=100))
    log = ServerLog(tmp_path / "log")
    log.path.touch()
    return log


def write(log: ServerLog, numbers: range) -> None:
    with log.path.open("ab") as file:
        file.writelines(b"%9d\n" % number for number in numbers)


def test_who_kept_up_goes_on_after_a_cut_as_if_there_had_been_none(small: ServerLog) -> None:
    place, read = 0, []
    for start in range(0, 1000, 50):
        write(small, range(start, start + 50))
        lines, place, lost_bytes = small.since(place)
        assert 0 == lost_bytes
        read += [int(line) for line in lines]
        small.cut()
    assert list(range(1000)) == read
    assert small.path.stat().st_size < 2000
    assert 10_000 == place == small.end()


def test_who_did_not_is_told_what_is_missing(small: ServerLog) -> None:
    write(small, range(50))
    place = small.since(0).place
    write(small, range(50, 200))
    small.cut()
    lines, place, lost_bytes = small.since(place)
    assert (list(range(190, 200)), 1400) == ([int(line) for line in lines], lost_bytes)
    write(small, range(200, 201))
    assert ([b"%9d" % 200], 0) == (small.since(place).lines, small.since(place).lost_bytes)
