"""What the command line refuses: one line that names the mend, exit code 2, nothing half-written."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pytest

from harness.records import TrialState
from scenarios.model import Scenario
from tests.unit.harness.commands import Command, assert_refused
from tests.unit.reports.builder import Request, TrialBuilder, one_phase, target_info, write_run

PLAIN = Scenario(name="plain", title="Plain", question="?", phases=(one_phase(),))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("run", "-t", "sync-pol"), "did you mean 'sync-pool'?"),
        (("run", "-s", "exhastion"), "did you mean 'exhaustion'?"),
        (("run", "--repetitions", "0"), "--repetitions"),
        (("run", "--seed", "-3"), "--seed"),
        (("run", "--duration", "0"), "duration_s"),
        (("run", "--pool", "pool_sise=3"), "did you mean 'pool_size'?"),
        (("run", "--pool", "pool_size"), "write it as NAME=VALUE"),
        (("run", "--pool", "pool_size=\uff11"), "neither a number nor true or false"),
        (("run", "--pool", "pool_size=1", "--pool", "pool_size=2"), "--pool pool_size is given twice"),
        (("run", "-o", ""), "-o is empty; give it a value, or leave it out"),
        (("run", "--output="), "--output is empty"),
        (("run", "--control", ""), "--control is empty"),
        (("run", "--plan", ""), "--plan is empty"),
        (("report", ""), "an argument is empty"),
        (("run", "--database-url", "postgresql://u:secret@h/d", ""), "error: an argument is empty"),
        (("run", "--control", "no-pool", "-t", "sync-pool"), "must be among the targets that run"),
        (("run", "--plan", "none.toml"), "cannot be read"),
        (("run", "--tagret", "x"), "--target"),
        (("rum",), "Did you mean 'run'"),
        (("serve", "sync-pol"), "did you mean 'sync-pool'?"),
        (("report", "nowhere"), "nowhere"),
        (("compare", "a", "b"), "a"),
    ],
)
def test_what_is_not_known_is_refused_before_anything_is_made(
    command: Command, tmp_path: Path, arguments: tuple[str, ...], expected: str
) -> None:
    assert_refused(command(*arguments), expected)
    assert [] == list(tmp_path.iterdir())


def test_a_plan_that_contradicts_itself_is_refused_with_its_place(command: Command, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text("repetitions = 0\n")
    assert_refused(command("run", "--plan", "plan.toml"), "plan plan.toml: repetitions")
    assert ["plan.toml"] == [path.name for path in tmp_path.iterdir()]


def test_an_output_that_exists_is_left_as_it_was(command: Command, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    assert_refused(command("run", "-o", "out"), "exists already; name another with --output")
    assert ["mine"] == [path.name for path in (tmp_path / "out").iterdir()]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://me:s3cret-word@192.0.2.1:5432/app", "--allow-remote-database"),
        ("postgresql://me:s3cret-word@db.example.test:5432/app", "the host of --database-url is not known here"),
        ("postgresql://me:s3cret-word@127.0.0.1:1/app", "start the server or correct --database-url"),
        ("mysql://me:s3cret-word@127.0.0.1/app", "--database-url"),
        ("postgresql://me:s3cret-word@127.0.0.1:port/app", "--database-url"),
    ],
)
@pytest.mark.integration
def test_a_database_that_cannot_serve_is_refused_without_its_password(
    command: Command, tmp_path: Path, url: str, expected: str
) -> None:
    ended = command("run", "-t", "sync-pool", "-s", "baseline", "-o", "out", "--database-url", url)
    lines = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    assert 1 == len(lines)
    assert expected in lines[0]
    assert "s3cret-word" not in ended.err + ended.out
    assert 2 == ended.code
    assert [] == list(tmp_path.iterdir())


def test_a_run_folder_of_another_kind_or_a_newer_format_is_refused(command: Command, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    assert_refused(command("report", tmp_path), "manifest.json")
    (tmp_path / "manifest.json").write_text(json.dumps({"format": "poolstorm-run", "version": 99}))
    assert_refused(command("report", tmp_path), "upgrade poolstorm")
    (tmp_path / "manifest.json").write_text("{")
    assert_refused(command("report", tmp_path), "manifest.json")


def test_list_names_every_target_scenario_and_fault(command: Command) -> None:
    ended = command("list")
    assert 0 == ended.code
    for name in ("async-no-pool", "psycopg-async-pool", "orm-transfer", "dropped-connections", "proxy-down"):
        assert name in ended.out


def test_a_dry_run_says_what_would_be_run_and_starts_nothing(command: Command, tmp_path: Path) -> None:
    output = tmp_path / "out"
    ended = command(
        "run", "-s", "latency", "-t", "no-pool", "-r", "2", "--pool", "pool_size=7", "--dry-run", "-o", output
    )
    assert 0 == ended.code
    for words in (
        "latency_ms=10 jitter_ms=8",
        "7+20, timeout 30 s",
        "twin of no-pool",
        "4 trials",
        "Nothing was started",
    ):
        assert words in " ".join(ended.out.split()), words
    assert not output.exists()


def test_a_dry_run_of_a_long_plan_is_short(command: Command) -> None:
    ended = command("run", "-s", "spike", "-t", "no-pool", "-r", "300", "--no-aa", "--dry-run")
    assert "and 200 more" in ended.out


def test_a_dry_run_of_a_wrong_plan_is_refused(command: Command) -> None:
    assert_refused(command("run", "-t", "no-pol", "--dry-run"), "did you mean 'no-pool'")


def test_without_arguments_the_help_is_shown(command: Command) -> None:
    ended = command()
    assert 0 == ended.code
    assert "compare" in ended.out


def test_a_message_about_an_endless_path_is_bounded_and_keeps_its_mend(command: Command) -> None:
    ended = command("report", "a/" * 2000)

    assert_refused(ended, "name a run folder")
    assert len(ended.err) < 700


def test_the_version_is_told(command: Command) -> None:
    ended = command("--version")
    assert (ended.code, ended.out) == (0, f"poolstorm {version('poolstorm')}\n")


def compared_folders(tmp_path: Path, *, usable: bool = True) -> tuple[Path, Path]:
    """Two runs of one target, the second usable or not."""
    found = []
    for name in ("a", "b"):
        built = TrialBuilder(PLAIN, target_info("shop"))
        built.mark_phases()
        built.requests = [Request("steady", 0.01 * number, 8.0) for number in range(100)]
        if name == "b" and not usable:
            built.state, built.reason = TrialState.FAILED, "it was cut off"
        found.append(write_run(tmp_path / name, [built]))
    return found[0], found[1]


def test_two_runs_are_compared_as_json_alone_on_standard_output(command: Command, tmp_path: Path) -> None:
    ended = command("compare", *compared_folders(tmp_path), "--json")
    assert 0 == ended.code
    assert "poolstorm-comparison" == json.loads(ended.out)["format"]
    assert "comparison.html" in ended.err
    names = {path.name for path in (tmp_path / "comparison-a-b").iterdir()}
    assert {"comparison.html", "comparison.json", "comparison.md"} == names
    assert "not paired" in command("compare", tmp_path / "a", tmp_path / "b").out.lower()


def test_where_nothing_can_be_compared_the_exit_code_is_5_and_the_files_say_why(
    command: Command, tmp_path: Path
) -> None:
    ended = command("compare", *compared_folders(tmp_path, usable=False))
    assert 5 == ended.code
    assert "nothing of A and B can be compared" in ended.err
    assert "trial-failed" in (tmp_path / "comparison-a-b" / "comparison.md").read_text()


def test_one_run_is_not_compared_with_itself(command: Command, tmp_path: Path) -> None:
    folder, _ = compared_folders(tmp_path)
    assert_refused(command("compare", folder, folder), "A and B are the same run")
    assert {"a", "b"} == {path.name for path in tmp_path.iterdir()}
