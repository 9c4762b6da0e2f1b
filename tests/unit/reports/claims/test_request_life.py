"""The rulings on the parts of a request's life, from synthetic runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from harness.records import Login, TimesReading, TrialState
from reports.claims.base import RulingVerdict, Turn
from reports.claims.evidence import Evidence, MissingEvidenceError
from reports.claims.formats import turn_text
from reports.claims.rules import Found
from reports.claims.rulings.request_life import (
    EXPERIMENT,
    connect_cost,
    lifecycle_acquire,
    lifecycle_release,
    pool_speedup,
)
from scenarios.request_life import LADDER_MS, SCENARIO
from tests.unit.reports.builder import Request, TrialBuilder, ns, target_info
from tests.unit.reports.claims.support import evidence_of

OfLatency = Callable[[float], float]


def trials(
    login: Login,
    acquire_ms: OfLatency = lambda latency_ms: 0.3 + latency_ms,
    connect_ms: OfLatency = lambda latency_ms: 4 + 4 * latency_ms,
    repetitions: int = 2,
) -> Iterator[TrialBuilder]:
    """A pool and none, whose times depend on the latency alone; a return takes one round trip and 0.1 ms."""
    for pooled in (True, False):
        info = target_info(f"{'pool' if pooled else 'none'}-{login}", {"pool_size": 10 if pooled else None})
        for repetition in range(1, repetitions + 1):
            built = TrialBuilder(SCENARIO, info.model_copy(update={"login": login.value}), repetition)
            built.mark_phases()
            starts_s = SCENARIO.phases[0].duration_s
            for phase, latency_ms in zip(SCENARIO.phases[1:], LADDER_MS, strict=True):
                for fault in phase.faults:
                    name, ends_s = f"{phase.name}/1:latency", starts_s + fault.duration_s
                    built.mark_fault(name, planned_s=starts_s, heal_planned_s=ends_s)
                opening_ms = 0.0 if pooled else connect_ms(latency_ms)
                took_ms = acquire_ms(latency_ms) if pooled else opening_ms
                built.requests += [
                    Request(
                        phase.name,
                        starts_s + 0.5,
                        took_ms + 1 + 2 * latency_ms,
                        acquire_ms=took_ms,
                        connect_ms=opening_ms,
                        query_ms=0.4 + 2 * latency_ms,
                    )
                ] * 12
                built.readings.append(
                    TimesReading(
                        t_ns=ns(starts_s + phase.duration_s),
                        phase=phase.name,
                        of="release",
                        count=12,
                        p50_ms=0.1 + latency_ms,
                        p90_ms=None,
                        p99_ms=None,
                        max_ms=None,
                    )
                )
                starts_s += phase.duration_s
            yield built


def evidence(path: Path, *built: TrialBuilder) -> Evidence:
    return evidence_of(path, {EXPERIMENT: list(built)})


def turns(found: Found) -> Sequence[tuple[float, float, str]]:
    return [(turn.low, turn.high, turn.holds) for turn in found.turns]


def test_a_statement_that_holds_at_some_distances_is_refuted_and_says_where_it_turns(tmp_path: Path) -> None:
    found = lifecycle_acquire(evidence(tmp_path, *trials(Login.SCRAM)))

    assert RulingVerdict.REFUTED is found.verdict
    assert [(0, 1, "above"), (2, 5, "below")] == turns(found)
    assert "0.3 ms at 0 ms of latency, 40 ms at 40 ms" in found.said
    assert "on 2 of 7 rungs" in found.said
    assert "It holds above 0 to 1 ms of latency between service and database." == turn_text(found.turns[0])
    assert len(LADDER_MS) == len(found.figures)


def test_a_statement_that_holds_on_every_rung_is_supported(tmp_path: Path) -> None:
    found = lifecycle_acquire(evidence(tmp_path, *trials(Login.SCRAM, acquire_ms=lambda _: 3.0)))

    assert (RulingVerdict.SUPPORTED, ()) == (found.verdict, found.turns)


def test_a_figure_that_reaches_across_the_end_of_a_claim_decides_nothing(tmp_path: Path) -> None:
    fast, slow = (list(trials(Login.SCRAM, acquire_ms=lambda _, ms=ms: ms)) for ms in (0.9, 1.1))  # type: ignore[misc]
    mixed = [one if one.repetition == 1 else two for one, two in zip(fast, slow, strict=True)]

    assert RulingVerdict.INCONCLUSIVE is lifecycle_acquire(evidence(tmp_path, *mixed)).verdict


def test_both_parts_of_what_a_connection_costs_have_to_hold(tmp_path: Path) -> None:
    always = trials(Login.SCRAM, connect_ms=lambda _: 100.0)
    found = connect_cost(evidence(tmp_path, *always))

    assert RulingVerdict.REFUTED is found.verdict  # ending one takes 0.1 ms at no latency
    assert {"opening a connection", "ending a connection, its rollback included"} == {
        figure.name for figure in found.figures
    }
    assert [(2, 5, "above"), (5, 10, "below")] == turns(found)
    assert all("ending a connection" in turn.of for turn in found.turns)


def test_logins_that_turn_elsewhere_are_told_apart(tmp_path: Path) -> None:
    built = [*trials(Login.TRUST), *trials(Login.SCRAM, acquire_ms=lambda latency_ms: 0.3 + latency_ms / 2)]
    found = lifecycle_acquire(evidence(tmp_path, *built))

    where = {turn.of: (turn.low, turn.high) for turn in found.turns if turn.holds == "above"}
    axis = "latency between service and database"
    assert {f"{axis} (trust)": (0, 1), f"{axis} (scram)": (1, 2)} == where


def test_logins_that_agree_share_a_turn(tmp_path: Path) -> None:
    found = lifecycle_release(evidence(tmp_path, *trials(Login.TRUST), *trials(Login.SCRAM)))

    expected = Turn(of="latency between service and database", low=0, high=1, unit="ms", holds="below")
    assert (expected,) == found.turns
    assert "login by trust, scram" in found.condition


def test_a_login_that_could_not_be_had_is_named_with_its_reason(tmp_path: Path) -> None:
    missing = list(trials(Login.TLS))
    for built in missing:
        built.state, built.reason = TrialState.FAILED, "the login 'tls' cannot be had: no TLS"
        built.requests, built.marks, built.readings = [], [], []

    found = pool_speedup(evidence(tmp_path, *trials(Login.SCRAM), *missing))

    assert "Left out: pool-tls, none-tls; the login 'tls' cannot be had: no TLS." in found.condition
    assert {"scram"} == {figure.where.rpartition(", ")[2] for figure in found.figures}


def test_without_a_usable_trial_there_is_no_ruling(tmp_path: Path) -> None:
    failed = list(trials(Login.SCRAM))
    for built in failed:
        built.state, built.reason = TrialState.FAILED, "PostgreSQL had no room"
        built.requests, built.marks, built.readings = [], [], []

    with pytest.raises(MissingEvidenceError, match="was not measured; PostgreSQL had no room"):
        pool_speedup(evidence(tmp_path, *failed))


def test_a_statement_that_holds_on_the_rungs_that_there_are_is_not_supported_by_half_a_ladder(
    tmp_path: Path,
) -> None:
    short = list(trials(Login.SCRAM, acquire_ms=lambda _: 3.0))
    for built in short:
        built.requests = [request for request in built.requests if request.phase != SCENARIO.phases[-1].name]

    found = lifecycle_acquire(evidence(tmp_path, *short))

    assert (RulingVerdict.INCONCLUSIVE, len(LADDER_MS) - 1) == (found.verdict, len(found.figures))


@pytest.mark.parametrize("lost", [2, 3])
def test_a_login_whose_trials_were_lost_is_not_one_that_could_not_be_had(tmp_path: Path, lost: int) -> None:
    torn = list(trials(Login.TLS, repetitions=3))
    for built in torn[:lost]:
        built.state, built.reason = TrialState.INVALID, "the load generator stood still"

    with pytest.raises(
        MissingEvidenceError, match=f"{'only 1 of 3 trials' if lost == 2 else 'no usable trial'} of"
    ):
        pool_speedup(evidence(tmp_path, *trials(Login.SCRAM), *torn))
