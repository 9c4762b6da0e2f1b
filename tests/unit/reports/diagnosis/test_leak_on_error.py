"""leak-on-error is named where connections outlast their requests, and not where somebody holds one for long."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.records import Outcome, Reading
from reports.diagnosis.rule import CannotTell, Seen
from reports.diagnosis.rules.leak_on_error import RULE
from reports.summary import Sureness
from tests.unit.reports.builder import Request, TrialBuilder, pool_reading
from tests.unit.reports.diagnosis.support import every, evidence_of, inside, sessions, trial_of, under_way

FINE = [Request("steady", n / 50, 2.0) for n in range(60)]
NOT_FOUND = [Request("steady", n / 10, 2.0, Outcome.FAILED, "http-404") for n in range(6)]
TIMED_OUT = [Request("steady", 1 + n / 50, 1000.0, Outcome.UNKNOWN, "http-500") for n in range(40)]


def told(abandoned: int, out: int) -> list[Reading]:
    return every(
        25,
        lambda t: inside(
            t, abandoned=round(abandoned * min(t, 2) / 2), abandoned_total=round(abandoned * t / 2.4)
        ),
        lambda t: pool_reading(t, out, limit=8),
    )


def ended(trial: TrialBuilder, out: int) -> TrialBuilder:
    return replace(trial, pool_at_end=pool_reading(4.0, out, limit=8))


def test_what_is_out_and_nobodys_after_the_drain_is_named(tmp_path: Path) -> None:
    said = RULE.asked(evidence_of(tmp_path, ended(trial_of([*FINE, *NOT_FOUND], told(6, 6)), out=6)))
    assert isinstance(said, Seen)
    assert said.sure is Sureness.SURE
    assert "http-404: 6" in said.said[2]


def test_a_long_hold_is_not(tmp_path: Path) -> None:
    """Out after the drain, but its request, or a task of it, goes on."""
    assert RULE.asked(evidence_of(tmp_path, ended(trial_of([*FINE, *NOT_FOUND], told(0, 6)), out=6))) is None


def test_without_a_probe_transactions_that_become_more_and_stay_tell(tmp_path: Path) -> None:
    read = every(
        30, lambda t: sessions(t, idle=8 - round(min(t, 2) * 2), idle_in_transaction=round(min(t, 2) * 2))
    )
    trial = replace(trial_of([*FINE, *NOT_FOUND], read), sessions_at_end=sessions(4.0, idle_in_transaction=4))
    assert isinstance(RULE.asked(evidence_of(tmp_path, trial)), Seen)


def test_transactions_that_end_rule_it_out(tmp_path: Path) -> None:
    read = every(30, lambda t: sessions(t, idle=4, idle_in_transaction=4 if t < 2 else 0))
    trial = replace(trial_of([*FINE, *NOT_FOUND], read), sessions_at_end=sessions(4.0, idle=8))
    assert RULE.asked(evidence_of(tmp_path, trial)) is None


def test_without_a_probe_a_standstill_that_lasts_tells(tmp_path: Path) -> None:
    """The garbage collector closed what was lost, and the pool still counts it."""
    read = every(20, lambda t: sessions(t, active=1 if t < 0.9 else 0), lambda t: under_way(t, 9))
    requests = [*(one for one in FINE if one.sent_s < 0.9), *TIMED_OUT]
    said = RULE.asked(evidence_of(tmp_path, trial_of(requests, read)))
    assert isinstance(said, Seen)
    assert said.sure is Sureness.LIKELY


def test_the_client_alone_cannot_tell(tmp_path: Path) -> None:
    assert isinstance(RULE.asked(evidence_of(tmp_path, trial_of([*FINE, *NOT_FOUND]))), CannotTell)
