"""Run folders are read whole, or refused in one line that names file and mend."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import RunDirectoryError
from harness.records import LATENCY_FILE, MARKS_FILE, READINGS_FILE, TRIAL_FILE, TRIALS_DIR, TrialState
from reports.read import read_run
from scenarios.model import Scenario
from tests.unit.reports.builder import Request, TrialBuilder, one_phase, pool_reading, target_info, write_run

SCENARIO = Scenario(name="plain", title="Plain", question="What?", phases=(one_phase(),))


def small_run(path: Path) -> Path:
    trials = []
    for name in ("sync-pool", "no-pool"):
        trial = TrialBuilder(SCENARIO, target_info(name))
        trial.mark_phases()
        trial.requests += [Request("steady", 0.05 * n, 4.0) for n in range(40)]
        trial.readings.append(pool_reading(1.0, 3))
        trials.append(trial)
    return write_run(path, trials)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return small_run(tmp_path / "run")


def first_trial(run: Path) -> Path:
    return run / TRIALS_DIR / "000-plain-sync-pool-r1"


def refusal(run: Path) -> str:
    with pytest.raises(RunDirectoryError) as caught:
        _ = [list(trial.cells) for trial in read_run(run).trials]
    text = str(caught.value)
    assert "\n" not in text
    return text


def change_json(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_what_was_written_is_read(run: Path) -> None:
    found = read_run(run)

    assert [trial.record.spec.target for trial in found.trials] == ["sync-pool", "no-pool"]
    # 40 requests, each from the intended and from the actual send, with four parts
    assert sum(cell.total for cell in found.trials[0].cells) == 40 * 6
    assert [reading.t_ns for reading in found.trials[0].readings] == [1_000_000_000]
    assert (found.missing, found.partial) == ((), ())


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    assert "is not a folder" in refusal(tmp_path / "nowhere")


def test_folder_without_manifest_is_foreign(tmp_path: Path) -> None:
    assert "not a run folder" in refusal(tmp_path)


def test_manifest_of_another_program_is_foreign(run: Path) -> None:
    change_json(run / "manifest.json", format="other")

    assert "is not poolstorm's" in refusal(run)


@pytest.mark.parametrize("file", ["manifest.json", "trials/000-plain-sync-pool-r1/trial.json"])
def test_newer_version_says_upgrade(run: Path, file: str) -> None:
    change_json(run / file, version=2)

    text = refusal(run)

    assert "newer poolstorm (format 2, this one reads 1)" in text
    assert text.endswith("upgrade poolstorm")


def test_manifest_that_is_no_json(run: Path) -> None:
    (run / "manifest.json").write_text('{"format": "poolstorm-run", ')

    assert "manifest.json is damaged" in refusal(run)


def test_manifest_with_a_field_missing_names_it(run: Path) -> None:
    change_json(run / "manifest.json", seed="seven")

    assert "seed" in refusal(run)


@pytest.mark.parametrize("name", [TRIAL_FILE, LATENCY_FILE, MARKS_FILE, READINGS_FILE])
def test_completed_trial_without_a_file_names_it(run: Path, name: str) -> None:
    (first_trial(run) / name).unlink()

    assert f"{name} is missing" in refusal(run)


def damage_histogram(text: str) -> str:
    lines = text.splitlines()
    lines[3] = lines[3].replace("HISTF", "HISTG")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("name", "damage", "line"),
    [
        (LATENCY_FILE, damage_histogram, "line 4"),
        (
            LATENCY_FILE,
            lambda text: text + "Tag=half",
            "line 29",
        ),  # after 3 of heading, 20 intervals of response, 5 others
        (LATENCY_FILE, lambda text: text.replace("steady;read;ok;", "steady;ok;", 1), "line 4"),
        (MARKS_FILE, lambda text: '{"t_ns": "soon"}\n' + text, "line 1"),
        (MARKS_FILE, lambda text: text[:-10], "line 5"),
        (READINGS_FILE, lambda text: text + '{"source": "dream", "t_ns": 1}\n', "line 2"),
    ],
)
def test_damaged_line_is_named(run: Path, name: str, damage: Callable[[str], str], line: str) -> None:
    path = first_trial(run) / name
    path.write_text(damage(path.read_text()))

    text = refusal(run)

    assert f"{name} is damaged" in text
    assert line in text


def test_file_that_is_no_text(run: Path) -> None:
    (first_trial(run) / MARKS_FILE).write_bytes(b"\xff\xfe\x00")

    assert f"{MARKS_FILE} is damaged" in refusal(run)


def test_failed_trial_may_lack_its_series(tmp_path: Path) -> None:
    failed = TrialBuilder(SCENARIO, target_info("sync-pool"), state=TrialState.FAILED, reason="did not start")
    run = write_run(tmp_path / "run", [failed])

    (trial,) = read_run(run).trials

    assert (trial.cells, trial.marks, trial.readings) == ((), (), ())


def test_partial_folders_are_listed_and_not_read(run: Path) -> None:
    (run / TRIALS_DIR / ".partial-001-plain").mkdir()

    found = read_run(run)

    assert found.partial == (".partial-001-plain",)
    assert len(found.trials) == 2


def test_planned_trial_without_folder_is_missing(run: Path) -> None:
    first_trial(run).rename(run / "elsewhere")

    assert [spec.target for spec in read_run(run).missing] == ["sync-pool"]


def test_folder_outside_the_plan_is_refused(run: Path) -> None:
    first_trial(run).rename(run / TRIALS_DIR / "999-stranger")

    assert "999-stranger is not in the plan" in refusal(run)


def test_folder_under_another_trials_name_is_refused(run: Path) -> None:
    other = run / TRIALS_DIR / "001-plain-no-pool-r1"
    (other / TRIAL_FILE).write_text((first_trial(run) / TRIAL_FILE).read_text())

    assert "describes trial 000-plain-sync-pool-r1" in refusal(run)
