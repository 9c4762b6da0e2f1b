"""A log that grows without end is cut, and its end kept."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from harness.environment import bounded_log


def test_a_log_within_its_bound_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * 100)
    assert 0 == bounded_log.cut(log, most_bytes=100, kept_bytes=10)
    assert log.read_bytes() == b"x" * 100


def test_of_a_longer_one_the_end_stays_after_a_line_that_says_so(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * 995 + b"the end\n")
    assert 995 == bounded_log.cut(log, most_bytes=1000, kept_bytes=8)
    assert log.read_text() == "[995 bytes were cut out here: the log had more than 1,000]\nthe end\n"


def test_who_appends_goes_on_after_what_was_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_log, "LOOK_EVERY_S", 0.01)
    log, line = tmp_path / "log", b"y" * 999 + b"\n"
    with log.open("ab", buffering=0) as writer, bounded_log.bounded_log(log):
        for _ in range(bounded_log.MOST_BYTES // len(line) + 10):
            writer.write(line)
        deadline_s = time.monotonic() + 20
        while log.stat().st_size > bounded_log.MOST_BYTES and time.monotonic() < deadline_s:
            time.sleep(0.01)
        writer.write(b"the last\n")
    assert log.stat().st_size < bounded_log.MOST_BYTES
    assert log.read_bytes().startswith(b"[")
    assert log.read_bytes().endswith(b"\nthe last\n")


def test_a_log_that_never_comes_is_no_error(tmp_path: Path) -> None:
    with bounded_log.bounded_log(tmp_path / "none"):
        pass
