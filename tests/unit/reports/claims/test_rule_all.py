"""Rulings as a whole: what is missing or fails is inconclusive and says why, and takes no other down."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from harness.errors import PlanError, RunDirectoryError
from harness.experiments import experiments, plan_of
from harness.records import CLAIMS_FILE, RunState, TrialState
from reports.claims import ClaimsReport, RulingVerdict, read_evidence, rule_all
from reports.claims.base import Figure
from reports.claims.formats import (
    figure_text,
    render_html,
    render_json,
    render_markdown,
    render_terminal,
    write_rulings,
)
from reports.claims.formats import write_claims as write_claims_reports
from reports.claims.rules import RULES
from reports.claims.statements import STATEMENTS, experiments_for
from reports.claims.trials import percent
from tests.unit.reports.builder import reseal
from tests.unit.reports.claims.support import evidence_of, write_claims
from tests.unit.reports.claims.test_exhaustion import long_trial
from tests.unit.reports.claims.test_exhaustion import runs as exhausted
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
    assert (report.rulings[9].trials, report.rulings[9].planned) == (8, 8)


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


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(399, 400, 99), (1, 400, 1), (400, 400, 100), (0, 400, 0), (401, 400, 100), (1, 2, 50), (0, 0, 0), (3, 0, 0)],
)
def test_a_share_is_nothing_or_all_only_where_it_is(part: int, whole: int, shown: int) -> None:
    assert percent(part, whole) == shown


def test_a_mean_of_shares_is_all_only_where_each_is(tmp_path: Path) -> None:
    figure = Figure(name="share", value=99.97, unit="%", low=99, high=100)
    assert figure_text(figure) == "99.9 % (99 to 100)"


def pair(path: Path) -> Path:
    once = [one for one in exhausted()["exhaustion"] if one.repetition == 1]
    return write_claims(path, {"exhaustion": once, "exhaustion-30s": [long_trial(5)]})


@pytest.mark.parametrize("name", ["exhaustion", "exhaustion-30s"])
@pytest.mark.parametrize("damage", ["manifest", "trials", "folder"])
def test_damage_in_either_experiment_of_a_statement_leaves_it_open_and_is_named(
    tmp_path: Path, name: str, damage: str
) -> None:
    folder = pair(tmp_path)
    assert ruling(rule_all(read_evidence(folder)), "exhaustion-error")[0] is RulingVerdict.SUPPORTED
    if damage == "manifest":
        (folder / name / "manifest.json").write_text("{")
    elif damage == "trials":
        for log in (folder / name / "trials").glob("*/latency.hlog"):
            log.write_text(log.read_text() + "Tag=half")
    else:
        shutil.rmtree(folder / name)
    verdict, said = ruling(rule_all(read_evidence(folder)), "exhaustion-error")
    assert verdict is RulingVerdict.INCONCLUSIVE
    assert re.search(rf"under {name} |experiment {name} ", said), said


def test_an_experiment_that_was_not_planned_is_said_not_to_have_been_tried(tmp_path: Path) -> None:
    report = rule_all(evidence_of(tmp_path, exhausted()), ["exhaustion-error"])
    assert report.rulings[0].verdict is RulingVerdict.SUPPORTED
    assert "Not tried: the experiment exhaustion-30s." in report.rulings[0].condition


@pytest.mark.parametrize(("lost", "verdict"), [(1, RulingVerdict.REFUTED), (2, RulingVerdict.INCONCLUSIVE)])
def test_with_fewer_than_two_thirds_of_the_planned_trials_there_is_no_verdict(
    tmp_path: Path, lost: int, verdict: RulingVerdict
) -> None:
    tutorial = list(trials("orm-transfer", [-70, 12, -3]))
    for built in [one for one in tutorial if one.scenario.name == "tellers"][:lost]:
        built.state, built.reason = TrialState.FAILED, "PostgreSQL had no room"
        built.requests, built.marks, built.readings, built.bank = [], [], [], None
    report = rule_all(
        evidence_of(tmp_path, {"transfers": [*trials("sync-pool", [0, 0, 0]), *tutorial]}), ["transfer-atomic"]
    )
    (found,) = report.rulings
    assert (found.verdict, found.trials, found.planned) == (verdict, 12 - lost, 12)
    for text in (render_terminal(report), render_markdown(report), render_html(report)):
        assert f"From {12 - lost} of 12 trials" in text
    if lost == 2:
        assert found.said == (
            "Only 1 of 3 trials of orm-transfer under tellers can be used (PostgreSQL had no room)."
        )


def test_trials_that_have_no_folder_were_planned_all_the_same(tmp_path: Path) -> None:
    folder = write_claims(
        tmp_path, {"transfers": [*trials("sync-pool", [0, 0, 0]), *trials("orm-transfer", [-70, 12, -3])]}
    )
    gone = sorted((folder / "transfers" / "trials").glob("*tellers-orm-transfer*"))[:2]
    for one in gone:
        shutil.rmtree(one)
    (found,) = rule_all(read_evidence(folder), ["transfer-atomic"]).rulings
    assert (found.verdict, found.trials, found.planned) == (RulingVerdict.INCONCLUSIVE, 10, 12)


def linked(tmp_path: Path) -> tuple[Path, Path]:
    """A folder of claims whose run is a link to one elsewhere, and that other one."""
    elsewhere = write_claims(
        tmp_path / "elsewhere", {"transfers": [*trials("sync-pool", [0]), *trials("orm-transfer", [-70])]}
    )
    folder = tmp_path / "claims"
    folder.mkdir()
    (folder / CLAIMS_FILE).write_text((elsewhere / CLAIMS_FILE).read_text())
    (folder / "transfers").symlink_to(elsewhere / "transfers", target_is_directory=True)
    return folder, elsewhere


def files(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}


def test_a_run_behind_a_link_is_neither_read_nor_written_to(tmp_path: Path) -> None:
    folder, elsewhere = linked(tmp_path)
    before = files(elsewhere)
    evidence = read_evidence(folder)
    report = rule_all(evidence)
    verdict, said = ruling(report, "transfer-atomic")
    assert (verdict, "transfers is a symbolic link" in said) == (RulingVerdict.INCONCLUSIVE, True)
    write_claims_reports(report, evidence, folder)
    assert files(elsewhere) == before


@pytest.mark.parametrize("leads", ["elsewhere", "nowhere"])
def test_a_link_where_a_report_is_to_go_is_refused_before_anything_is_written(tmp_path: Path, leads: str) -> None:
    evidence = evidence_of(
        tmp_path / "claims", {"transfers": [*trials("sync-pool", [0]), *trials("orm-transfer", [-70])]}
    )
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    (out / "transfers").symlink_to(tmp_path / leads, target_is_directory=True)
    with pytest.raises(
        RunDirectoryError, match="is a symbolic link, which is not written through; remove"
    ) as raised:
        write_claims_reports(rule_all(evidence), evidence, out)
    assert "\n" not in str(raised.value)
    assert [path.name for path in out.iterdir()] == ["transfers"]
    assert (list(elsewhere.iterdir()), (tmp_path / "nowhere").exists()) == ([], False)


def test_reports_that_are_links_are_replaced_and_not_followed(tmp_path: Path) -> None:
    evidence = evidence_of(
        tmp_path / "claims", {"transfers": [*trials("sync-pool", [0]), *trials("orm-transfer", [-70])]}
    )
    out, mine = tmp_path / "out", tmp_path / "mine"
    (out / "transfers").mkdir(parents=True)
    mine.write_text("mine")
    links = [out / "claims.html", out / "transfers" / "report.html"]
    links += [path.with_name(f".{path.name}.{os.getpid()}.tmp") for path in links]
    for link in links:
        link.symlink_to(mine)
    write_claims_reports(rule_all(evidence), evidence, out)
    assert mine.read_text() == "mine"
    assert not any(link.is_symlink() for link in links)
