"""Each circumstance that limits the figures is told, once, and only where it holds."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from harness.records import GeneratorReading, HostReading, RunState, TrialState
from reports.analyse import analyse
from reports.read import read_run
from reports.summary import Caveat
from scenarios.model import Phase, Scenario
from tests.unit.reports.builder import Request, TrialBuilder, ns, one_phase, target_info, write_run

WARM = Phase(name="warm-up", duration_s=0.5, users=1, warmup=True)
SCENARIO = Scenario(
    name="plain", title="Plain", question="?", phases=(WARM, one_phase(duration_s=10, rate_per_s=1000))
)


def quiet_trials() -> list[TrialBuilder]:
    """Two targets, three repetitions, 10,000 requests each: nothing to complain of."""
    trials = []
    for name in ("a", "b"):
        for repetition in (1, 2, 3):
            trial = TrialBuilder(SCENARIO, target_info(name, {"pool_size": 10, "max_overflow": 5}), repetition)
            trial.mark_phases()
            trial.requests += [Request("steady", 5.0, 4)] * 10_000
            trials.append(trial)
    return trials


def caveats_of(path: Path, trials: list[TrialBuilder], **manifest: object) -> dict[str, Caveat]:
    run = write_run(path / "run", trials, **manifest)  # type: ignore[arg-type]
    found = analyse(read_run(run)).caveats
    assert len({(caveat.code, caveat.scope) for caveat in found}) == len(found)
    return {caveat.code: caveat for caveat in found}


def generator(phase: str, late_max_ms: float, not_started: int = 0) -> GeneratorReading:
    return GeneratorReading(
        t_ns=ns(1.0), phase=phase, users=0, in_flight=0, started_total=0, completed_total=0,
        not_started_total=not_started, late_max_ms=late_max_ms,
    )  # fmt: skip


def host(cpu_percent: float, steal_percent: float = 0.0) -> HostReading:
    return HostReading(
        t_ns=ns(1.0), cpu_percent=cpu_percent, steal_percent=steal_percent, )  # fmt: skip


def test_nothing_to_complain_of_means_no_caveat(tmp_path: Path) -> None:
    trials = quiet_trials()
    trials[0].readings += [generator("steady", 49.0), generator("warm-up", 400.0), host(80, 1.0)]
    trials[0].mark_fault("steady/1:latency", planned_s=1, heal_planned_s=2, takes_s=0.049)

    assert caveats_of(tmp_path, trials) == {}


def fault(takes_s: float) -> Callable[[TrialBuilder], object]:
    return lambda trial: trial.mark_fault("steady/1:latency", planned_s=1, heal_planned_s=2, takes_s=takes_s)


@pytest.mark.parametrize(
    ("code", "change", "words"),
    [
        ("generator-late", lambda trial: trial.readings.append(generator("steady", 51)), "51 ms late"),
        (
            "not-started",
            lambda trial: (fault(0.0)(trial), trial.readings.append(generator("steady", 1, 12))),
            "12 requests were kept back",
        ),
        ("host-busy", lambda trial: trial.readings.append(host(91)), "91 % busy"),
        ("host-steal", lambda trial: trial.readings.append(host(10, 3.5)), "3.5 %"),
        ("fault-late", fault(0.06), "at worst 60 ms"),
    ],
)
def test_circumstance_of_a_target_is_told_with_its_scope(
    tmp_path: Path, code: str, change: Callable[[TrialBuilder], object], words: str
) -> None:
    trials = quiet_trials()
    change(trials[3])

    found = caveats_of(tmp_path, trials)

    assert list(found) == [code]
    assert found[code].scope == "plain/b"
    assert words in found[code].text
    assert found[code].advice


@pytest.mark.parametrize("state", [TrialState.FAILED, TrialState.ABORTED, TrialState.INVALID])
def test_trial_that_was_not_completed_is_told_with_its_reason(tmp_path: Path, state: TrialState) -> None:
    trials = quiet_trials()
    trials[1].state, trials[1].reason = state, "the target died."

    caveat = caveats_of(tmp_path, trials)[f"trial-{state.value}"]

    assert caveat.scope == "plain/a"
    assert caveat.text.startswith("Repetition 2 ")
    assert caveat.text.endswith(": the target died.")


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (RunState.INTERRUPTED, "1 of 6 planned trials were not run: 002-plain-a-r3."),
        (
            RunState.FINISHED,
            "The run finished, and the folders of 1 of 6 planned trials are no longer there: 002-plain-a-r3.",
        ),
    ],
)
def test_missing_and_partial_trials_are_told(tmp_path: Path, state: RunState, text: str) -> None:
    run = write_run(tmp_path / "run", quiet_trials(), state=state)
    folder = run / "trials" / "002-plain-a-r3"
    folder.rename(folder.with_name(".partial-002-plain-a-r3"))

    found = {caveat.code: caveat.text for caveat in analyse(read_run(run)).caveats}

    assert found["trials-missing"] == text
    assert "trial-partial" in found


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.INTERRUPTED])
def test_run_that_did_not_finish_is_told(tmp_path: Path, state: RunState) -> None:
    assert state.value in caveats_of(tmp_path, quiet_trials(), state=state)["run-unfinished"].text


def test_why_a_run_was_cut_short_is_told(tmp_path: Path) -> None:
    found = caveats_of(tmp_path, quiet_trials(), state=RunState.CUT_SHORT, reason="the disk is full; make room")
    assert found["run-unfinished"].text.endswith("cut-short, not as finished: the disk is full; make room.")


def test_what_the_harness_remarked_of_a_trial_is_told(tmp_path: Path) -> None:
    trials = quiet_trials()
    trials[1].notes = ("PostgreSQL lost its sessions",)
    caveat = caveats_of(tmp_path, trials)["trial-note"]
    assert ("plain/a", "Repetition 2, PostgreSQL lost its sessions.") == (caveat.scope, caveat.text)


def test_fewer_than_three_repetitions_are_told(tmp_path: Path) -> None:
    trials = [trial for trial in quiet_trials() if trial.repetition < 3]

    assert "2 times" in caveats_of(tmp_path, trials)["few-repetitions"].text


def test_few_requests_are_told_once(tmp_path: Path) -> None:
    trials = quiet_trials()
    for trial in trials[:3]:
        trial.requests = trial.requests[:300]

    # Of two phases that count, one has 900 requests and the other 30,000.
    text = caveats_of(tmp_path, trials)["few-requests"].text
    assert text.startswith("Of 2 phases, 1 have fewer than 10,000 successes and 1 fewer than 1,000")


def test_unequal_settings_are_told_once_and_point_to_the_ledger(tmp_path: Path) -> None:
    trials = quiet_trials()
    for trial in trials[3:]:
        trial.target = target_info("b", {"pool_size": 20, "max_overflow": 5})

    assert caveats_of(tmp_path, trials)["settings-differ"].text == (
        "The compared targets differ in connections allowed and pool size; the ledger lists the values."
    )


def test_pool_overrides_are_named(tmp_path: Path) -> None:
    trials = quiet_trials()
    for trial in trials:
        trial.scenario = SCENARIO.model_copy(update={"pool": {"pool_timeout_s": 0.1}})

    caveat = caveats_of(tmp_path, trials)["pool-overrides"]

    assert (caveat.scope, "pool_timeout_s = 0.1" in caveat.text) == ("plain", True)


def test_what_holds_in_several_places_is_told_once(tmp_path: Path) -> None:
    trials = quiet_trials()
    trials[0].readings.append(host(95))
    trials[3].readings.append(host(97))

    caveat = caveats_of(tmp_path, trials)["host-busy"]

    assert (caveat.scope, caveat.places) == ("run", ("plain/a", "plain/b"))
    assert caveat.text.endswith("up to 97 % busy on average, under every scenario and target.")


def test_places_are_listed_where_it_does_not_hold_in_all(tmp_path: Path) -> None:
    trials = quiet_trials()
    for number in (1, 2, 3):
        one = TrialBuilder(SCENARIO, target_info("c", {"pool_size": 10, "max_overflow": 5}), number)
        one.mark_phases()
        one.requests += [Request("steady", 5.0, 4)] * 10_000
        trials.append(one)
    trials[0].readings.append(host(95))
    trials[6].readings.append(host(97))

    assert caveats_of(tmp_path, trials)["host-busy"].text.endswith(", in plain/a and plain/c.")


def test_kind_of_caveat_that_crashes_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(_: object) -> list[Caveat]:
        raise KeyError("lag")

    monkeypatch.setattr(import_module("reports.analysis.caveats"), "_about_lag", crash)

    assert "KeyError: 'lag'" in caveats_of(tmp_path, quiet_trials())["caveat-failed"].text
