"""Rulings as a whole: what is missing or fails is inconclusive and says why, and takes no other down."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import PlanError, RunDirectoryError
from harness.experiments import experiments, plan_of
from harness.records import CLAIMS_FILE, RunState
from reports.claims import ClaimsReport, RulingVerdict, read_evidence, rule_all
from reports.claims.formats import render_html, render_json, render_markdown, render_terminal, write_rulings
from reports.claims.rules import RULES
from reports.claims.statements import STATEMENTS, experiments_for
from tests.unit.reports.builder import reseal
from tests.unit.reports.claims.support import evidence_of, write_claims
from tests.unit.reports.claims.test_transfers import trials


def good(tmp_path: Path) -> ClaimsReport:
    runs = {"transfers": [*trials("sync-pool", [0, 0]), *trials("orm-transfer", [-70, 12])]}
    return rule_all(evidence_of(tmp_path / "claims", runs))


def ruling(report: ClaimsReport, claim: str) -> tuple[RulingVerdict, str]:
    return next((found.verdict, found.said) for found in report.rulings if found.claim == claim)


def test_every_statement_of_the_tutorial_is_there() -> None:
    assert len(STATEMENTS) == 21
    assert set(RULES) <= set(STATEMENTS)


def test_every_experiment_serves_a_statement_and_has_a_plan() -> None:
    assert set(experiments()) <= set(experiments_for())
    for experiment in experiments().values():
        whole, quick = plan_of(experiment), plan_of(experiment, quick=True)
        assert quick.expected_s() < whole.expected_s()
        assert experiment.control in {subject.name for subject in whole.subjects}


def test_a_statement_is_ruled_on_and_the_rest_says_what_it_lacks(tmp_path: Path) -> None:
    report = good(tmp_path)
    verdict, said = ruling(report, "transfer-atomic")
    assert (verdict, said[:35]) == (RulingVerdict.REFUTED, "The sum moved in 2 of 2 trials, by ")
    assert ruling(report, "leak")[0] is RulingVerdict.INCONCLUSIVE
    assert report.rulings[9].runs == ("transfers",)
    assert report.rulings[9].trials == 8


def test_a_rule_that_fails_is_inconclusive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError("of nothing")

    monkeypatch.setitem(RULES, "leak", broken)
    verdict, said = ruling(good(tmp_path), "leak")
    assert verdict is RulingVerdict.INCONCLUSIVE
    assert said == "The rule could not be applied (ZeroDivisionError: of nothing)."


def test_a_damaged_run_is_missing_evidence(tmp_path: Path) -> None:
    runs = {"transfers": [*trials("sync-pool", [0]), *trials("orm-transfer", [-70])]}
    folder = write_claims(tmp_path, runs)
    (folder / "transfers" / "manifest.json").write_text("{")
    verdict, said = ruling(rule_all(read_evidence(folder)), "transfer-atomic")
    assert verdict is RulingVerdict.INCONCLUSIVE
    assert "manifest.json" in said


def test_the_run_of_other_claims_is_missing_evidence(tmp_path: Path) -> None:
    runs = {"transfers": [*trials("sync-pool", [0]), *trials("orm-transfer", [-70])]}
    folder = write_claims(tmp_path, runs)
    reseal(folder / "transfers" / "manifest.json", run_id="another")
    verdict, said = ruling(rule_all(read_evidence(folder)), "transfer-atomic")
    assert verdict is RulingVerdict.INCONCLUSIVE
    assert "holds another run" in said


def test_an_experiment_that_never_came_says_why(tmp_path: Path) -> None:
    report = rule_all(
        evidence_of(tmp_path, {}, planned=("transfers",), state=RunState.CUT_SHORT, reason="PostgreSQL has gone")
    )
    assert "PostgreSQL has gone" in ruling(report, "transfer-atomic")[1]


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "no claims.json"), ("{", "claims.json"), ('{"format": "poolstorm-run"}', "claims.json")],
)
def test_a_folder_that_is_none_of_claims_is_one_line(tmp_path: Path, content: str | None, said: str) -> None:
    if content is not None:
        (tmp_path / CLAIMS_FILE).write_text(content)
    with pytest.raises(RunDirectoryError, match=said) as raised:
        read_evidence(tmp_path)
    assert "\n" not in str(raised.value)


def test_an_unknown_statement_is_named_with_the_nearest() -> None:
    with pytest.raises(PlanError, match="did you mean 'transfer-atomic'"):
        experiments_for(["transfer-atomik"])


def test_every_format_tells_every_verdict(tmp_path: Path) -> None:
    report = good(tmp_path)
    text, markdown, page = render_terminal(report), render_markdown(report), render_html(report)
    assert "0 supported, 1 refuted, 20 inconclusive" in text
    for statement in STATEMENTS:
        assert statement in text
        assert f"## {statement}" in markdown
        assert f'<h2 id="{statement}">' in page
    assert report == ClaimsReport.model_validate_json(render_json(report))


def test_rulings_are_written_beside_their_runs(tmp_path: Path) -> None:
    written = write_rulings(good(tmp_path), tmp_path / "out")
    assert ["claims.html", "rulings.json", "claims.md"] == [path.name for path in written]
    assert "http" not in written[0].read_text().replace("http-equiv", "")
    (tmp_path / "file").write_text("")
    with pytest.raises(RunDirectoryError, match="rulings cannot be written"):
        write_rulings(good(tmp_path / "again"), tmp_path / "file")


def test_what_the_environment_says_of_a_terminal_is_not_asked_for_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = good(tmp_path)
    before = render_terminal(report)
    monkeypatch.setenv("LINES", "\u00b2")
    assert before == render_terminal(report)
