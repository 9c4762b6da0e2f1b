"""From a gate's folder to its verdict and its texts."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness.errors import RunDirectoryError
from harness.records import (
    Bank,
    Conformance,
    GateRecord,
    GateSide,
    GeneratorReading,
    Manifest,
    Outcome,
    Place,
    RouteCost,
    RunState,
    Side,
    TargetInfo,
    TrialState,
)
from reports.analysis.folding import observe
from reports.analysis.oracles import oracle_results
from reports.calibration.standing import stands_on
from reports.gate.acceptances import Acceptance
from reports.gate.formats import render_junit, render_markdown, render_terminal, workflow_commands, write_gate
from reports.gate.report import GateReport, judge_folder
from reports.gate.result import Row
from reports.gate.verdicts import Inconclusive, Verdict
from reports.read import read_run
from reports.summary import OracleVerdict
from scenarios.model import Check, Scenario
from tests.unit.reports.builder import Request, TrialBuilder, ns, one_phase, write_document, write_run
from tests.unit.reports.calibration.made import HERE, calibration, noise, outcome

PAIRS = 12
TODAY = date(2026, 6, 1)
SCENARIO = Scenario(
    name="gate",
    title="Side by side",
    question="?",
    phases=(one_phase(duration_s=2.0, rate_per_s=100),),
    checks=(Check(kind="money-is-conserved"), Check(kind="no-errors-outside-faults")),
)
Plant = Callable[[TrialBuilder], None]


def nothing(_: TrialBuilder) -> None:
    """The head is as the base."""


def gate_folder(
    path: Path, plant: Plant = nothing, *, both: Plant = nothing, pairs: int = PAIRS, **changes: object
) -> Path:
    trials = []
    for pair in range(1, pairs + 1):
        for side, place in (("base", Side.BASE), ("head", Side.HEAD)):
            trial = _trial(pair, side, place)
            both(trial)
            if side == "head":
                plant(trial)
            trials.append(trial)
    gate = GateRecord(
        base=GateSide(name="shop", revision="a" * 40, says="Before"),
        head=GateSide(name="shop", revision="b" * 40, says="After <b>"),
        pairs=(pairs, pairs),
    )
    return write_run(path, trials, control="base", **{"gate": gate, **changes})


def _trial(pair: int, side: str, place: Side) -> TrialBuilder:
    rng = random.Random(f"{pair} {side}")
    info = TargetInfo(name=side, title="shop", teaches="", place=Place(pair="shop", side=place, position=1))
    trial = TrialBuilder(SCENARIO, info, repetition=pair)
    trial.mark_phases()
    bias = 1 + rng.uniform(-0.01, 0.01)
    trial.requests = [
        Request("steady", 0.01 * number, 8 * bias * rng.uniform(0.9, 1.1), operation=("read", "write")[number % 2])
        for number in range(200)
    ]
    trial.readings = [
        GeneratorReading(
            t_ns=ns(0.1 * number), phase="steady", users=0, in_flight=1, started_total=10 * number,
            completed_total=10 * number, not_started_total=0, late_max_ms=0.1,
        )
        for number in range(1, 21)
    ]  # fmt: skip
    trial.route_costs = (
        RouteCost(route="read", requests=2, statements=2, checkouts=2, opened=0, pings=2, round_trips=3),
        RouteCost(route="write", requests=2, statements=6, checkouts=2, opened=0, pings=2, round_trips=6),
    )
    trial.bank = Bank(
        total_before_cents=100, total_after_cents=100, transfers_stored=0, transfers_acknowledged=0,
        negative_balances=0,
    )  # fmt: skip
    return trial


def judged(path: Path, plant: Plant = nothing, **options: object) -> GateReport:
    return judge_folder(gate_folder(path / "gate", plant, **options), today=TODAY)  # type: ignore[arg-type]


def row(report: GateReport, route: str, metric: str) -> Row:
    return next(one for one in report.result.rows if (one.route, one.metric) == (route, metric))


def slower(trial: TrialBuilder) -> None:
    trial.requests = [
        Request(one.phase, one.sent_s, one.latency_ms * 1.3, operation=one.operation) for one in trial.requests
    ]


def one_statement_more(trial: TrialBuilder) -> None:
    read, write = trial.route_costs
    trial.route_costs = (read.model_copy(update={"statements": 4, "round_trips": 4}), write)


def money_made(trial: TrialBuilder) -> None:
    if trial.repetition == 5 and trial.bank is not None:
        trial.bank = trial.bank.model_copy(update={"total_after_cents": 101})


def wrong(name: str) -> Plant:
    """Asked before the load, the head answers this one wrongly."""

    def plant(trial: TrialBuilder) -> None:
        trial.conformance = (Conformance(when="before", name=name, passed=False, detail="2 instead of 1."),)

    return plant


def test_a_head_that_answers_wrongly_is_broken(tmp_path: Path) -> None:
    report = judged(tmp_path, wrong("read-user"))
    assert (Verdict.BROKEN, 4) == (report.result.verdict, report.exit_code())
    (breach, *_) = report.result.breaches
    assert ("answers-right", "read-user was answered wrongly before the load (2 instead of 1)") == (
        breach.name, breach.said,
    )  # fmt: skip


def waited_once(trial: TrialBuilder) -> None:
    """One connection came two seconds late, of one that the pool's timeout allows."""
    trial.target = trial.target.model_copy(update={"settings": {"pool_timeout_s": 1.0}})
    trial.requests[5] = replace(trial.requests[5], latency_ms=2100.0, acquire_ms=2000.0)


