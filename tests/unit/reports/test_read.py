"""Run folders are read whole; a damaged trial says so, a damaged manifest is one line that names file and mend."""

from __future__ import annotations

import base64
import json
import os
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import RunDirectoryError
from harness.records import (
    LATENCY_FILE,
    MANIFEST_FILE,
    MARKS_FILE,
    READINGS_FILE,
    TRIAL_FILE,
    TRIALS_DIR,
    WRITES_FILE,
    Outcome,
    TrialState,
    Write,
)
from harness.store import stream_of
from reports.analyse import analyse
from reports.read import DamageError, read_run
from reports.summary import Summary, TrialLine
from scenarios.model import Check, Scenario
from tests.unit.reports.builder import (
    Request,
    TrialBuilder,
    one_phase,
    pool_reading,
    reseal,
    target_info,
    write_run,
)

SCENARIO = Scenario(
    name="plain",
    title="Plain",
    question="What?",
    phases=(one_phase(),),
    checks=(Check(kind="no-errors-outside-faults"),),
)
FIRST = "000-plain-sync-pool-r1"


def small_run(path: Path, version: int = 2) -> Path:
    trials = []
    for name in ("sync-pool", "no-pool"):
        trial = TrialBuilder(SCENARIO, target_info(name), version=version)
        trial.mark_phases()
        trial.requests += [Request("steady", 0.05 * n, 4.0) for n in range(40)]
        trial.readings.append(pool_reading(1.0, 3))
        trials.append(trial)
    return write_run(path, trials, version=version)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return small_run(tmp_path / "run")


@pytest.fixture
def old_run(tmp_path: Path) -> Path:
    return small_run(tmp_path / "run", version=1)


def first_trial(run: Path) -> Path:
    return run / TRIALS_DIR / FIRST


def refusal(run: Path) -> str:
    with pytest.raises(RunDirectoryError) as caught:
        analyse(read_run(run))
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 500
    return text


def lines_of(summary: Summary) -> tuple[TrialLine, TrialLine]:
    first, second = (target.trials[0] for target in summary.scenarios[0].targets)
    return first, second


def damage(run: Path) -> str:
    """Why the first trial is invalid, while the second is reported."""
    first, second = lines_of(analyse(read_run(run)))
    assert (first.state, first.rules) == ("invalid", ("record-damaged",))
    assert (second.state, second.reason) == ("completed", "")
    assert "\n" not in first.reason
    assert first.advice
    return first.reason


