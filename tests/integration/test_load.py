"""The load as it leaves the generator: real Locust processes against a real server."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.environment.leash import Leash
from harness.environment.ports import free_port
from harness.environment.target import RunningTarget, target_process
from harness.errors import OutputError, TrialFailedError
from harness.journal import Journal
from harness.load.account import unaccounted
from harness.load.arrivals import arrival_offsets_ns
from harness.load.client import NO_SAMPLES, Load, load_process
from harness.load.messages import Done
from harness.load.workers import SINGLE, Workers
from harness.records import (
    GeneratorReading,
    Interval,
    MarkKind,
    Measure,
    Outcome,
    Write,
    decode_intervals,
    decode_reading,
)
from harness.store import RunStore, TrialFolder
from harness.subject import standard_launch
from scenarios.model import Arrivals, Phase, Scenario
from tests.integration.command import lent_worker
from tests.integration.processes import descendants

pytestmark = pytest.mark.integration

SEED = 3


@pytest.fixture(scope="module")
def target(leash: Leash, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTarget]:
    log = tmp_path_factory.mktemp("target") / "target.log"
    with target_process(
        leash, launch=standard_launch("tests.integration.apps.paced:app"), environment={}, log_path=log
    ) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[TrialFolder]:
    with RunStore.create(tmp_path / "run").trial("trial") as folder:
        yield folder


def scenario(*phases: Phase, cap: int = 500, drain_s: float = 2.0) -> Scenario:
    return Scenario(name="load", title="Load", question="?", phases=phases, in_flight_cap=cap, drain_s=drain_s)


def go(load: Load, url: str) -> Done:
    load.prepare(url, SEED)
    load.start(time.monotonic_ns() + 50_000_000)
    return load.wait()


def intervals(folder: TrialFolder, measure: Measure = Measure.RESPONSE) -> list[Interval]:
    with folder.latency_file.open() as log:
        return [interval for interval in decode_intervals(log) if interval.key.measure is measure]


def total(found: list[Interval], outcome: Outcome | None = None) -> int:
    return sum(
        interval.histogram.get_total_count()
        for interval in found
        if outcome is None or interval.key.outcome is outcome
    )


def readings(folder: TrialFolder) -> list[GeneratorReading]:
    """What the load told of itself; closes the folder."""
    folder.close()
    lines = (folder.path / "readings.jsonl").read_text().splitlines()
    return [reading for line in lines if isinstance(reading := decode_reading(line), GeneratorReading)]


POISSON = Arrivals(process="poisson", rate_per_s=100)


@pytest.mark.parametrize("workers", [SINGLE, Workers(local=3)], ids=["alone", "three-workers"])
def test_exactly_the_scheduled_requests_are_sent_and_recorded(
    leash: Leash, target: RunningTarget, folder: TrialFolder, workers: Workers
) -> None:
    planned = scenario(Phase(name="steady", duration_s=1.5, arrivals=POISSON, behaviour="reader"))
    with load_process(leash, scenario=planned, folder=folder, workers=workers) as load:
        done = go(load, target.url)
    scheduled = sum(1 for _ in arrival_offsets_ns(POISSON, 1.5, random.Random(SEED)))
    assert scheduled == done.started == done.completed
    assert scheduled == total(intervals(folder), Outcome.OK)
    assert scheduled == total(intervals(folder, Measure.SERVICE), Outcome.OK)
    assert (0, 0, 0) == (done.not_started, done.aborted, done.workers_lost)
    assert {Outcome.OK: scheduled} == done.requests == done.recorded == done.closing().requests
    assert "" == unaccounted(done)


@pytest.mark.parametrize("workers", [SINGLE, Workers(local=2)], ids=["alone", "two-workers"])
def test_a_history_of_writes_holds_every_one(
    leash: Leash, target: RunningTarget, folder: TrialFolder, workers: Workers
) -> None:
    planned = scenario(Phase(name="steady", duration_s=1.0, arrivals=POISSON, behaviour="teller"))
    with load_process(leash, scenario=planned, folder=folder, workers=workers, record_writes=True) as load:
        done = go(load, target.url)
    writes = [Write.model_validate_json(line) for line in folder.writes_file.read_text().splitlines()]
    assert done.started == done.writes == len(writes) == len({write.token for write in writes})
    assert {("transfer", "steady", Outcome.OK)} == {(one.operation, one.phase, one.outcome) for one in writes}
    assert all(write.answered_ns is not None and write.sent_ns < write.answered_ns for write in writes)
    assert "" == unaccounted(done)


def test_answers_that_no_decoder_survives_are_all_recorded(
    leash: Leash, folder: TrialFolder, tmp_path: Path
) -> None:
    launch = standard_launch("tests.integration.apps.brackets:app")
    planned = scenario(Phase(name="steady", duration_s=1.0, arrivals=Arrivals(rate_per_s=100), behaviour="reader"))
    with (
        target_process(leash, launch=launch, environment={}, log_path=tmp_path / "target.log") as running,
        load_process(leash, scenario=planned, folder=folder) as load,
    ):
        done = go(load, running.url)
    assert 100 == done.started == total(intervals(folder))
    assert "" == unaccounted(done)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["dies", "stands-still"])
def test_a_recorder_that_is_gone_or_stands_still_is_told_and_holds_nobody_up(
    leash: Leash, target: RunningTarget, folder: TrialFolder, how: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.load.client.RECORDER_WITHIN_S", 1.0)
    planned = scenario(Phase(name="steady", duration_s=1.0, arrivals=POISSON, behaviour="reader"))
    with load_process(leash, scenario=planned, folder=folder) as load:
        load.prepare(target.url, SEED)
        (recorder,) = [one for one, line in descendants(psutil.Process()) if "harness.load.recorder" in line]
        recorder.send_signal(how)
        load.start(time.monotonic_ns() + 50_000_000)
        with pytest.raises(TrialFailedError, match=r"latencies were not all recorded: .*recorder"):
            load.wait()
    assert {"steady"} == {reading.phase for reading in readings(folder) if reading.started_total}


def test_a_load_process_that_stands_still_is_waited_for_once_and_told(
    leash: Leash, target: RunningTarget, folder: TrialFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.load.client.SLACK_S", 1.0)
    planned = scenario(Phase(name="steady", duration_s=1.0, arrivals=POISSON, behaviour="reader"), drain_s=0.5)
    with load_process(leash, scenario=planned, folder=folder) as load:
        load.prepare(target.url, SEED)
        load.start(time.monotonic_ns() + 50_000_000)
        psutil.Process(load.pid).suspend()
        load.wait_drained()
        waited_again_s = time.monotonic()
        with pytest.raises(TrialFailedError, match=r"the load did not come to its end: load process stands still"):
            load.wait()
        assert time.monotonic() - waited_again_s < 1.0  # not a second time as long as the load was planned


@pytest.mark.parametrize("workers", [SINGLE, Workers(local=2)], ids=["alone", "two-workers"])
def test_closed_users_are_as_many_as_planned_and_phases_follow_each_other(
    leash: Leash, target: RunningTarget, folder: TrialFolder, workers: Workers
) -> None:
    planned = scenario(
        Phase(name="few", duration_s=0.8, users=3, behaviour="holder"),
        Phase(name="more", duration_s=0.8, users=7, behaviour="holder"),
    )
    with load_process(leash, scenario=planned, folder=folder, workers=workers) as load:
        done = go(load, target.url)
    assert done.started == done.completed == total(intervals(folder))
    assert {"few", "more"} == {interval.key.phase for interval in intervals(folder)}
    users = {"few": 0, "more": 0}
    for reading in readings(folder):
        users[reading.phase] = max(users[reading.phase], reading.users)
    assert {"few": 3, "more": 7} == users
    marks = (folder.path / "marks.jsonl").read_text()
    for kind in (MarkKind.LOAD_START, MarkKind.LOAD_END, MarkKind.DRAINED):
        assert 1 == marks.count(f'"{kind}"')
    assert 2 == marks.count(f'"{MarkKind.PHASE_START}"') == marks.count(f'"{MarkKind.PHASE_END}"')


@pytest.mark.parametrize("users", [(3, 3, 3), (1, 4, 2)], ids=["as-many", "more-or-fewer"])
def test_users_of_a_phase_behave_as_it_says_and_none_as_the_one_before(
    leash: Leash, target: RunningTarget, folder: TrialFolder, users: tuple[int, int, int]
) -> None:
    first, second, third = users
    planned = scenario(
        Phase(name="first", duration_s=0.5, users=first, behaviour="reader"),
        Phase(name="second", duration_s=0.5, users=second, behaviour="idler"),
        Phase(name="third", duration_s=0.5, users=third, behaviour="crowded-teller"),
    )
    with load_process(leash, scenario=planned, folder=folder) as load:
        go(load, target.url)
    asked = {(interval.key.phase, interval.key.operation) for interval in intervals(folder)}
    assert {("first", "read_user"), ("second", "idle"), ("third", "transfer")} == asked


def test_no_request_waits_for_the_answer_of_another(
    leash: Leash, target: RunningTarget, folder: TrialFolder
) -> None:
    # Each request takes half a second; 40 in one second only fit when they overlap.
    arrivals = Arrivals(rate_per_s=40)
    planned = scenario(Phase(name="steady", duration_s=1.0, arrivals=arrivals, behaviour="holder"))
    with load_process(leash, scenario=planned, folder=folder) as load:
        done = go(load, target.url)
    assert 40 == done.completed
    slowest_ns = max(interval.histogram.get_max_value() for interval in intervals(folder))
    assert slowest_ns < 2_500_000_000  # one after the other would have taken twenty seconds


@pytest.mark.parametrize("workers", [SINGLE, Workers(local=2)], ids=["alone", "two-workers"])
def test_what_the_cap_keeps_back_is_counted(
    leash: Leash, target: RunningTarget, folder: TrialFolder, workers: Workers
) -> None:
    arrivals = Arrivals(rate_per_s=40)
    planned = scenario(Phase(name="steady", duration_s=1.0, arrivals=arrivals, behaviour="holder"), cap=4)
    with load_process(leash, scenario=planned, folder=folder, workers=workers) as load:
        done = go(load, target.url)
    assert 40 == done.started + done.not_started
    assert done.not_started == readings(folder)[-1].not_started_total
    # Four at once, half a second each, one second long: eight, or four more where the last just fit.
    assert 4 <= done.started <= 12


def test_what_is_under_way_when_patience_ends_is_counted_as_aborted(
    leash: Leash, target: RunningTarget, folder: TrialFolder
) -> None:
    arrivals = Arrivals(rate_per_s=20)
    phase = Phase(name="steady", duration_s=1.0, arrivals=arrivals, behaviour="holder")
    with load_process(leash, scenario=scenario(phase, drain_s=0.0), folder=folder) as load:
        done = go(load, target.url)
    assert done.aborted > 0
    assert done.aborted == total(intervals(folder), Outcome.ABORTED)
    assert 20 == done.completed + done.aborted


def test_a_worker_that_dies_is_reported_and_the_others_finish(
    leash: Leash, target: RunningTarget, folder: TrialFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.joinpath("temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    planned = scenario(Phase(name="steady", duration_s=8.0, arrivals=POISSON, behaviour="reader"))
    with load_process(leash, scenario=planned, folder=folder, workers=Workers(local=2)) as load:
        load.prepare(target.url, SEED)
        load.start(time.monotonic_ns() + 50_000_000)
        time.sleep(1.0)
        workers = [process for process, line in descendants(psutil.Process()) if "harness.load.worker" in line]
        assert 2 == len(workers)
        workers[0].kill()
        done = load.wait()
    assert [] == list(tmp_path.joinpath("temporary").iterdir())  # a killed worker leaves nothing behind
    assert 1 == done.workers_lost
    scheduled = sum(1 for _ in arrival_offsets_ns(POISSON, 8.0, random.Random(SEED)))
    recorded = total(intervals(folder), Outcome.OK)
    assert scheduled // 2 - 1 <= recorded <= scheduled // 2 + 1
    folder.close()
    assert "is gone" in (folder.path / "marks.jsonl").read_text()


def test_a_worker_lent_from_elsewhere_runs_its_share_of_one_load_after_the_other(
    leash: Leash, target: RunningTarget, tmp_path: Path
) -> None:
    port = free_port()
    planned = scenario(Phase(name="steady", duration_s=1.0, arrivals=POISSON, behaviour="reader"))
    scheduled = sum(1 for _ in arrival_offsets_ns(POISSON, 1.0, random.Random(SEED)))
    with lent_worker(f"127.0.0.1:{port}") as lent:
        store = RunStore.create(tmp_path / "run")
        for number in range(2):
            workers = Workers(local=1, attached=1, port=port)
            with (
                store.trial(f"trial-{number}") as folder,
                load_process(leash, scenario=planned, folder=folder, workers=workers) as load,
            ):
                done = go(load, target.url)
                assert (scheduled, scheduled, 0) == (done.started, done.completed, done.workers_lost)
                assert scheduled == total(intervals(folder), Outcome.OK)
    assert "leaving" in lent.said
    assert 0 == lent.returncode


def test_a_load_process_that_outlives_its_output_is_asked_how_it_ended(leash: Leash, folder: TrialFolder) -> None:
    dying = "import os, sys, time; os.close(1); time.sleep(0.3); sys.exit('out of luck')"
    child = leash.start(
        [sys.executable, "-c", dying],
        env=os.environ,
        log_path=folder.log_file("load"),
        name="load process",
        stdin=True,
        stdout=True,
    )
    planned = scenario(Phase(name="steady", duration_s=1.0, arrivals=POISSON, behaviour="reader"))
    load = Load(child, None, NO_SAMPLES, Journal(folder), planned)
    with pytest.raises(TrialFailedError, match="load process ended with exit code 1; its last words: out of luck"):
        load.prepare("http://127.0.0.1:9", SEED)
    child.stop()


TALKING = """
import sys
from harness.load.messages import Gauged
from harness.records import GeneratorReading
reading = GeneratorReading(
    t_ns=1, phase="steady", users=0, in_flight=0,
    started_total=0, completed_total=0, not_started_total=0, late_max_ms=0.0,
)
for _ in range(1000):
    print(Gauged(reading=reading).model_dump_json(), flush=True)
sys.stdin.read()
"""


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_a_load_tells_of_a_full_disk_is_raised_where_the_trial_sees_it(leash: Leash, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "readings.jsonl").symlink_to("/dev/full")
    folder = TrialFolder(tmp_path / "full")
    child = leash.start(
        [sys.executable, "-c", TALKING],
        env=os.environ,
        log_path=folder.log_file("load"),
        name="load process",
        stdin=True,
        stdout=True,
    )
    planned = scenario(Phase(name="steady", duration_s=60.0, arrivals=POISSON, behaviour="reader"))
    load = Load(child, None, NO_SAMPLES, Journal(folder), planned)
    load.start(time.monotonic_ns())
    with pytest.raises(OutputError, match="No space left on device"):
        load.wait()
    with pytest.raises(OutputError, match="No space left on device"):
        load.prepare("http://127.0.0.1:9", SEED)
    child.stop()
    with pytest.raises(OutputError):
        folder.close()
