"""What a gate makes of absolute limits, and of what is accepted on file."""

from __future__ import annotations

from pathlib import Path

from harness.records import Outcome
from reports.gate.acceptances import Acceptance
from reports.gate.formats import render_markdown, render_terminal
from reports.gate.metrics import metrics
from reports.gate.report import GateReport, judge_folder
from reports.gate.verdicts import Verdict
from scenarios.limits import Limits
from tests.unit.reports.builder import Request, TrialBuilder
from tests.unit.reports.gate.test_report import (
    TODAY,
    Plant,
    gate_folder,
    money_made,
    nothing,
    one_statement_more,
    row,
    slower,
)


def limited(path: Path, plant: Plant = nothing, **limits: object) -> GateReport:
    folder = gate_folder(path / "gate", plant, limits={"gate": Limits.model_validate(limits)})
    return judge_folder(folder, today=TODAY)


def test_a_head_beyond_an_absolute_limit_is_broken_also_where_the_base_is(tmp_path: Path) -> None:
    kept = limited(tmp_path / "kept", p50_ms=9)
    assert Verdict.PASS is row(kept, "all", "limit-p50_ms").verdict
    broken = limited(tmp_path / "broken", slower, p50_ms=9)
    found = row(broken, "all", "limit-p50_ms")
    assert (Verdict.BROKEN, 4) == (found.verdict, broken.exit_code())
    assert "; at most 9 is allowed" in found.said
    both = row(limited(tmp_path / "both", p50_ms=1), "all", "limit-p50_ms")
    assert Verdict.BROKEN is both.verdict
    assert both.said.endswith("the base, too")
    assert "limit-p50_ms" in render_terminal(broken)


def test_a_limit_that_nothing_was_measured_against_leaves_a_gate_open(tmp_path: Path) -> None:
    report = limited(tmp_path, checked_out_max=30)
    assert Verdict.INCONCLUSIVE is row(report, "all", "limit-checked_out_max").verdict
    assert 3 == report.exit_code()


def test_what_is_accepted_on_file_is_in_the_header_and_lets_a_finding_pass(tmp_path: Path) -> None:
    accepted = [Acceptance(f"shop/gate/steady/read/{name}", "until a cache", TODAY) for name in ("s*", "round*")]
    folder = gate_folder(tmp_path / "gate", one_statement_more)
    report = judge_folder(folder, TODAY, accepted, "poolstorm-baseline.json")
    assert "until a cache" == row(report, "read", "statements").accepted
    assert report.exit_code() in (0, 3)
    for shown in (render_terminal(report, width=200), render_markdown(report)):
        assert "accepted by poolstorm" in shown.replace("\\", "")
        assert "until 2026-06-01 (until a cache)" in shown
    assert report == GateReport.model_validate_json(report.model_dump_json())


def test_every_metric_of_a_gate_can_be_accepted_by_name(tmp_path: Path) -> None:
    def troubled(trial: TrialBuilder) -> None:
        money_made(trial)
        trial.requests[7] = Request(
            "steady", 0.07, 3.0, outcome=Outcome.FAILED, kind="http-500", operation="write"
        )

    report = limited(tmp_path, troubled, p50_ms=9)
    assert {one.metric for one in report.result.rows} <= metrics()