def change_json(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def change_lines(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    path.write_text("".join(change(path.read_text().splitlines(keepends=True))))


@pytest.mark.parametrize("version", [1, 2])
def test_what_was_written_is_read(tmp_path: Path, version: int) -> None:
    found = read_run(small_run(tmp_path / "run", version))

    assert [trial.record.spec.target for trial in found.trials] == ["sync-pool", "no-pool"]
    assert [trial.damage for trial in found.trials] == ["", ""]
    # 40 requests, each from the intended and from the actual send, with four parts
    assert sum(cell.total for cell in found.trials[0].cells) == 40 * 6
    assert [reading.t_ns for reading in found.trials[0].readings] == [1_000_000_000]
    assert (found.missing, found.partial) == ((), ())


def test_history_of_writes_is_read(tmp_path: Path) -> None:
    trial = TrialBuilder(SCENARIO, target_info("sync-pool"))
    write = Write(
        token="t-1",
        operation="transfer",
        phase="steady",
        sent_ns=5,
        answered_ns=None,
        outcome=Outcome.UNKNOWN,
        kind="timeout",
    )
    trial.writes.append(write)

    (read,) = read_run(write_run(tmp_path / "run", [trial])).trials

    assert [write] == list(read.writes)


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    assert "is not a folder" in refusal(tmp_path / "nowhere")


def test_folder_whose_name_no_path_may_have() -> None:
    assert "not a folder" in refusal(Path("a\0b"))


def test_folder_without_manifest_is_foreign(tmp_path: Path) -> None:
    assert "not a run folder" in refusal(tmp_path)


def test_manifest_of_another_program_is_foreign(run: Path) -> None:
    change_json(run / MANIFEST_FILE, format="other")

    assert "is not poolstorm's" in refusal(run)


def test_manifest_of_a_newer_version_says_upgrade(run: Path) -> None:
    change_json(run / MANIFEST_FILE, version=3)

    text = refusal(run)

    assert "newer poolstorm (format 3, this one reads up to 2)" in text
    assert text.endswith("upgrade poolstorm")


def test_trial_of_a_newer_version_says_upgrade(run: Path) -> None:
    change_json(first_trial(run) / TRIAL_FILE, version=3)

    assert damage(run).endswith("(format 3, this one reads up to 2); upgrade poolstorm")


def test_manifest_that_is_no_json(run: Path) -> None:
    (run / MANIFEST_FILE).write_text('{"format": "poolstorm-run", ')

    assert "manifest.json is damaged" in refusal(run)


def test_manifest_with_a_wrong_field_names_it(run: Path) -> None:
    reseal(run / MANIFEST_FILE, seed="seven")

    assert "seed" in refusal(run)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("name", [TRIAL_FILE, LATENCY_FILE, MARKS_FILE, READINGS_FILE])
def test_completed_trial_without_a_file_names_it(tmp_path: Path, version: int, name: str) -> None:
    run = small_run(tmp_path / "run", version)
    (first_trial(run) / name).unlink()

    assert damage(run) == f"{name} is missing"


def damage_histogram(text: str) -> str:
    lines = text.splitlines()
    lines[3] = lines[3].replace("HISTF", "HISTG")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("name", "change", "line"),
    [
        (LATENCY_FILE, damage_histogram, "line 4"),
        (
            LATENCY_FILE,
            lambda text: text + "Tag=half",
            "line 29",
        ),  # after 3 of heading, 20 intervals of response, 5 others
        (LATENCY_FILE, lambda text: text.replace("steady;read;ok;", "steady;ok;", 1), "line 4"),
        (LATENCY_FILE, lambda text: text.replace(",0.000,", f",{'9' * 400},", 1), "line 4"),
        (MARKS_FILE, lambda text: '{"t_ns": "soon"}\n' + text, "line 1"),
        (MARKS_FILE, lambda text: text[:-10], "line 5"),
        (MARKS_FILE, lambda text: text.replace('"t_ns":0', f'"t_ns":{"9" * 400}', 1), "line 1"),
        (READINGS_FILE, lambda text: text + '{"source": "dream", "t_ns": 1}\n', "line 2"),
        (READINGS_FILE, lambda text: text + "[" * 200_000 + "\n", "line 2"),
    ],
)
def test_damaged_line_of_the_first_format_is_named(
    old_run: Path, name: str, change: Callable[[str], str], line: str
) -> None:
    path = first_trial(old_run) / name
    path.write_text(change(path.read_text()))

    text = damage(old_run)

    assert f"{name} is damaged" in text
    assert line in text


def test_file_that_is_no_text(old_run: Path) -> None:
    (first_trial(old_run) / MARKS_FILE).write_bytes(b"\xff\xfe\x00")

    assert f"{MARKS_FILE} is damaged" in damage(old_run)


def test_log_cut_short_is_not_whole(run: Path) -> None:
    change_lines(first_trial(run) / LATENCY_FILE, lambda lines: lines[: int(0.6 * len(lines))])

    assert damage(run) == "latency.hlog is not whole: 16 of its 28 lines are there"


def test_every_second_response_line_dropped(run: Path) -> None:
    change_lines(first_trial(run) / LATENCY_FILE, lambda lines: [*lines[:3], *lines[3:23:2], *lines[23:]])

    assert damage(run) == "latency.hlog is not whole: 18 of its 28 lines are there"


@pytest.mark.parametrize("version", [1, 2])
def test_requests_without_their_response_times(tmp_path: Path, version: int) -> None:
    """Also where nobody counted lines: each request is in the log twice."""
    run = small_run(tmp_path / "run", version)
    responses = [line for line in (first_trial(run) / LATENCY_FILE).read_text().splitlines(keepends=True)
                 if ";response" in line]  # fmt: skip
    change_lines(
        first_trial(run) / LATENCY_FILE, lambda lines: [line for line in lines if line not in responses[::2]]
    )

    assert "latency.hlog is not whole" in damage(run)


@pytest.mark.parametrize("name", [LATENCY_FILE, MARKS_FILE, READINGS_FILE])
def test_emptied_file_is_not_whole(run: Path, name: str) -> None:
    (first_trial(run) / name).write_text("")

    assert f"{name} is not whole: 0 of its " in damage(run)


@pytest.mark.parametrize("name", [LATENCY_FILE, MARKS_FILE, READINGS_FILE])
def test_line_too_many(run: Path, name: str) -> None:
    change_lines(first_trial(run) / name, lambda lines: [*lines, lines[-1]])

    assert f"{name} has " in damage(run)


def test_lines_in_another_order_were_changed(run: Path) -> None:
    change_lines(first_trial(run) / MARKS_FILE, lambda lines: lines[::-1])

    assert damage(run) == "marks.jsonl is not what was recorded: its 5 lines were changed"


def test_file_that_was_not_there_at_the_end(run: Path) -> None:
    (first_trial(run) / WRITES_FILE).write_text("")

    assert damage(run) == "writes.jsonl has no closing in trial.json"


def closing_with(run: Path, **changes: object) -> None:
    path = first_trial(run) / TRIAL_FILE
    reseal(path, closing={**json.loads(path.read_text())["closing"], **changes})


def test_requests_that_the_log_lacks(run: Path) -> None:
    closing_with(run, requests={"ok": 40, "failed": 2}, started=42)

    assert damage(run) == "latency.hlog is not whole: 0 of the 2 requests that ended as failed are there"


@pytest.mark.parametrize(
    ("account", "said"),
    [
        ({"started": 126}, "126 requests were begun, 40"),
        ({"started": 43, "under_way": 3}, "3 were still under way"),
    ],
)
def test_requests_recorded_nowhere(run: Path, account: dict[str, int], said: str) -> None:
    closing_with(run, **account)

    assert said in damage(run)


def test_trial_without_closing(run: Path) -> None:
    reseal(first_trial(run) / TRIAL_FILE, closing=None)

    assert damage(run) == "trial.json is damaged (its closing is missing)"


@pytest.mark.parametrize("changes", [{"duration_s": 3.0}, {"seal": "0" * 64}, {"seal": None}])
def test_trial_that_its_seal_does_not_fit(run: Path, changes: dict[str, object]) -> None:
    change_json(first_trial(run) / TRIAL_FILE, **changes)

    assert "seal" in damage(run)


def test_failed_trial_that_its_seal_does_not_fit(tmp_path: Path) -> None:
    failed = TrialBuilder(SCENARIO, target_info("sync-pool"), state=TrialState.FAILED, reason="did not start")
    run = write_run(tmp_path / "run", [failed])
    change_json(first_trial(run) / TRIAL_FILE, state="completed", reason="")

    (line,) = analyse(read_run(run)).scenarios[0].targets[0].trials

    assert (line.state, line.rules) == ("invalid", ("record-damaged",))


def test_manifest_that_its_seal_does_not_fit(run: Path) -> None:
    change_json(run / MANIFEST_FILE, repetitions=9)

    assert "seal" in refusal(run)


def test_format_1_has_no_closing_to_be_taken_for_the_second(run: Path) -> None:
    change_json(first_trial(run) / TRIAL_FILE, version=1)

    assert "format 1 has neither seal nor closing" in damage(run)


def test_failed_trial_may_lack_its_series(tmp_path: Path) -> None:
    failed = TrialBuilder(SCENARIO, target_info("sync-pool"), state=TrialState.FAILED, reason="did not start")
    run = write_run(tmp_path / "run", [failed])

    (trial,) = read_run(run).trials

    assert (trial.cells, trial.marks, trial.readings, trial.damage) == ((), (), (), "")


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

    assert "'999-stranger' is not in the plan" in refusal(run)


def test_folder_under_another_trials_name(run: Path) -> None:
    other = run / TRIALS_DIR / "001-plain-no-pool-r1"
    (first_trial(run) / TRIAL_FILE).write_text((other / TRIAL_FILE).read_text())

    assert damage(run) == f"trial.json describes trial 001-plain-no-pool-r1, not the planned {FIRST}"


# --- hostile folders -------------------------------------------------------------------------------------------


def to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [to_device, os.mkfifo, os.mkdir])
@pytest.mark.parametrize("name", [TRIAL_FILE, LATENCY_FILE, MARKS_FILE, READINGS_FILE])
def test_what_is_no_file_is_not_read(run: Path, make: Callable[[Path], None], name: str) -> None:
    (first_trial(run) / name).unlink()
    make(first_trial(run) / name)

    assert damage(run).startswith(f"{name} is ")


