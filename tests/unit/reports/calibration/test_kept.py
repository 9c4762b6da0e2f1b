"""A gate that is kept can be judged anew, and one that is damaged says so."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from harness.errors import RunDirectoryError
from reports.calibration.kept import KeptGate, gate_path, packed, read_gate
from tests.unit.reports.calibration.made import kept
from tests.unit.reports.gate.support import look, slower


def on_disk(folder: Path, gate: KeptGate, number: int = 1) -> Path:
    path = gate_path(folder, number)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(packed(gate))
    return path


def test_it_is_judged_anew_with_the_same_verdict(tmp_path: Path) -> None:
    gate = kept(1, slower(1.2))
    read = read_gate(on_disk(tmp_path, gate))
    assert gate == read
    assert gate.measured() == read.measured()
    again = look(read.measured())
    assert again.verdict == read.report.result.verdict == "regressed"
    assert {row.name: row.effect for row in again.rows} == {
        row.name: row.effect for row in read.report.result.rows
    }


def test_it_takes_some_kilobytes(tmp_path: Path) -> None:
    assert on_disk(tmp_path, kept(1)).stat().st_size < 20_000


def test_fields_of_a_later_minor_version_are_passed_over(tmp_path: Path) -> None:
    path = on_disk(tmp_path, kept(1))
    document = json.loads(gzip.decompress(path.read_bytes()))
    document["report"]["weather"] = document["weather"] = "fair"
    path.write_bytes(gzip.compress(json.dumps(document).encode()))
    assert kept(1) == read_gate(path)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda data: data[:-20], "is damaged"),
        (lambda data: b"", "is damaged"),
        (lambda data: b"no gzip", "is damaged"),
        (lambda data: gzip.compress(b"[1]"), "is no gate of a calibration"),
        (lambda data: gzip.compress(b"{"), "is damaged"),
        (lambda data: gzip.compress(gzip.decompress(data).replace(b'"number":1,', b"", 1)), "is damaged"),
        (lambda data: gzip.compress(gzip.decompress(data).replace(b'"version":2', b'"version":9')), "upgrade"),
        (lambda data: gzip.compress(bytes(70_000_000)), "is damaged"),
    ],
)
def test_what_is_no_kept_gate_is_a_line_with_what_to_do(tmp_path: Path, spoil: object, says: str) -> None:
    path = on_disk(tmp_path, kept(1))
    path.write_bytes(spoil(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(RunDirectoryError, match=r"^[^\n]+$") as refused:
        read_gate(path)
    assert says in str(refused.value)
    assert len(str(refused.value)) < 400
