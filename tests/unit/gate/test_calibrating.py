"""Gate after gate, each judged and kept before the next; however it ends, it goes on where it stopped."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.environment.stack import StackOptions
from harness.errors import EXIT_INTERRUPTED, OutputError, RunDirectoryError
from harness.gate import calibrating, calibration_store
from harness.gate.calibrating import Judging, Settled, carry_out_calibration, seed_of
from harness.gate.calibration_store import CalibrationStore, held
from harness.gate.carrying import Standing
from harness.gate.wish import GateWish, SideWish, settle_gate
from harness.planning.wish import PlanFile
from harness.records import GateCalibration
from harness.run import Ending
from harness.store import RunStore
from reports.calibration.judging import Judge
from reports.calibration.summary import read_calibration
from tests.unit.reports.calibration.made import plan
from tests.unit.reports.gate.test_report import gate_folder

Gate = Callable[[int, Path], Ending]
PLAN = settle_gate(PlanFile(), GateWish(SideWish("sync-pool"), SideWish("sync-pool"), pairs=(11, 11)))


class Gates:
    """In place of real ones: what ran, and what becomes of each."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.becomes: dict[int, Callable[[Path], Ending]] = {}

    def __call__(self, _: object, run_id: str, store: RunStore, *__: object, **___: object) -> Ending:
        self.ran.append(run_id)
        number = int(run_id.rpartition("-")[2])
        return self.becomes.get(number, whole)(store.path)


def whole(path: Path) -> Ending:
    """A gate of made-up pairs, as the harness leaves it."""
    made = gate_folder(path.parent / "made", pairs=11)
    shutil.copytree(made, path, dirs_exist_ok=True)
    shutil.rmtree(made)
    return Ending()


def asked_to_end(path: Path) -> Ending:
    whole(path)
    return Ending("interrupted; the trials that had finished are reported in there", EXIT_INTERRUPTED)


def out_of_room(path: Path) -> Ending:
    return Ending(f"error: {path} can no longer be written; the trials that had finished are kept in {path}", 2)


def killed(path: Path) -> Ending:
    raise KeyboardInterrupt


@pytest.fixture
def gates(monkeypatch: pytest.MonkeyPatch) -> Gates:
    made = Gates()
    monkeypatch.setattr(calibrating, "carry_out_gate", made)
    return made


@contextmanager
def settled(_: int) -> Iterator[Settled]:
    yield Settled(PLAN, lambda _: PLAN)


def new(path: Path, count: int = 3) -> CalibrationStore:
    return CalibrationStore.create(path, GateCalibration(plan=plan(gates=count)), "{}")


def again(path: Path) -> CalibrationStore:
    return CalibrationStore(path, read_calibration(path))


def carry_out(store: CalibrationStore, said: list[str] | None = None, *, keep_runs: bool = False) -> Ending:
    judge = Judge(store.path, store.calibration.plan)
    return carry_out_calibration(
        store,
        settled,
        StackOptions(),
        (said if said is not None else []).append,
        Judging(
            lambda run: Standing(is_decided=not judge.standing(run).result.go_on),
            judge.file_of,
            judge.packed,
            judge.calibration,
            judge.told,
        ),
        keep_runs=keep_runs,
    )


def test_every_gate_is_judged_and_kept_and_its_run_goes(tmp_path: Path, gates: Gates) -> None:
    said: list[str] = []
    assert Ending() == carry_out(new(tmp_path / "c"), said)
    assert ["aa-1-0001", "aa-1-0002", "aa-1-0003"] == gates.ran
    found = read_calibration(tmp_path / "c")
    assert (True, 0, [1, 2, 3]) == (found.is_finished, found.begun_anew, [one.number for one in found.outcomes])
    assert not list((tmp_path / "c" / "runs").iterdir())
    assert [f"gate {number} of 3: pass after 11 pairs, " for number in (1, 2, 3)] == [
        line[: line.rindex(",") + 2] for line in said if "pass" in line
    ]
    assert Ending() == carry_out(again(tmp_path / "c"))
    assert 3 == len(gates.ran), "nothing is run that is there"


def test_runs_are_kept_where_that_is_wanted(tmp_path: Path, gates: Gates) -> None:
    carry_out(new(tmp_path / "c", 1), keep_runs=True)
    assert (tmp_path / "c" / "runs" / "0001" / "manifest.json").is_file()