@pytest.mark.parametrize("make", [to_device, os.mkfifo, os.mkdir])
def test_manifest_that_is_no_file_is_not_read(run: Path, make: Callable[[Path], None]) -> None:
    (run / MANIFEST_FILE).unlink()
    make(run / MANIFEST_FILE)

    assert "manifest.json is " in refusal(run)


def test_trial_behind_a_link_is_not_read(run: Path) -> None:
    first_trial(run).rename(run / "elsewhere")
    first_trial(run).symlink_to(run / "elsewhere")

    assert [spec.target for spec in read_run(run).missing] == ["sync-pool"]


def test_file_of_many_gigabytes(run: Path) -> None:
    os.truncate(first_trial(run) / LATENCY_FILE, 10**11)

    assert damage(run).startswith("latency.hlog is too large")


@pytest.mark.parametrize("run_id", ["../../elsewhere", "a/b", "a\0b", "", "..", "a\x1b[2J", "x" * 500])
def test_run_id_is_a_plain_name(run: Path, run_id: str) -> None:
    reseal(run / MANIFEST_FILE, run_id=run_id)

    assert "run_id" in refusal(run)


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000, "9" * 5_000, "null", "NaN", "\ud800"])
def test_json_that_is_no_manifest(run: Path, text: str) -> None:
    (run / MANIFEST_FILE).write_bytes(text.encode("utf-8", "surrogatepass"))

    assert "manifest.json is " in refusal(run)


