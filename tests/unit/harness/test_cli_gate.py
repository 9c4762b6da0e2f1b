"""A gate's folder is ruled on anew by `poolstorm gate --judge`, without running anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.records import RunState
from tests.unit.harness.commands import Command, assert_refused
from tests.unit.reports.builder import TrialBuilder
from tests.unit.reports.gate.test_report import gate_folder, slower


def test_a_gate_is_judged_anew_with_its_files_and_its_exit_code(command: Command, tmp_path: Path) -> None:
    folder = gate_folder(tmp_path / "gate", slower)
    ended = command("gate", "--judge", folder)
    assert 4 == ended.code
    assert ended.out.startswith("REGRESSED")
    files = {name: (folder / name).read_text() for name in ("gate.json", "gate.md", "gate.xml")}

    again = command("gate", "--judge", folder, "--output", tmp_path / "elsewhere")
    assert (4, files) == (again.code, {name: (tmp_path / "elsewhere" / name).read_text() for name in files})


def test_an_open_verdict_is_let_pass_where_that_is_asked_for(command: Command, tmp_path: Path) -> None:
    def noisy(trial: TrialBuilder) -> None:
        if trial.repetition % 2:
            slower(trial)

    folder = gate_folder(tmp_path / "gate", noisy)
    assert 3 == command("gate", "--judge", folder).code
    assert 0 == command("gate", "--judge", folder, "--inconclusive", "warn").code


def test_a_gate_that_was_killed_says_so_and_never_passes(command: Command, tmp_path: Path) -> None:
    folder = gate_folder(tmp_path / "gate", state=RunState.RUNNING)
    (killed,) = (folder / "trials").glob("*-head-r12")
    (killed / "trial.json").unlink()
    for file in killed.iterdir():
        file.unlink()
    killed.rmdir()
    ended = command("gate", "--judge", folder)
    assert 5 == ended.code
    assert "still running, or was killed" in ended.out
    assert "invalid" == json.loads((folder / "gate.json").read_text())["result"]["verdict"]


@pytest.mark.parametrize("more", [("--base", "sync-pool"), ("--pairs", "11"), ("--dry-run",), ("--rate", "3")])
def test_what_would_be_run_otherwise_does_not_go_with_judging(
    command: Command, tmp_path: Path, more: tuple[str, ...]
) -> None:
    folder = gate_folder(tmp_path / "gate")
    before = sorted(folder.iterdir())
    assert_refused(command("gate", "--judge", folder, *more), f"leave out {more[0]}")
    assert before == sorted(folder.iterdir())


def test_what_is_no_gate_cannot_be_judged(command: Command, tmp_path: Path) -> None:
    assert_refused(command("gate", "--judge", tmp_path / "none"), "is not a folder")
    assert_refused(command("gate", "--judge", gate_folder(tmp_path / "run", gate=None)), "is no gate's folder")


def test_the_report_of_a_gate_says_where_its_verdict_is(command: Command, tmp_path: Path) -> None:
    ended = command("report", gate_folder(tmp_path / "gate"))
    assert 0 == ended.code
    assert f"poolstorm gate --judge {tmp_path / 'gate'}" in ended.err


def test_judging_anew_tells_what_an_earlier_attempt_said(command: Command, tmp_path: Path) -> None:
    first, second = gate_folder(tmp_path / "one", slower), gate_folder(tmp_path / "two")
    assert 4 == command("gate", "--judge", first).code
    ended = command("gate", "--judge", second, "--earlier", first / "gate.json")
    assert "the earlier gate one said REGRESSED" in ended.out
    assert_refused(command("gate", "--judge", second, "--earlier", tmp_path / "none.json"), "none.json")


def test_an_earlier_gate_that_cannot_be_read_costs_no_pairs(command: Command, tmp_path: Path) -> None:
    (tmp_path / "gate.json").write_text("{}")
    ended = command("gate", "--head-pool", "pool_size=5", "--earlier", "gate.json", "-o", "out")
    assert_refused(ended, "is no gate's; name a gate.json that `poolstorm gate` wrote")
    assert not (tmp_path / "out").exists()