@pytest.mark.parametrize("ends", [asked_to_end, killed])
def test_ctrl_c_drops_the_gate_under_way_and_the_folder_goes_on(
    tmp_path: Path, gates: Gates, ends: Callable[[Path], Ending]
) -> None:
    gates.becomes[2] = ends
    ending = carry_out(new(tmp_path / "c"))
    assert EXIT_INTERRUPTED == ending.exit_code
    assert "1 of 3 gates are kept, and poolstorm calibrate aa --output" in ending.line
    before = read_calibration(tmp_path / "c")
    assert (1, 1) == (len(before.outcomes), before.begun_anew)
    assert not list((tmp_path / "c" / "runs").iterdir())
    gates.becomes.clear()
    assert Ending() == carry_out(again(tmp_path / "c"))
    assert ["aa-1-0001", "aa-1-0002", "aa-1-0002", "aa-1-0003"] == gates.ran
    after = read_calibration(tmp_path / "c")
    assert before.outcomes == after.outcomes[:1]
    assert after.is_finished


def test_what_a_kill_left_of_a_gate_is_counted_and_run_anew(tmp_path: Path, gates: Gates) -> None:
    store = new(tmp_path / "c", 2)
    (tmp_path / "c" / "runs" / ".partial-0001" / "trials").mkdir(parents=True)
    assert Ending() == carry_out(store)
    assert (["aa-1-0001", "aa-1-0002"], 1) == (gates.ran, read_calibration(store.path).begun_anew)


def test_a_gate_that_has_all_its_pairs_is_judged_and_not_run_again(tmp_path: Path, gates: Gates) -> None:
    store = new(tmp_path / "c", 2)
    whole(tmp_path / "c" / "runs" / "0001")
    assert Ending() == carry_out(store)
    assert ["aa-1-0002"] == gates.ran
    assert read_calibration(store.path).is_finished


def test_a_full_disk_loses_no_gate(tmp_path: Path, gates: Gates, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    store = new(tmp_path / "c", 2)
    with monkeypatch.context() as patched:
        patched.setattr(calibration_store, "write_bytes_atomically", full)
        with pytest.raises(OutputError, match=r"^[^\n]*No space left[^\n]*call the same again[^\n]*$"):
            carry_out(store)
    assert Ending() == carry_out(again(tmp_path / "c"))
    assert ["aa-1-0001", "aa-1-0002"] == gates.ran


def test_a_gate_that_was_cut_short_ends_the_calibration_in_a_line(tmp_path: Path, gates: Gates) -> None:
    gates.becomes[2] = out_of_room
    ending = carry_out(new(tmp_path / "c"))
    assert 2 == ending.exit_code
    assert ending.line.startswith("error: gate 2 was cut short: ")
    assert "1 of 3 gates are kept" in ending.line
    assert 1 == ending.line.count("are kept")


def test_what_is_wrong_with_a_kept_gate_is_told_and_nothing_is_run(tmp_path: Path, gates: Gates) -> None:
    carry_out(new(tmp_path / "c", 2))
    kept = tmp_path / "c" / "gates" / "0002.json.gz"
    kept.write_bytes(kept.read_bytes()[:50])
    (tmp_path / "c" / "gates" / "0001.json.gz").unlink()
    with pytest.raises(RunDirectoryError, match=r"0002\.json\.gz is damaged"):
        carry_out(again(tmp_path / "c"))


def test_gates_have_seeds_of_their_own_that_are_always_the_same() -> None:
    seeds = [seed_of(1, number) for number in range(1, 500)]
    assert 499 == len(set(seeds))
    assert seeds[:2] == [seed_of(1, 1), seed_of(1, 2)]
    assert seeds[0] != seed_of(2, 1)


def test_two_at_once_are_refused_and_an_empty_folder_is_taken_away_again(tmp_path: Path) -> None:
    with (
        held(tmp_path / "a" / "c"),
        pytest.raises(RunDirectoryError, match="another process"),
        held(tmp_path / "a" / "c"),
    ):
        pass
    assert not (tmp_path / "a").exists()
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunDirectoryError, match="cannot be written"), held(tmp_path / "file"):
        pass
