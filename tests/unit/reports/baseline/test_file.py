"""The file: a line for each finding, and one line of error for whatever is no baseline."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import EXIT_USAGE, BaselineError
from reports.baseline.file import read_baseline, text_of, write_baseline
from reports.baseline.formats import render_baseline
from reports.baseline.model import VaryingFinding
from reports.baseline.renewing import accepted
from tests.unit.reports.baseline.support import TODAY, trial, with_costs, with_latency, written
from tests.unit.reports.baseline.test_judging import LATER, ONE_MORE

Change = Callable[[dict[str, Any]], None]


def baseline_file(path: Path) -> Path:
    found = accepted(written(path / "run"), "statements", "known", LATER, TODAY)
    write_baseline(path / "baseline.json", found)
    return path / "baseline.json"


def test_it_reads_back_as_it_was_written(tmp_path: Path) -> None:
    path = baseline_file(tmp_path)
    found = read_baseline(path)
    assert text_of(found) == path.read_text()
    assert json.loads(path.read_text())["format"] == "poolstorm-baseline"


def test_a_count_that_changed_is_one_line_of_a_diff(tmp_path: Path) -> None:
    before = text_of(written(tmp_path / "a" / "run")).splitlines()
    after = text_of(written(tmp_path / "b" / "run", trial(ONE_MORE))).splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert 1 == len(changed)
    assert '"value": 1' in changed[0][0]
    assert '"value": 2' in changed[0][1]


def test_its_keys_are_sorted_and_each_finding_has_a_line(tmp_path: Path) -> None:
    text = baseline_file(tmp_path).read_text()
    found = json.loads(text)
    assert list(found) == sorted(found)
    lines = [line for line in text.splitlines() if line.strip().startswith('{"kind"')]
    assert len(lines) == len(found["findings"])
    assert all(list(json.loads(line.rstrip(","))) == sorted(json.loads(line.rstrip(","))) for line in lines)


def test_a_job_without_a_figure_leaves_a_gap(tmp_path: Path) -> None:
    first = written(tmp_path / "a")
    second = written(tmp_path / "b", trial(with_latency(12)), trial(target="other"), before=first)
    write_baseline(tmp_path / "x.json", second)
    (other,) = [
        one
        for one in read_baseline(tmp_path / "x.json").findings
        if isinstance(one, VaryingFinding) and one.name == "other/counted/steady/all/p50"
    ]
    assert None is other.values[0]


def _without(name: str) -> Change:
    return lambda document: document.pop(name)


def _with(**changes: Any) -> Change:
    return lambda document: document.update(changes)


def _value(value: Any) -> Change:
    return lambda document: document["findings"][0].update(value=value, kind="count")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_with(format="poolstorm-run"), "is no baseline (its format is not 'poolstorm-baseline')"),
        (_without("format"), "is no baseline"),
        (_with(version=2), "was written by a newer poolstorm (version 2"),
        (_with(version=True), "is damaged"),
        (_with(version=0), "is damaged"),
        (_without("version"), "is damaged"),
        (_without("jobs"), "is damaged"),
        (_with(jobs=[]), "is damaged"),
        (_with(more=1), "is damaged"),
        (_with(findings=7), "is damaged"),
        (_with(configurations={}), "is of a scenario without a configuration"),
        (_value("many"), "is damaged"),
        (_value(1e30), "is damaged"),
        (lambda document: document["findings"].append(document["findings"][0]), "a finding is there twice"),
        (lambda document: document["jobs"].append({**document["jobs"][0], "run": "x"}), "values of 2 jobs"),
        (lambda document: document["acceptances"].append(document["acceptances"][0]), "acceptance is there twice"),
        (lambda document: document["acceptances"][0].update(expires="soon"), "is damaged"),
        (lambda document: document["acceptances"][0].update(reason="a\x1b[2Jb"), "a text has control characters"),
    ],
)
def test_what_is_no_baseline_is_told_in_one_line(tmp_path: Path, change: Change, says: str) -> None:
    path = baseline_file(tmp_path)
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    _refused(path, says)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is damaged"),
        (b"not JSON", "is damaged"),
        (b"[" * 100_000, "is damaged"),
        (b"[1, 2]", "is no baseline"),
        (b"null", "is no baseline"),
        (b'{"format": "poolstorm-baseline"', "is damaged"),
        (b'{"format": "poolstorm-baseline",\n<<<<<<< HEAD\n', "holds a merge conflict"),
        (b"\xff\xfe{}", "is damaged"),
    ],
)
def test_so_is_what_is_not_even_a_document(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "baseline.json"
    path.write_bytes(content)
    _refused(path, says)


def test_so_is_what_is_not_there_or_no_file(tmp_path: Path) -> None:
    _refused(tmp_path / "none.json", "there is no baseline")
    _refused(tmp_path / "none" / "none.json", "there is no baseline")
    _refused(tmp_path, "is no regular file")
    os.mkfifo(tmp_path / "pipe")
    _refused(tmp_path / "pipe", "is no regular file")
    (tmp_path / "link").symlink_to(baseline_file(tmp_path))
    _refused(tmp_path / "link", "is a symbolic link")


def _refused(path: Path, says: str) -> None:
    with pytest.raises(BaselineError) as refused:
        read_baseline(path)
    assert says in str(refused.value)
    assert 1 == len(str(refused.value).splitlines())
    assert EXIT_USAGE == refused.value.exit_code


def test_it_cannot_be_written_over_a_folder(tmp_path: Path) -> None:
    (tmp_path / "baseline.json").mkdir()
    with pytest.raises(BaselineError, match="cannot be written"):
        write_baseline(tmp_path / "baseline.json", written(tmp_path / "run"))


def test_it_is_shown_with_what_is_past(tmp_path: Path) -> None:
    found = accepted(written(tmp_path / "a"), "statements", "known", TODAY, TODAY)
    shown = render_baseline(found, TODAY)
    assert "shop/counted/steady/read/statements" in shown
    assert "accepted until 2026-06-01: */statements (known)" in shown
    assert "(past: gates refuse it)" in render_baseline(found, LATER)
    assert max(map(len, shown.splitlines())) <= 100


def test_a_run_without_counts_makes_a_baseline_of_what_it_has(tmp_path: Path) -> None:
    found = written(tmp_path / "a", trial(with_costs()))
    assert {"invariant", "varying"} == {one.kind for one in found.findings}
