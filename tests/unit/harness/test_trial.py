"""The order of a trial and what becomes of a run, on a stage without a single real part."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from harness.environment.limits import ConnectionLimits
from harness.environment.parts import Parts
from harness.errors import EnvironmentSetupError, LoginUnavailableError, OutputError, TrialFailedError
from harness.journal import Journal
from harness.load.messages import LoadAccount
from harness.plan import Plan, build_plan
from harness.planning.wish import parse_plan
from harness.records import Outcome, RunState, TrialRecord, TrialState
from harness.run import Ground, Nobody, run_trials
from harness.scene import Scene, Setup, Witness
from harness.store import RunStore, TrialFolder
from harness.subject import Capability
from scenarios.model import PRIMARY_LINK

DONE = LoadAccount(
    started=3,
    completed=3,
    not_started=0,
    aborted=0,
    acknowledged_transfers=0,
    cpu_s=0.1,
    requests={Outcome.OK: 3},
    recorded={Outcome.OK: 3},
)
PLAN = {
    "targets": ["sync-pool"],
    "scenarios": ["quick"],
    "repetitions": 3,
    "aa": False,
    "scenario": {
        "quick": {
            "base": "baseline",
            "phases": [
                {
                    "name": "only",
                    "duration_s": 1,
                    "arrivals": {"rate_per_s": 3},
                    "faults": [{"kind": "proxy-down", "at_s": 0, "duration_s": 0.05}],
                }
            ],
        }
    },
}


@dataclass
class FakeLink:
    """A link that nobody listens behind: refused from the start, and so proved to be down at once."""

    said: list[str]
    host: str = "127.0.0.1"
    port: int = 9
    name: str = PRIMARY_LINK

    def add_toxic(self, *_: object, **__: object) -> None: ...

    def remove_toxic(self, name: str) -> None: ...

    def disable(self) -> None:
        self.said.append("disable")

    def enable(self) -> None:
        self.said.append("enable")


@dataclass
class FakeLoad:
    said: list[str]
    folder: TrialFolder
    phase_ends: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)

    def start(self, origin_ns: int) -> None:
        assert origin_ns > 0
        self.said.append("start")

    def wait_drained(self) -> None:
        deadline_s = time.monotonic() + 10.0
        while "enable" not in self.said and time.monotonic() < deadline_s:
            time.sleep(0.01)
        self.said.append("drained")

    def wait(self) -> LoadAccount:
        self.folder.latency_file.write_text("")
        self.said.append("done")
        return DONE


@dataclass
class FakeDatabase:
    name: str = "nowhere"
    url: str = ""
    admin_url: str = ""

    def transactions(self) -> int:
        return 7

    def totals(self) -> None:
        return None

    def connection_limits(self) -> ConnectionLimits:
        return ConnectionLimits(100, None, None, 1, 1, 0)


class Asked(Witness):
    """Says when it is asked."""

    number = 1

    def _say(self, what: str) -> None:
        said = self.scene.url
        assert isinstance(said, str)
        STAGES[said].said.append(f"{what} {self.number}")

    def before(self) -> None:
        self._say("before")

    def drained(self) -> None:
        self._say("drained")

    def after(self, account: LoadAccount) -> None:
        assert DONE == account
        self._say("after")

    def ended(self) -> None:
        self._say("ended")

    def tell(self, record: TrialRecord) -> TrialRecord:
        return record.model_copy(update={"notes": (*record.notes, f"told by {self.number}")})

    def close(self) -> None:
        self._say("close")


class AskedToo(Asked):
    number = 2


STAGES: dict[str, FakeStage] = {}


@dataclass
class FakeStage:
    """A stage that keeps a diary; `fails_in` names what goes wrong with which trial."""

    said: list[str] = field(default_factory=list)
    fails_in: dict[str, Exception] = field(default_factory=dict)
    subject_ended: str = ""

    def __post_init__(self) -> None:
        STAGES[f"stage-{id(self)}"] = self

    @contextmanager
    def set(self, setup: Setup, folder: TrialFolder, journal: Journal) -> Iterator[Scene]:
        if setup.trial_id in self.fails_in:
            raise self.fails_in[setup.trial_id]
        self.said.append("up")
        yield Scene(
            setup=replace(setup, subject=replace(setup.subject, capabilities=frozenset[Capability]())),
            url=f"stage-{id(self)}",
            load=FakeLoad(self.said, folder),
            database=FakeDatabase(),
            parts=Parts({PRIMARY_LINK: FakeLink(self.said)}),
            processes={},
            gauges=(),
            journal=journal,
            subject_ended=lambda: self.subject_ended,
            end_subject=lambda: self.said.append("subject ends"),
            log_path=Path("target.log"),
            starting_s={"all": 0.0},
        )
        self.said.append("down")

    def witnesses(self, scene: Scene) -> Sequence[Witness]:
        return Asked(scene), AskedToo(scene)


GROUND = Ground(check=lambda: None, redact=lambda text: text.replace("secret", "***"))


@pytest.fixture
def plan() -> Plan:
    return build_plan(parse_plan(PLAN, "here"))


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore.create(tmp_path / "run")


def records(store: RunStore, plan: Plan) -> list[TrialRecord]:
    paths = [store.path / "trials" / spec.id / "trial.json" for spec in plan.trials]
    return [TrialRecord.model_validate_json(path.read_text()) for path in paths if path.exists()]


def run(plan: Plan, store: RunStore, stage: FakeStage, ground: Ground = GROUND) -> tuple[RunState, str]:
    return run_trials(plan, store, stage, ground, Nobody())


def test_witnesses_are_asked_around_the_load_and_faults_are_healed_within_it(plan: Plan, store: RunStore) -> None:
    stage = FakeStage()
    single = replace(plan, trials=plan.trials[:1])
    assert (RunState.FINISHED, "") == run(single, store, stage)
    faults = [what for what in stage.said if what in ("disable", "enable")]
    order = [what for what in stage.said if what not in ("disable", "enable")]
    assert [
        *("up", "before 1", "before 2", "start", "drained", "drained 2", "drained 1", "done"),
        *("after 2", "after 1", "subject ends", "ended 1", "ended 2", "close 1", "close 2", "down"),
    ] == order
    assert ["disable", "enable"] == faults
    (record,) = records(store, single)
    assert ("told by 1", "told by 2") == record.notes
    assert (TrialState.COMPLETED, {"all": 0.0}) == (record.state, record.starting_s)


def test_the_streams_of_a_trial_are_closed_with_their_counts(plan: Plan, store: RunStore) -> None:
    run(replace(plan, trials=plan.trials[:1]), store, FakeStage())
    (record,) = records(store, plan)
    assert record.closing is not None
    folder = store.path / "trials" / plan.trials[0].id
    assert {"latency.hlog", "marks.jsonl", "readings.jsonl"} == set(record.closing.streams)
    for name, stream in record.closing.streams.items():
        assert stream.lines == len((folder / name).read_text().splitlines())
    assert (3, 0) == (record.closing.started, record.closing.not_started)


def test_a_trial_that_fails_is_told_without_secrets_and_the_next_one_runs(plan: Plan, store: RunStore) -> None:
    stage = FakeStage(fails_in={plan.trials[1].id: TrialFailedError("the\nsecret is out")})
    assert (RunState.FINISHED, "") == run(plan, store, stage)
    assert [TrialState.COMPLETED, TrialState.FAILED, TrialState.COMPLETED] == [
        r.state for r in records(store, plan)
    ]
    assert "the *** is out" == records(store, plan)[1].reason


def test_a_login_that_cannot_be_had_leaves_its_own_trials_out_and_the_others_run(
    plan: Plan, store: RunStore
) -> None:
    why = "the login 'tls' cannot be had: this build of PostgreSQL knows no TLS; name binaries that do"
    stage = FakeStage(fails_in={plan.trials[0].id: LoginUnavailableError(why)})
    assert (RunState.FINISHED, "") == run(plan, store, stage)
    assert [(TrialState.FAILED, why), (TrialState.COMPLETED, ""), (TrialState.COMPLETED, "")] == [
        (record.state, record.reason) for record in records(store, plan)
    ]


def test_a_subject_that_ends_by_itself_during_its_trial_makes_it_invalid(plan: Plan, store: RunStore) -> None:
    single = replace(plan, trials=plan.trials[:1])
    assert (RunState.FINISHED, "") == run(single, store, FakeStage(subject_ended="target x was ended by SIGKILL"))
    (record,) = records(store, single)
    assert (TrialState.INVALID, "during the trial target x was ended by SIGKILL") == (
        record.state,
        record.reason,
    )


def test_a_part_that_has_gone_cuts_the_run_short_and_says_so(plan: Plan, store: RunStore) -> None:
    def gone() -> None:
        raise EnvironmentSetupError("PostgreSQL is gone; start it")

    stage = FakeStage(fails_in={plan.trials[1].id: TrialFailedError("no answer")})
    ended = run(plan, store, stage, replace(GROUND, check=gone))
    assert (RunState.CUT_SHORT, "PostgreSQL is gone; start it") == ended
    assert [TrialState.COMPLETED, TrialState.FAILED] == [r.state for r in records(store, plan)]


@pytest.mark.parametrize("error", [OutputError("the disk is full; make room"), KeyboardInterrupt()])
def test_what_had_finished_stays_where_the_output_fails_or_the_user_ends_it(
    plan: Plan, store: RunStore, error: Exception
) -> None:
    stage = FakeStage(fails_in={plan.trials[2].id: error})
    state, reason = run(plan, store, stage)
    if isinstance(error, OutputError):
        assert (RunState.CUT_SHORT, "the disk is full; make room") == (state, reason)
    else:
        assert (RunState.INTERRUPTED, "") == (state, reason)
    assert [TrialState.COMPLETED] * 2 == [record.state for record in records(store, plan)]
    assert sorted(spec.id for spec in plan.trials[:2]) == sorted(
        path.name for path in (store.path / "trials").iterdir()
    )


def test_an_output_that_was_removed_cuts_the_run_short(plan: Plan, store: RunStore) -> None:
    stage = FakeStage()
    (store.path / "trials").rmdir()
    state, reason = run(plan, store, stage)
    assert RunState.CUT_SHORT is state
    assert "can no longer be written (No such file or directory); make room or mend its permissions" in reason
    assert [] == stage.said


def at_once(plan: Plan) -> Plan:
    """The first two trials as one block, and the third alone."""
    first, second, third = plan.trials
    return replace(
        plan,
        trials=(
            first.model_copy(update={"block": 1}),
            second.model_copy(update={"block": 1}),
            third,
        ),
    )


def test_trials_of_a_block_take_each_step_together_and_share_one_origin(plan: Plan, store: RunStore) -> None:
    stage = FakeStage()
    assert (RunState.FINISHED, "") == run(at_once(plan), store, stage)
    order = [what for what in stage.said if what not in ("disable", "enable")]
    assert [
        *("up", "up", "before 1", "before 2", "before 1", "before 2", "start", "start"),
        *("drained", "drained 2", "drained 1", "drained", "drained 2", "drained 1", "done", "done"),
        *("after 2", "after 1", "subject ends", "ended 1", "ended 2") * 2,
        *("close 1", "close 2", "down") * 2,
    ] == order[:32]
    first, second, third = records(store, plan)
    assert first.origin_monotonic_ns == second.origin_monotonic_ns < third.origin_monotonic_ns
    assert [TrialState.COMPLETED] * 3 == [one.state for one in (first, second, third)]


def test_of_a_block_that_fails_the_one_at_fault_is_told_and_the_next_runs(plan: Plan, store: RunStore) -> None:
    stage = FakeStage(fails_in={plan.trials[1].id: TrialFailedError("the secret is out")})
    assert (RunState.FINISHED, "") == run(at_once(plan), store, stage)
    first, second, third = records(store, plan)
    assert "the *** is out" == second.reason
    assert f"the trial beside it, {second.spec.id}, failed" == first.reason
    assert [TrialState.FAILED, TrialState.FAILED, TrialState.COMPLETED] == [
        one.state for one in (first, second, third)
    ]
