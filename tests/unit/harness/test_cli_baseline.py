"""`poolstorm baseline`, and what a gate makes of the file: exit codes, and one line for whatever is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.harness.commands import Command, assert_refused
from tests.unit.reports.baseline.support import cost, trial, with_costs
from tests.unit.reports.builder import write_run
from tests.unit.reports.gate.test_report import gate_folder, one_statement_more

FILE = "poolstorm-baseline.json"
STATEMENTS = "shop/counted/steady/read/statements"
TODAY = datetime.now(UTC).date()
TOMORROW, YESTERDAY = (f"{TODAY + timedelta(days=days):%Y-%m-%d}" for days in (1, -1))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run", [trial()])


@pytest.fixture
def dearer(tmp_path: Path) -> Path:
    """The same with one statement more."""
    return write_run(tmp_path / "dearer", [trial(with_costs(cost("read", statements=4), cost("write", 6, 6)))])


def expire(file: Path) -> None:
    """What is accepted was so until yesterday."""
    document = json.loads(file.read_text())
    document["acceptances"] = [{**one, "expires": YESTERDAY} for one in document["acceptances"]]
    file.write_text(json.dumps(document))


def test_written_checked_planted_and_accepted(command: Command, run: Path, dearer: Path, tmp_path: Path) -> None:
    assert 0 == command("baseline", "write", run).code
    assert 0 == command("baseline", "check", run).code
    worse = command("baseline", "check", dearer)
    assert 4 == worse.code
    assert STATEMENTS in worse.out
    assert {"baseline-check.json", "baseline-check.md"} <= {path.name for path in dearer.iterdir()}
    accepting = ("baseline", "accept", STATEMENTS, "--reason", "a cache is to come", "--expires")
    assert 0 == command(*accepting, TOMORROW).code
    accepted = command("baseline", "check", dearer)
    assert 0 == accepted.code
    assert "accepted: a cache is to come" in " ".join(accepted.out.split())
    assert "a cache is to come" in command("baseline", "show").out
    expire(tmp_path / FILE)
    assert_refused(command("baseline", "check", dearer), "expired on")
    assert_refused(command("baseline", "check", run), "expired on")
    assert 0 == command("baseline", "withdraw", STATEMENTS).code
    assert 0 == command("baseline", "check", run).code


def test_the_first_check_writes_the_file_and_is_open(command: Command, run: Path, tmp_path: Path) -> None:
    first = command("baseline", "check", run)
    assert 3 == first.code
    assert "INCONCLUSIVE: there was no baseline" in first.out
    assert (tmp_path / FILE).is_file()
    assert 0 == command("baseline", "check", run).code


def test_an_open_verdict_may_be_taken_for_a_warning(command: Command, run: Path) -> None:
    assert 0 == command("baseline", "check", run, "--inconclusive", "warn").code


def test_a_check_changes_nothing_of_a_file_that_is_there(command: Command, run: Path, tmp_path: Path) -> None:
    command("baseline", "write", run)
    before = (tmp_path / FILE).read_bytes()
    command("baseline", "check", run)
    assert before == (tmp_path / FILE).read_bytes()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("baseline", "show"), f"there is no baseline {FILE}"),
        (("baseline", "accept", "p50", "--reason", "x", "--expires", TOMORROW), f"there is no baseline {FILE}"),
        (("baseline", "withdraw", "p50"), f"there is no baseline {FILE}"),
        (("baseline", "write", "nowhere"), "nowhere"),
        (("baseline", "check", "nowhere"), "nowhere"),
        (("baseline", "wriet", "run"), "wriet"),
        (
            ("gate", "--base", "sync-pool", "--head", "async-pool", "--baseline", "none.json"),
            "there is no baseline",
        ),
    ],
)
def test_what_is_missing_is_refused(command: Command, tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    assert_refused(command(*words), says)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((STATEMENTS, "--reason", "x", "--expires", YESTERDAY), "expired on"),
        ((STATEMENTS, "--reason", "x", "--expires", "31.12.2030"), "write it like 2027-01-31"),
        ((STATEMENTS, "--reason", " ", "--expires", TOMORROW), "has no reason"),
        ((STATEMENTS, "--expires", TOMORROW), "--reason"),
        ((STATEMENTS, "--reason", "x"), "--expires"),
        (("*", "--reason", "x", "--expires", TOMORROW), "covers everything"),
        (("statments", "--reason", "x", "--expires", TOMORROW), "near it are statements"),
    ],
)
def test_what_cannot_be_accepted_is_refused_and_leaves_the_file_alone(
    command: Command, run: Path, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    command("baseline", "write", run)
    before = (tmp_path / FILE).read_bytes()
    assert_refused(command("baseline", "accept", *words), says)
    assert before == (tmp_path / FILE).read_bytes()


def foreign(file: Path) -> None:
    file.write_text('{"format": "another"}')


def damaged(file: Path) -> None:
    file.write_text(file.read_text()[:-20])


def newer(file: Path) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), "version": 99}))


@pytest.mark.parametrize(
    ("harm", "says"), [(foreign, "is no baseline"), (damaged, "is damaged"), (newer, "upgrade poolstorm")]
)
@pytest.mark.parametrize(
    "words",
    [
        ("baseline", "show"),
        ("baseline", "write", "run"),
        ("baseline", "check", "run"),
        ("baseline", "accept", "p50", "--reason", "x", "--expires", TOMORROW),
        ("gate", "--base", "sync-pool", "--head", "async-pool"),
    ],
)
def test_a_file_that_is_none_of_ours_is_refused_by_all(
    command: Command, run: Path, tmp_path: Path, harm: Callable[[Path], None], says: str, words: tuple[str, ...]
) -> None:
    command("baseline", "write", run)
    harm(tmp_path / FILE)
    left = (tmp_path / FILE).read_bytes()
    assert_refused(command(*words), says)
    assert left == (tmp_path / FILE).read_bytes()


def test_a_gate_refuses_an_acceptance_that_is_past_before_anything_runs(
    command: Command, run: Path, tmp_path: Path
) -> None:
    command("baseline", "write", run)
    command("baseline", "accept", "p50", "--reason", "x", "--expires", TOMORROW)
    expire(tmp_path / FILE)
    ended = command("gate", "--base", "sync-pool", "--head", "async-pool", "--dry-run")
    assert_refused(ended, "the acceptance of '*/p50' expired on")


def test_a_plans_folder_is_where_a_gate_looks(command: Command, run: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "plan.toml").write_text("")
    foreign(tmp_path / "elsewhere" / FILE)
    words = ("gate", "--base", "sync-pool", "--head", "async-pool", "--dry-run")
    assert 0 == command(*words).code
    assert_refused(command(*words, "--plan", "elsewhere/plan.toml"), "is no baseline")


def test_a_gate_that_is_judged_anew_heeds_what_is_accepted_since(command: Command, tmp_path: Path) -> None:
    folder = gate_folder(tmp_path / "gate", one_statement_more)
    assert 4 == command("gate", "--judge", folder).code
    assert 0 == command("baseline", "write", folder).code
    for metric in ("shop/gate/steady/read/statements", "round trips"):
        assert 0 == command("baseline", "accept", metric, "--reason", "known", "--expires", TOMORROW).code
    judged = command("gate", "--judge", folder)
    assert judged.code in (0, 3)
    assert f"accepted by {FILE}:" in judged.out
    assert 4 == command("gate", "--judge", folder, "--baseline", other_file(tmp_path)).code


def other_file(folder: Path) -> Path:
    """A baseline in which nothing is accepted."""
    document = json.loads((folder / FILE).read_text())
    (folder / "other.json").write_text(json.dumps({**document, "acceptances": []}))
    return folder / "other.json"