def test_one_slow_moment_of_the_machine_breaks_nothing(tmp_path: Path) -> None:
    folder = gate_folder(tmp_path / "gate", waited_once)
    head = next(trial for trial in read_run(folder).trials if trial.record.spec.target == "head")
    told = {one.oracle: one.verdict for one in oracle_results([observe(SCENARIO, head, True)])}
    assert OracleVerdict.BROKEN is told["acquire"]
    assert not judge_folder(folder, today=TODAY).result.breaches


def test_an_answer_that_did_not_come_in_time_is_not_a_wrong_one(tmp_path: Path) -> None:
    def slow_before(trial: TrialBuilder) -> None:
        trial.conformance = (
            Conformance(when="before", name="transfer", passed=False, detail="no answer within 5 s"),
            Conformance(when="before", name="transfer-moves-once", passed=False, detail="by [0, 0]"),
        )

    assert not judged(tmp_path, slow_before).result.breaches


@pytest.mark.parametrize("name", ["statements-per-read", "pings-per-checkout", "server-timing"])
def test_other_costs_than_the_contracts_are_for_the_counts_to_judge(name: str, tmp_path: Path) -> None:
    assert not judged(tmp_path, wrong(name)).result.breaches


def test_the_same_thing_twice_is_not_called_worse(tmp_path: Path) -> None:
    report = judged(tmp_path)
    assert report.result.verdict in (Verdict.PASS, Verdict.INCONCLUSIVE)
    assert Verdict.PASS is row(report, "all", "p50").verdict
    assert not [one for one in report.result.rows if one.verdict in (Verdict.REGRESSED, Verdict.BROKEN)]


def test_a_slower_head_is_called_worse_on_its_routes_and_ends_with_4(tmp_path: Path) -> None:
    report = judged(tmp_path, slower)
    assert (Verdict.REGRESSED, 4) == (report.result.verdict, report.exit_code())
    for route in ("all", "read", "write"):
        assert Verdict.REGRESSED is row(report, route, "p50").verdict
    assert 1.25 < row(report, "all", "p50").head / row(report, "all", "p50").base < 1.35  # type: ignore[operator]
    assert Verdict.PASS is row(report, "read", "statements").verdict


def test_one_statement_more_on_one_route_is_found_there_and_nowhere_else(tmp_path: Path) -> None:
    report = judged(tmp_path, one_statement_more)
    worse = {(one.route, one.metric) for one in report.result.rows if one.verdict is Verdict.REGRESSED}
    assert {("read", "statements"), ("read", "round trips")} == worse


def test_money_made_once_breaks_the_head(tmp_path: Path) -> None:
    report = judged(tmp_path, money_made)
    assert (Verdict.BROKEN, 4) == (report.result.verdict, report.exit_code())
    assert {"bank", "money-is-conserved"} == {one.metric for one in report.result.rows[:2]}


