"""The witness of a target's slow-query log counts its lines, and nothing else that the target prints."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from harness.errors import TrialFailedError
from harness.records import SlowLogged, TrialRecord
from harness.scene import Scene
from harness.witnesses import slow_log
from harness.witnesses.slow_log import SlowLogWitness


def line(operation: str, number: int) -> str:
    return f"slow query (0.301 s): SELECT pg_sleep(%(s)s) /* {operation} {UUID(int=number)} */"


def counted(path: Path, lines: list[str]) -> tuple[SlowLogged, ...] | None:
    path.write_text("\n".join([*lines, ""]))
    witness = SlowLogWitness(cast(Scene, SimpleNamespace(log_path=path)))
    witness.ended()
    record: Any = TrialRecord
    return witness.tell(record.model_construct()).slow_log


def test_lines_and_the_statements_that_they_name_are_counted_by_operation(tmp_path: Path) -> None:
    lines = [line("slow_300", 1), line("slow_300", 2), line("slow_300", 1), line("slow_110", 3)]
    assert counted(tmp_path / "target.log", lines) == (
        SlowLogged(operation="slow_110", lines=1, statements=1),
        SlowLogged(operation="slow_300", lines=3, statements=2),
    )


def test_an_error_that_names_its_statement_is_no_line_of_the_log(tmp_path: Path) -> None:
    comment = line("slow_300", 1).partition(": ")[2]
    lines = ["INFO: started", f"[SQL: {comment}]", comment, "slow query (0.2 s): SELECT 1", "x" * 50_000]
    assert counted(tmp_path / "target.log", lines) == ()


def test_a_log_without_end_and_one_that_is_gone_end_the_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_log, "MOST_MARKS", 2)
    with pytest.raises(TrialFailedError, match="more than 2 lines"):
        counted(tmp_path / "target.log", [line("slow_300", number) for number in range(3)])
    witness = SlowLogWitness(cast(Scene, SimpleNamespace(log_path=tmp_path / "gone.log")))
    with pytest.raises(TrialFailedError, match="cannot be read: No such file"):
        witness.ended()
