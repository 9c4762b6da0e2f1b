"""A part that somebody stopped while the load ran."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest

from harness.processes import Processes, ProcessMap, is_stopped
from harness.records import TrialRecord, TrialState
from harness.scene import Scene
from harness.witnesses import stillness
from harness.witnesses.stillness import StillnessWitness


@pytest.fixture(autouse=True)
def looking_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stillness, "LOOK_EVERY_S", 0.02)


@pytest.fixture
def process() -> Iterator[psutil.Process]:
    with subprocess.Popen(["/bin/sh", "-c", "sleep 60 & wait"], process_group=0) as popen:
        shell = psutil.Process(popen.pid)
        wait_for(lambda: bool(shell.children()))
        yield shell
        for each in [*shell.children(), shell]:
            each.kill()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


@contextmanager
def watched(processes: ProcessMap) -> Iterator[StillnessWitness]:
    witness = StillnessWitness(cast(Scene, SimpleNamespace(processes=processes)))
    witness.before()
    try:
        yield witness
        witness.drained()
    finally:
        witness.close()


def told(witness: StillnessWitness, state: TrialState = TrialState.COMPLETED) -> Any:
    record: Any = TrialRecord
    return witness.tell(record.model_construct(state=state, reason="as it was"))


@pytest.mark.parametrize("of", ["itself", "a child"])
def test_a_trial_whose_part_stood_still_for_a_while_is_invalid_and_says_so(
    process: psutil.Process, of: str
) -> None:
    stopped = process if of == "itself" else process.children()[0]
    with watched({"primary": Processes((process.pid,), family=True), "proxy": Processes()}) as witness:
        stopped.suspend()
        wait_for(lambda: is_stopped(stopped.pid))
        time.sleep(0.5)
        stopped.resume()
    record = told(witness)
    assert TrialState.INVALID is record.state
    assert record.reason.startswith("during the trial PostgreSQL stood still, stopped by a signal")
    assert record.reason.endswith("run it again")


def test_a_part_that_stands_still_to_the_end_is_seen_however_short_the_load(process: psutil.Process) -> None:
    process.suspend()
    wait_for(lambda: is_stopped(process.pid))
    with watched({"app": Processes((process.pid,))}) as witness:
        pass
    assert "the target stood still" in told(witness).reason


def test_parts_that_went_on_all_the_time_change_nothing(process: psutil.Process) -> None:
    with watched({"app": Processes((process.pid,), family=True)}) as witness:
        time.sleep(0.2)
    assert (TrialState.COMPLETED, "as it was") == (told(witness).state, told(witness).reason)


def test_a_graver_finding_is_kept(process: psutil.Process) -> None:
    process.suspend()
    with watched({"app": Processes((process.pid,))}) as witness:
        wait_for(lambda: is_stopped(process.pid))
    assert "as it was" == told(witness, TrialState.INVALID).reason


@dataclass
class Ending:
    """A part in a planned pause that is just ending: seen to stand still once, and not again."""

    looks: int = 0

    def cpu_s(self) -> float:
        return 0.0

    def stands_still(self) -> bool:
        self.looks += 1
        return self.looks == 1


def test_what_is_seen_once_and_not_again_is_the_end_of_a_planned_pause() -> None:
    part = Ending()
    with watched({"primary": part}) as witness:
        wait_for(lambda: part.looks >= 2)
    assert TrialState.COMPLETED is told(witness).state
