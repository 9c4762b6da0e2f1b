"""leak-feedback is named where refusals empty the pool for good, and not where other errors do or it recovers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.records import Outcome
from reports.diagnosis.rule import CannotTell, Seen
from reports.diagnosis.rules.leak_feedback import RULE
from scenarios.model import Scenario
from tests.unit.reports.builder import Request, one_phase, pool_reading
from tests.unit.reports.diagnosis.support import every, evidence_of, inside, trial_of

BURST = Scenario(
    name="burst",
    title="Burst",
    question="Does it recover?",
    phases=(one_phase("calm", 1.0, 10), one_phase("burst", 1.0, 60), one_phase("calm-again", 1.0, 10)),
)


def seen(tmp_path: Path, *, kind: str, recovers: bool, abandoned: int | None = 8) -> Seen | CannotTell | None:
    requests = [Request("calm", n / 10, 2.0) for n in range(10)]
    requests += [Request("burst", 1 + n / 60, 2.0, Outcome.UNKNOWN, kind) for n in range(50)]
    requests += [
        Request("calm-again", 2 + n / 10, 2.0)
        if recovers
        else Request("calm-again", 2 + n / 10, 1000.0, Outcome.UNKNOWN, "http-500")
        for n in range(10)
    ]
    read = every(
        30,
        lambda t: inside(
            t,
            abandoned=abandoned if abandoned is None or t > 1.5 else 0,
            abandoned_total=abandoned if abandoned is None or t > 1.5 else 0,
        ),
        lambda t: pool_reading(t, 8 if t > 1.5 else 1, limit=8),
    )
    trial = replace(trial_of(requests, read, scenario=BURST), pool_at_end=pool_reading(4.0, 8, limit=8))
    return RULE.asked(evidence_of(tmp_path, trial))


def test_refusals_that_outlast_their_load_are_named(tmp_path: Path) -> None:
    said = seen(tmp_path, kind="http-503", recovers=False)
    assert isinstance(said, Seen)
    assert "8 of 8 connections" in said.said[0]
    assert "100% of them failed still" in said.said[1]


def test_errors_that_are_no_refusals_are_another_leak(tmp_path: Path) -> None:
    assert seen(tmp_path, kind="http-404", recovers=False) is None


def test_a_service_that_recovers_is_not(tmp_path: Path) -> None:
    assert seen(tmp_path, kind="http-503", recovers=True) is None


def test_an_older_probe_cannot_tell(tmp_path: Path) -> None:
    assert isinstance(seen(tmp_path, kind="http-503", recovers=False, abandoned=None), CannotTell)