def test_numbers_of_400_digits(run: Path) -> None:
    reseal(first_trial(run) / TRIAL_FILE, origin_monotonic_ns=10**400)

    assert "origin_monotonic_ns" in damage(run)


def rewrite_log(run: Path, change: Callable[[list[str]], list[str]]) -> None:
    """Change the log as a hostile writer would, with a closing that fits."""
    path = first_trial(run) / LATENCY_FILE
    change_lines(path, change)

    streams = json.loads((first_trial(run) / TRIAL_FILE).read_text())["closing"]["streams"]
    closing_with(run, streams={**streams, LATENCY_FILE: stream_of(path).model_dump()})


def retimed(line: str, start_s: float) -> str:
    tag, _, *rest = line.split(",")
    return ",".join([tag, f"{start_s:.3f}", *rest])


@pytest.mark.parametrize("start_s", [1e5, 1e6, 999_999_999])
def test_requests_long_after_the_end(run: Path, start_s: float) -> None:
    rewrite_log(run, lambda lines: [*lines[:3], retimed(lines[3], start_s), *lines[4:]])

    assert "is beyond the trial" in damage(run)


def test_histogram_that_expands_to_gigabytes(run: Path) -> None:
    packed = zlib.compress(bytes(200_000_000))
    bomb = base64.b64encode(struct.pack(">II", 0x1C849314, len(packed)) + packed).decode()
    rewrite_log(run, lambda lines: [*lines, f"{lines[3].rpartition(',')[0]},{bomb}\n"])

    assert "latency.hlog is damaged (line 29" in damage(run)


