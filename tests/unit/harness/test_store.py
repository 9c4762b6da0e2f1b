"""The one place that writes a run directory."""

from __future__ import annotations

import resource
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.errors import OutputError, RunDirectoryError
from harness.files import write_atomically
from harness.records import (
    MANIFEST_FILE,
    MARKS_FILE,
    TRIAL_FILE,
    Manifest,
    TargetInfo,
    TrialRecord,
    TrialSpec,
    TrialState,
)
from harness.store import RunStore
from tests.unit.reports.builder import example_run


def test_an_output_that_holds_something_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(RunDirectoryError, match="exists already; name another with --output"):
        RunStore.create(tmp_path)
    assert ["mine.txt"] == [path.name for path in tmp_path.iterdir()]


def test_an_output_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunDirectoryError, match="exists already"):
        RunStore.create(tmp_path / "file")


def test_an_output_that_cannot_be_written_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunDirectoryError, match="cannot be written"):
        RunStore.create(tmp_path / "file" / "below")


def test_a_trial_that_is_not_kept_leaves_nothing(tmp_path: Path) -> None:
    store = RunStore.create(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt), store.trial("001-x"):
        raise KeyboardInterrupt
    assert not store.has_trials()
    assert [] == list((tmp_path / "run" / "trials").iterdir())


def test_a_reader_sees_a_trial_only_when_it_is_whole(tmp_path: Path) -> None:
    store = RunStore.create(tmp_path / "run")
    with store.trial("001-x") as folder:
        folder.write_line(MARKS_FILE, "{}")
        assert [".partial-001-x"] == [path.name for path in (tmp_path / "run" / "trials").iterdir()]
        assert not store.has_trials()


def test_a_journal_that_is_closed_drops_what_comes_late(tmp_path: Path) -> None:
    store = RunStore.create(tmp_path / "run")
    with store.trial("001-x") as folder:
        folder.close()
        folder.write_line(MARKS_FILE, "{}")
        assert "" == (folder.path / "marks.jsonl").read_text()


def test_a_run_without_a_trial_takes_its_folder_away(tmp_path: Path) -> None:
    store = RunStore.create(tmp_path / "run")
    store.discard_if_empty()
    assert not (tmp_path / "run").exists()


def test_replacing_a_file_keeps_the_old_one_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "\ud800")
    assert "old" == path.read_text()
    assert ["manifest.json"] == [entry.name for entry in tmp_path.iterdir()]


def test_a_run_without_a_trial_takes_what_it_made_to_hold_it_away(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    RunStore.create(tmp_path / "mine" / "a" / "b" / "run").discard_if_empty()
    assert [] == list((tmp_path / "mine").iterdir())


def test_a_folder_that_was_made_for_a_run_stays_while_another_is_in_it(tmp_path: Path) -> None:
    first = RunStore.create(tmp_path / "runs" / "first")
    RunStore.create(tmp_path / "runs" / "second")
    first.discard_if_empty()
    assert ["second"] == [path.name for path in (tmp_path / "runs").iterdir()]


def test_trials_bear_the_id_of_the_run_whose_manifest_was_written(tmp_path: Path) -> None:
    store = RunStore.create(tmp_path / "run")
    run = example_run(tmp_path / "example", repetitions=1)
    store.write_manifest(Manifest.model_validate_json((run / MANIFEST_FILE).read_text()))
    spec = TrialSpec(id="001-x", index=1, scenario="s", target="t", repetition=1)
    record = TrialRecord(
        spec=spec,
        state=TrialState.FAILED,
        started_at=datetime.now(UTC),
        duration_s=0,
        origin_monotonic_ns=0,
        target=TargetInfo(name="t", title="t", teaches="t"),
    )
    with store.trial(spec.id) as folder:
        store.keep(folder, record)
    kept = TrialRecord.model_validate_json((store.path / "trials" / spec.id / TRIAL_FILE).read_text())
    assert "example" == kept.run_id


def test_a_folder_that_was_there_before_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for given in (tmp_path / "real", tmp_path / "link"):
        store = RunStore.create(given)
        run = example_run(tmp_path / f"example-{given.name}", repetitions=1)
        store.write_manifest(Manifest.model_validate_json((run / MANIFEST_FILE).read_text()))
        store.discard_if_empty()
        assert [] == list(given.iterdir())
    assert (tmp_path / "link").is_symlink()


def test_trials_that_cannot_be_looked_at_are_not_taken_for_none(tmp_path: Path) -> None:
    store = RunStore.create(tmp_path / "run")
    trials = tmp_path / "run" / "trials"
    (trials / "001-x").mkdir()
    trials.rename(tmp_path / "aside")
    trials.symlink_to("trials")
    assert store.has_trials()
    store.discard_if_empty()
    trials.unlink()
    (tmp_path / "aside").rename(trials)
    assert ["001-x"] == [path.name for path in trials.iterdir()]


def test_a_stream_that_lost_a_line_is_not_closed_as_whole_when_there_is_room_again(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with RunStore.create(tmp_path / "run").trial("001-x") as folder:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
        try:
            with pytest.raises(OutputError, match="can no longer be written"):
                folder.write_line(MARKS_FILE, "x" * 100_000)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        with pytest.raises(OutputError, match="can no longer be written"):
            folder.close()
