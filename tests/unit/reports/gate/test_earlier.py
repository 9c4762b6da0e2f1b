"""What an earlier attempt said is told beside the verdict of a further one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import RunDirectoryError
from harness.records import EarlierGate, GateRecord, GateSide
from reports.gate.earlier import attempt_lines, earlier_gates, read_gate
from reports.gate.formats import render_markdown, render_terminal, workflow_commands, write_gate
from reports.gate.report import GateReport, judge_folder
from reports.gate.verdicts import Verdict
from tests.unit.reports.gate.test_report import TODAY, gate_folder, slower

HEAD = GateSide(name="shop", revision="b" * 40)


def record(attempt: int | None, *, base: str = "a", head: GateSide = HEAD) -> GateRecord:
    return GateRecord(base=GateSide(name="shop", revision=base * 40), head=head, pairs=(12, 12), attempt=attempt)


def first_attempt(folder: Path, gate: GateRecord | None = None) -> Path:
    """One that said REGRESSED, written down."""
    report = judge_folder(gate_folder(folder, slower, gate=gate or record(1)), today=TODAY)
    write_gate(report, folder)
    return folder


def second(folder: Path, earlier: tuple[EarlierGate, ...]) -> GateReport:
    gate = record(2).model_copy(update={"earlier": earlier})
    return judge_folder(gate_folder(folder, gate=gate), today=TODAY)


def test_an_attempt_beside_the_folder_is_found_and_told_everywhere(tmp_path: Path) -> None:
    first_attempt(tmp_path / "one")
    found = earlier_gates(record(2), tmp_path / "two")
    assert [(1, "regressed", True)] == [(one.attempt, one.verdict, one.same_base) for one in found]
    report = second(tmp_path / "two", found)
    assert report.result.verdict in (Verdict.PASS, Verdict.INCONCLUSIVE)
    line = "attempt 2; attempt 1 said REGRESSED; another try does not undo that"
    assert line in render_terminal(report, width=200)
    assert line in render_markdown(report)
    write_gate(report, tmp_path / "two")
    told = json.loads((tmp_path / "two" / "gate.json").read_text())["earlier"]
    assert ["regressed"] == [one["verdict"] for one in told]
    assert f"::warning title=poolstorm attempts::{line}" in workflow_commands(report)


def test_a_third_attempt_knows_both_from_the_second(tmp_path: Path) -> None:
    first_attempt(tmp_path / "one")
    report = second(tmp_path / "two", earlier_gates(record(2), tmp_path / "two"))
    write_gate(report, tmp_path / "two")
    found = earlier_gates(record(3), tmp_path / "three", tmp_path / "two" / "gate.json")
    assert [1, 2] == [one.attempt for one in found]
    assert found == earlier_gates(record(3), tmp_path / "three"), "as they lie there, each once"
    (line,) = attempt_lines(3, found, Verdict.PASS)
    assert line.startswith("attempt 3; attempt 1 said REGRESSED, attempt 2 said ")


@pytest.mark.parametrize(
    ("gate", "now"),
    [
        (record(1), record(None)),  # no further attempt
        (record(1), record(1)),
        (record(2), record(2)),
        (record(None), record(2)),  # somebody's own
        (record(1, head=GateSide(name="shop", revision="c" * 40)), record(2)),
    ],
)
def test_gates_beside_that_are_no_earlier_attempt_at_this_head_are_none(
    tmp_path: Path, gate: GateRecord, now: GateRecord
) -> None:
    first_attempt(tmp_path / "one", gate)
    assert () == earlier_gates(now, tmp_path / "two")


def test_what_lies_beside_and_is_no_gate_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "gate.json").write_text("{")
    (tmp_path / "gate.json").write_text('{"result": 3}')
    first_attempt(tmp_path / "one")
    assert 1 == len(earlier_gates(record(2), tmp_path / "two"))


def test_a_file_that_is_named_is_told_whatever_attempt_it_was(tmp_path: Path) -> None:
    folder = first_attempt(tmp_path / "one", record(None, base="c"))
    (one,) = earlier_gates(record(None), tmp_path / "two", folder)
    (line,) = attempt_lines(None, [one], Verdict.PASS)
    assert "this gate; the earlier gate one said REGRESSED against another base; another try" in line
    (alike,) = attempt_lines(2, [one.model_copy(update={"attempt": 1})], Verdict.BROKEN)
    assert "attempt 2; attempt 1 said REGRESSED against another base" == alike


def test_a_further_attempt_without_the_file_says_that_it_is_not_at_hand() -> None:
    assert ["attempt 2 of this job; what the one before said is not at hand (--earlier FILE)"] == list(
        attempt_lines(2, (), Verdict.PASS)
    )
    assert [] == list(attempt_lines(1, (), Verdict.PASS))
    assert [] == list(attempt_lines(None, (), Verdict.PASS))


def _newer(document: dict[str, dict[str, object]]) -> None:
    document["result"]["version"] = 99


def _foreign(document: dict[str, object]) -> None:
    document["result"] = {"format": "another"}


def _damaged(document: dict[str, object]) -> None:
    del document["base"]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [(_newer, "upgrade poolstorm"), (_foreign, "is no gate's; name"), (_damaged, "is damaged")],
)
def test_a_file_that_cannot_be_used_is_one_line(
    tmp_path: Path, spoil: Callable[[object], None], says: str
) -> None:
    path = first_attempt(tmp_path / "one") / "gate.json"
    document = json.loads(path.read_text())
    spoil(document)
    path.write_text(json.dumps(document))
    with pytest.raises(RunDirectoryError, match=says) as caught:
        earlier_gates(record(2), tmp_path / "two", path)
    assert "\n" not in str(caught.value)
    assert 2 == caught.value.exit_code


def test_a_file_that_is_not_there_or_judged_another_head_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match=r"none\.json"):
        read_gate(tmp_path / "none.json")
    folder = first_attempt(tmp_path / "one", record(1, head=GateSide(name="stall")))
    with pytest.raises(RunDirectoryError, match="judged another head, stall; name one of this head"):
        earlier_gates(record(2), tmp_path / "two", folder)