def test_a_head_that_ends_by_itself_in_most_pairs_is_worse_and_not_only_invalid(tmp_path: Path) -> None:
    def crashes(trial: TrialBuilder) -> None:
        trial.state, trial.reason = TrialState.INVALID, "during the trial target head ended with 1"
        trial.subject_ended = "target head ended with 1"

    report = judged(tmp_path, crashes)
    assert Verdict.REGRESSED is report.result.verdict
    assert any("crash" in one.metric for one in report.result.rows if one.verdict is Verdict.REGRESSED)


def test_pairs_that_are_missing_are_invalid_and_never_pass(tmp_path: Path) -> None:
    def fails(trial: TrialBuilder) -> None:
        trial.state, trial.reason = TrialState.FAILED, "the machine was restarted"

    report = judged(tmp_path, fails)
    assert (Verdict.INVALID, 5) == (report.result.verdict, report.exit_code())
    cut = gate_folder(tmp_path / "cut", state=RunState.INTERRUPTED)
    assert "not all planned pairs were run: interrupted" in render_terminal(judge_folder(cut, today=TODAY))


def test_a_route_that_is_new_is_named_and_not_compared(tmp_path: Path) -> None:
    def adds(trial: TrialBuilder) -> None:
        trial.requests += [Request("steady", 0.01 * n, 5.0, operation="search") for n in range(100)]

    report = judged(tmp_path, adds)
    assert any("search" in one for one in report.result.appeared)
    assert not [one for one in report.result.rows if one.route == "search"]
    assert "only the head has" in render_terminal(report)


def test_an_open_verdict_fails_unless_it_is_to_warn(tmp_path: Path) -> None:
    def noisy(trial: TrialBuilder) -> None:
        factor = random.Random(f"noise {trial.repetition}").uniform(0.7, 1.6)
        trial.requests = [
            Request(one.phase, one.sent_s, one.latency_ms * factor, operation=one.operation)
            for one in trial.requests
        ]

    report = judged(tmp_path, noisy)
    assert Verdict.INCONCLUSIVE is report.result.verdict
    assert (3, 0) == (report.exit_code(), report.exit_code(Inconclusive.WARN))


def test_texts_put_the_worst_first_on_one_screen(tmp_path: Path) -> None:
    report = judged(tmp_path, slower)
    markdown, terminal = render_markdown(report), render_terminal(report, width=100)
    assert len(markdown.splitlines()) < 45
    first = next(line for line in markdown.splitlines() if line.startswith("| regressed"))
    assert "p50" in first
    assert "shop at aaaaaaaaaa (Before)" in terminal
    assert "<b>" not in markdown
    assert max(map(len, terminal.splitlines())) <= 100


def test_junit_tells_failures_from_what_is_open_and_what_is_invalid(tmp_path: Path) -> None:
    root = ElementTree.fromstring(render_junit(judged(tmp_path, slower)))
    failed = [case for case in root if case.find("failure") is not None]
    assert int(root.attrib["failures"]) == len(failed) > 0
    assert int(root.attrib["tests"]) == len(root)
    invalid = ElementTree.fromstring(render_junit(judged(tmp_path / "x", lambda t: setattr(t, "state", "failed"))))
    assert int(invalid.attrib["errors"]) > 0


def test_annotations_name_what_is_worse_each_on_one_line(tmp_path: Path) -> None:
    lines = workflow_commands(judged(tmp_path, slower)).splitlines()
    assert lines[0].startswith("::error title=poolstorm regressed::")
    assert all(line.startswith("::") and "%25" in line for line in lines if "slower" in line)


def test_the_files_are_written_and_gate_json_reads_back(tmp_path: Path) -> None:
    report = judged(tmp_path, slower)
    paths = write_gate(report, tmp_path / "out")
    assert {"gate.json", "gate.md", "gate.xml"} == {path.name for path in paths}
    assert report == GateReport.model_validate_json((tmp_path / "out" / "gate.json").read_text())


def test_a_run_that_is_no_gate_is_refused(tmp_path: Path) -> None:
    folder = gate_folder(tmp_path / "run", gate=None)
    with pytest.raises(RunDirectoryError, match="is no gate's folder"):
        judge_folder(folder, today=TODAY)


def test_errors_of_the_head_alone_in_every_pair_are_worse(tmp_path: Path) -> None:
    def fails_once(trial: TrialBuilder) -> None:
        trial.requests[7] = Request(
            "steady", 0.07, 3.0, outcome=Outcome.FAILED, kind="http-500", operation="write"
        )

    report = judged(tmp_path, fails_once)
    assert Verdict.REGRESSED is report.result.verdict


