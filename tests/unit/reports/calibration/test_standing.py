"""Which calibration a gate names, and which it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import PoolstormError
from harness.records import CalibrationKind, GateCalibration, sealed
from reports.calibration.standing import standings
from reports.calibration.summary import read_calibration, read_if_begun
from tests.unit.reports.calibration.made import DESIGN, HERE, LATENCY, calibration, outcome, plan

AA = calibration(outcome(1), outcome(2))
POWER = calibration(outcome(1, "regressed", proved=True), of=plan(CalibrationKind.POWER, 1, plant=LATENCY))


def written(path: Path, made: GateCalibration = AA, **changes: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    changed = made.model_copy(update={"plan": made.plan.model_copy(update=changes)})
    path.write_text(sealed(changed.model_dump_json()))
    return path


def test_what_was_given_is_named_of_each_kind_one(tmp_path: Path) -> None:
    given = [written(tmp_path / "a.json"), written(tmp_path / "b" / "calibration.json", POWER).parent]
    found, why_not = standings(DESIGN, HERE, given=given, beside=None)
    assert [("aa-1", "given", 2, 0), ("power-1", "given", 1, 1)] == [
        (one.calibration_id, one.where, one.done, one.found) for one in found
    ]
    assert all(one.same_machine for one in found)
    assert "" == why_not


def test_those_beside_the_plan_are_found_and_given_ones_go_before(tmp_path: Path) -> None:
    written(tmp_path / "calibration.json")
    written(tmp_path / "calibration-power.json", POWER)
    found, _ = standings(DESIGN, HERE, beside=tmp_path)
    assert ["beside the plan"] * 2 == [one.where for one in found]
    (given,), _ = standings(DESIGN, HERE, given=[tmp_path / "calibration.json"], beside=tmp_path)
    assert "given" == given.where


def test_a_shipped_one_serves_where_it_fits_that_of_a_like_machine_first(tmp_path: Path) -> None:
    elsewhere = HERE.model_copy(update={"cpu_count": 64})
    written(tmp_path / "a.json", machine=elsewhere, calibration_id="aa-far")
    written(tmp_path / "b.json")
    written(tmp_path / "c.json", design=DESIGN.model_copy(update={"pairs": (11, 11)}), calibration_id="aa-other")
    (found,), _ = standings(DESIGN, HERE, beside=None, shipped=tmp_path)
    assert ("aa-1", "shipped") == (found.calibration_id, found.where)
    (tmp_path / "b.json").unlink()
    (found,), _ = standings(DESIGN, HERE, beside=None, shipped=tmp_path)
    assert ("aa-far", False) == (found.calibration_id, found.same_machine)


def test_what_comes_with_poolstorm_can_be_read() -> None:
    found, why_not = standings(DESIGN, HERE, beside=None)
    assert ((), "") == (found, why_not), "none is of made-up digests"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"pairs": (12, 20)}, "is of 12,20 pairs, and this gate has 14"),
        ({"scenarios": ("baseline",), "load_digest": "c"}, "is of baseline, and this gate runs gate"),
        ({"load_digest": "c"}, "is of another load in gate"),
        ({"subject": "shop", "subject_digest": "c"}, "is of shop, and this gate's base is sync-pool"),
        ({"subject_digest": "c"}, "is of another sync-pool"),
    ],
)
def test_one_of_another_gate_is_refused_where_it_was_given_and_told_where_it_was_found(
    tmp_path: Path, changes: dict[str, object], says: str
) -> None:
    path = written(tmp_path / "calibration.json", design=DESIGN.model_copy(update=changes))
    with pytest.raises(PoolstormError, match=r"^[^\n]+$") as refused:
        standings(DESIGN, HERE, given=[path], beside=None)
    assert says in str(refused.value)
    found, why_not = standings(DESIGN, HERE, beside=tmp_path)
    assert () == found
    assert says in why_not


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "is not poolstorm's"),
        ("not JSON", "is damaged"),
        (sealed(AA.model_dump_json()).replace('"gates": 2', '"gates": 1'), "not what its seal says"),
        (sealed(AA.model_dump_json()).replace('"version": 2', '"version": 3'), "upgrade poolstorm"),
        (sealed(AA.model_copy(update={"outcomes": AA.outcomes * 2}).model_dump_json()), "is damaged"),
        (sealed(calibration(outcome(5), of=plan(gates=2)).model_dump_json()), "gates that were not planned"),
    ],
)
def test_a_file_that_is_none_is_one_line_where_it_was_given_and_ends_no_gate_where_it_was_found(
    tmp_path: Path, text: str, says: str
) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(text)
    with pytest.raises(PoolstormError, match=r"^[^\n]+$") as refused:
        standings(DESIGN, HERE, given=[path], beside=None)
    assert says in str(refused.value)
    assert says in standings(DESIGN, HERE, beside=tmp_path)[1]


def test_two_of_a_kind_are_refused(tmp_path: Path) -> None:
    given = [written(tmp_path / "a.json"), written(tmp_path / "b.json")]
    with pytest.raises(PoolstormError, match="two calibrations of kind aa"):
        standings(DESIGN, HERE, given=given, beside=None)


def test_a_folder_is_a_calibrations_or_empty_or_refused(tmp_path: Path) -> None:
    assert read_if_begun(tmp_path / "none") is None
    assert read_if_begun(tmp_path) is None
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(PoolstormError, match="exists already and is no calibration"):
        read_if_begun(tmp_path)
    written(tmp_path / "calibration.json")
    assert AA == read_if_begun(tmp_path) == read_calibration(tmp_path)
    with pytest.raises(PoolstormError, match="cannot be read"):
        read_if_begun(tmp_path / "mine")