def test_series_without_number(run: Path) -> None:
    def many(lines: list[str]) -> list[str]:
        return [*lines, *(lines[3].replace(";read;", f";read-{number};") for number in range(50_000))]

    rewrite_log(run, many)

    assert "more than 1,060 series" in damage(run)


def test_more_trials_than_can_be_reported(run: Path) -> None:
    trials = json.loads((run / MANIFEST_FILE).read_text())["trials"]
    reseal(run / MANIFEST_FILE, trials=[{**trials[0], "id": f"t{number}"} for number in range(20_000)])

    assert "20,000 trials; 10,000 can be reported" in refusal(run)


# --- what a later version adds ---------------------------------------------------------------------------------


def later(run: Path, change: Callable[[dict[str, object]], None]) -> None:
    scenario = json.loads((run / MANIFEST_FILE).read_text())["scenarios"][0]
    change(scenario)
    reseal(run / MANIFEST_FILE, scenarios=[scenario])


def test_fields_that_are_not_known_are_read_over_at_every_level(run: Path) -> None:
    def add(scenario: dict[str, object]) -> None:
        scenario["weather"] = "mild"
        for nested in (scenario["phases"][0], scenario["phases"][0]["arrivals"], scenario["checks"][0]):  # type: ignore[index]
            nested["weather"] = {"wind": 3}

    later(run, add)

    assert [line.state for line in lines_of(analyse(read_run(run)))] == ["completed", "completed"]


def test_words_that_are_not_known_are_read_over(run: Path) -> None:
    def add(scenario: dict[str, object]) -> None:
        scenario["phases"][0]["behaviour"] = "juggler"  # type: ignore[index]
        scenario["phases"][0]["arrivals"]["process"] = "bursts"  # type: ignore[index]
        scenario["checks"].append({"kind": "stays-dry", "limit": None})  # type: ignore[attr-defined]

    later(run, add)
    target = analyse(read_run(run)).scenarios[0].targets[0]

    assert target.trials[0].state == "completed"
    assert [(check.kind, check.verdict.value) for check in target.checks] == [
        ("no-errors-outside-faults", "passed"),
        ("stays-dry", "undecided"),
    ]
    assert "does not know the check" in target.checks[1].evidence


def test_cells_of_a_damaged_trial_raise(old_run: Path) -> None:
    path = first_trial(old_run) / LATENCY_FILE
    path.write_text(path.read_text() + "Tag=half")

    with pytest.raises(DamageError, match="line 29"):
        list(read_run(old_run).trials[0].cells)


def test_every_request_counted_more_often_than_any_load_could_send(run: Path) -> None:
    """Also a closing that fits makes no trial of it."""
    closing_with(run, requests={"ok": 10**15}, started=10**15)

    assert "of the 1,000,000,000,000,000 requests that ended as ok are there" in damage(run)


def test_marks_of_more_injections_than_were_planned(run: Path) -> None:
    path = first_trial(run) / MARKS_FILE
    text = "".join(
        f'{{"t_ns":1,"kind":"{kind}","phase":"steady","fault":"latency","number":{number}}}\n'
        for number in range(2_000)
        for kind in ("inject-begin", "inject-done")
    )
    path.write_text(path.read_text() + text)
    streams = json.loads((first_trial(run) / TRIAL_FILE).read_text())["closing"]["streams"]
    closing_with(run, streams={**streams, MARKS_FILE: stream_of(path).model_dump()})

    assert damage(run) == "marks.jsonl tells of 2,000 injections, more than were planned"