def test_the_header_says_what_is_known_of_the_gates_errors(tmp_path: Path) -> None:
    unknown = judged(tmp_path)
    assert "not calibrated: how often this gate errs has not been measured" in render_markdown(unknown)
    made = calibration(outcome(1), outcome(2, "regressed"), noise=(noise("p50", 0.02),), family=10)
    known = unknown.model_copy(update={"stands_on": (stands_on(made, HERE, "given"),)})
    for text in (render_markdown(known), render_terminal(known, width=200)):
        assert "calibration aa-1: false alarms: 1 of 2 gates, at most 97.5 %" in text
        assert "finds in 95 of 100 gates" in text
        assert "not calibrated" not in text


def broken_before(path: Path) -> Path:
    """A gate whose head could not be measured: a manifest, and no trial."""
    sides = {"base": GateSide(name="shop"), "head": GateSide(name="shop", revision="b" * 40)}
    why = "head cannot be measured: target head ended with 7 before it was ready: out of <cheese>"
    folder = gate_folder(path, gate=GateRecord(**sides, pairs=(12, 20), broken_before=why), pairs=1)
    shutil.rmtree(folder / "trials")
    manifest = Manifest.model_validate_json((folder / "manifest.json").read_text(), extra="ignore")
    write_document(folder / "manifest.json", manifest.model_copy(update={"trials": ()}))
    return folder


def test_a_head_that_could_not_be_measured_is_broken_in_every_file(tmp_path: Path) -> None:
    report = judge_folder(broken_before(tmp_path / "gate"), today=TODAY)
    assert (Verdict.BROKEN, 4, 0) == (report.result.verdict, report.exit_code(), report.result.pairs)
    write_gate(report, tmp_path / "out")
    junit = ElementTree.fromstring((tmp_path / "out" / "gate.xml").read_text())
    assert ("1", "1") == (junit.attrib["tests"], junit.attrib["failures"])
    for name in ("gate.json", "gate.md", "gate.xml"):
        assert "out of " in (tmp_path / "out" / name).read_text()
    terminal = render_terminal(report)
    assert "no pair was run: the head was tried before, twice, and its base was fine" in " ".join(terminal.split())
    assert "sign flips" not in terminal
    assert terminal.startswith("BROKEN: the head cannot be measured, and its base can")
    assert "::error title=poolstorm broken::preflight: head cannot be measured" in workflow_commands(report)


def test_nobody_accepts_that_nothing_could_be_measured(tmp_path: Path) -> None:
    acceptances = [Acceptance(pattern="shop/*preflight", reason="known", expires=TODAY)]
    report = judge_folder(broken_before(tmp_path / "gate"), today=TODAY, acceptances=acceptances)
    assert Verdict.BROKEN is report.result.verdict


def test_the_header_says_how_the_sides_differ(tmp_path: Path) -> None:
    def small(trial: TrialBuilder) -> None:
        trial.target = trial.target.model_copy(
            update={"settings": {"pool_size": 5}, "given": {"MODE": "<b>fast", "API_KEY": "*** (another)"}}
        )

    def usual(trial: TrialBuilder) -> None:
        trial.target = trial.target.model_copy(
            update={"settings": {"pool_size": 10}, "given": {"MODE": "slow", "API_KEY": "***"}}
        )

    report = judged(tmp_path, small, both=usual)
    line = "they differ (base / head) in pool_size (10 / 5), MODE (slow / <b>fast), API_KEY (*** / *** (another))"
    assert line in render_terminal(report, width=200)
    assert "they differ" in render_markdown(report)
    assert "<b>" not in render_markdown(report)
    assert [("pool_size", "10", "5")] == [(one.name, one.base, one.head) for one in report.differences[:1]]


def test_a_gate_of_a_thing_against_itself_says_so(tmp_path: Path) -> None:
    record = GateRecord(base=GateSide(name="shop"), head=GateSide(name="shop"), pairs=(12, 12))
    assert "nothing differs between them" in render_terminal(judged(tmp_path, gate=record), width=200)
    assert "nothing differs" not in render_terminal(judged(tmp_path / "x"), width=200), "revisions do"