def test_names_of_the_first_format_are_read(tmp_path: Path) -> None:
    """A twin named its target, a mark held phase and fault in one text, and parts had other names."""
    trial = TrialBuilder(SCENARIO, target_info("sync-pool"), version=1, cpu_s={"app": 2.0, "primary": 1.0})
    trial.mark_phases()
    trial.mark_fault("steady/1:latency", planned_s=0.5, heal_planned_s=1.0)
    trial.requests += [Request("steady", 0.05 * n, 4.0) for n in range(40)]
    twin = TrialBuilder(SCENARIO, target_info("sync-pool-again"), version=1)
    run = write_run(tmp_path / "run", [trial, twin], version=1)
    targets = json.loads((run / MANIFEST_FILE).read_text())["targets"]
    targets[1] = {**targets[1], "same_as": "sync-pool", "place": None}
    change_json(run / MANIFEST_FILE, targets=targets)
    change_json(first_trial(run) / TRIAL_FILE, cpu_s={"target": 2.0, "database": 1.0})
    marks = [json.loads(line) for line in (first_trial(run) / MARKS_FILE).read_text().splitlines()]
    for mark in marks:
        fault = f"/{mark.pop('number')}:{mark.pop('fault')}" if mark["fault"] else ""
        mark["name"] = mark.pop("phase") + fault
    (first_trial(run) / MARKS_FILE).write_text("".join(json.dumps(mark) + "\n" for mark in marks))

    found = read_run(run)

    assert [info.repeats for info in found.manifest.targets] == [None, "sync-pool"]
    assert found.trials[0].record.cpu_s == {"app": 2.0, "primary": 1.0}
    assert analyse(found).scenarios[0].targets[0].faults[0].kind == "latency"


def test_a_trial_of_another_run_is_damaged(run: Path, tmp_path: Path) -> None:
    other = small_run(tmp_path / "other")
    shutil.rmtree(first_trial(run))
    shutil.copytree(first_trial(other), first_trial(run))

    assert read_run(run).trials[0].damage == "trial.json is of run other, not of run"


def test_a_manifest_of_another_run_leaves_no_trial_whole(run: Path, tmp_path: Path) -> None:
    other = small_run(tmp_path / "other")
    shutil.copy(other / MANIFEST_FILE, run / MANIFEST_FILE)

    assert {trial.damage for trial in read_run(run).trials} == {"trial.json is of run run, not of other"}


@pytest.mark.parametrize(("of_run", "of_trial"), [(1, 2), (2, 1)])
def test_formats_of_a_run_and_its_trials_are_the_same(tmp_path: Path, of_run: int, of_trial: int) -> None:
    run, other = (
        small_run(tmp_path / "run", version=of_run),
        small_run(tmp_path / "other" / "run", version=of_trial),
    )
    shutil.rmtree(first_trial(run))
    shutil.copytree(first_trial(other), first_trial(run))

    damage = read_run(run).trials[0].damage

    assert damage == (
        f"trial.json is of format {of_trial} and manifest.json of format {of_run}; they are of different runs"
    )


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Makes everything below a folder unreadable, to root too."""

    def lock(folder: Path) -> None:
        def guarded(name: str) -> None:
            real = getattr(os, name)

            def refuse(path: object, *given: object, **named: object) -> object:
                if isinstance(path, str | Path) and folder in Path(path).parents:
                    raise PermissionError(13, "Permission denied", str(path))
                return real(path, *given, **named)

            monkeypatch.setattr(os, name, refuse)

        for name in ("open", "stat", "lstat"):
            guarded(name)

    return lock


def test_a_trial_whose_folder_may_not_be_entered_is_invalid(run: Path, locked: Callable[[Path], None]) -> None:
    locked(first_trial(run))

    assert damage(run) == "trial.json cannot be read (Permission denied)"


def test_a_run_whose_folder_may_not_be_entered_is_not_called_foreign(
    run: Path, locked: Callable[[Path], None]
) -> None:
    locked(run)

    assert refusal(run) == f"{str(run)!r} cannot be read (Permission denied); name a run folder"


def test_a_manifest_that_may_not_be_read_names_the_mend(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., int] = os.open

    def refuse(path: object, *given: object, **named: object) -> int:
        if str(path).endswith(MANIFEST_FILE):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *given, **named)

    monkeypatch.setattr(os, "open", refuse)

    assert refusal(run) == f"{run}/manifest.json cannot be read (Permission denied); mend its permissions"
