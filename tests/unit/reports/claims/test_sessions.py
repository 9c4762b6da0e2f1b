"""The rulings on when a Session takes a connection and whether it comes back, from synthetic runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.records import DatabaseReading, GeneratorReading, Outcome
from reports.claims.base import RulingVerdict
from reports.claims.evidence import MissingEvidenceError
from reports.claims.rulings.sessions import (
    ENDED_AS,
    FEWEST_OF_A_KIND,
    FEWEST_REQUESTS,
    KINDS,
    session_closed_returns,
    session_takes_connection,
)
from scenarios import idle_sessions, troubled
from tests.unit.reports.builder import Request, TrialBuilder, ns, pool_reading, target_info
from tests.unit.reports.claims.support import evidence_of

REQUESTS = 80


def database_reading(t_s: float, total: int, *, in_transaction: int = 0) -> DatabaseReading:
    return DatabaseReading(
        t_ns=ns(t_s),
        part="primary",
        active=0,
        idle=total - in_transaction,
        idle_in_transaction=in_transaction,
        total=total,
    )


def generator_reading(t_s: float, phase: str, in_flight: int) -> GeneratorReading:
    return GeneratorReading(
        t_ns=ns(t_s),
        phase=phase,
        users=in_flight,
        in_flight=in_flight,
        started_total=0,
        completed_total=0,
        not_started_total=0,
        late_max_ms=0,
        loop_gap_max_ms=0,
    )


def idle_trial(
    *, taken: int, used: int = REQUESTS, requests: int = REQUESTS, out: int | None = None, last_s: float = 2.2
) -> TrialBuilder:
    """So many requests with a Session in each of both phases, and the connections that were taken."""
    trial = TrialBuilder(idle_sessions.SCENARIO, target_info("get-db"))
    trial.mark_phases()
    trial.requests += [Request("created", 0.5, 200, operation="idle") for _ in range(requests)]
    trial.requests += [Request("used", 2.5, 200, operation="idle_after_statement") for _ in range(requests)]
    out = (20 if taken else 0) if out is None else out
    trial.readings += [
        pool_reading(0.3, 0, checkouts_total=0),
        pool_reading(0.5, out, checkouts_total=taken),
        pool_reading(0.6, out, checkouts_total=taken),
        pool_reading(last_s, out, checkouts_total=taken),
        pool_reading(3.0, 20, checkouts_total=taken + used // 2),
        database_reading(1.4, out),
        database_reading(3.0, 20, in_transaction=20),
        generator_reading(1.4, "created", 20),
        generator_reading(3.0, "used", 20),
    ]
    trial.pool_at_end = pool_reading(4.6, 0, checkouts_total=taken + used)
    return trial


@pytest.mark.parametrize(
    ("taken", "used", "verdict"),
    [
        ([0, 0, 0], REQUESTS, RulingVerdict.REFUTED),
        ([REQUESTS] * 3, REQUESTS, RulingVerdict.SUPPORTED),
        ([0, 3, 0], REQUESTS, RulingVerdict.INCONCLUSIVE),
        ([0, 0, 0], 3, RulingVerdict.INCONCLUSIVE),
    ],
)
def test_connections_taken_by_sessions_without_a_statement_decide(
    tmp_path: Path, taken: list[int], used: int, verdict: RulingVerdict
) -> None:
    found = session_takes_connection(evidence_of(tmp_path, {"sessions": numbered(taken, used)}))
    assert found.verdict is verdict
    figures = {(figure.name, figure.where.split(",")[0]): figure for figure in found.figures}
    assert figures["connections taken", "no statement yet"].high == max(taken)
    assert figures["connections out at once", "after one statement"].value == 20


@pytest.mark.parametrize("last_s", [1.0, 0.39])
def test_a_pool_that_was_read_before_most_requests_came_took_none_for_sure(tmp_path: Path, last_s: float) -> None:
    trial = idle_trial(taken=0, last_s=last_s)
    with pytest.raises(MissingEvidenceError, match=r"the pool was (not )?read"):
        session_takes_connection(evidence_of(tmp_path, {"sessions": [trial]}))


def test_connections_that_are_out_and_were_never_taken_leave_the_account_in_doubt(tmp_path: Path) -> None:
    found = session_takes_connection(evidence_of(tmp_path, {"sessions": [idle_trial(taken=0, out=20)]}))
    assert (found.verdict, "cannot be believed" in found.said) == (RulingVerdict.INCONCLUSIVE, True)


def test_a_count_that_goes_back_is_none(tmp_path: Path) -> None:
    trial = idle_trial(taken=0)
    trial.readings[0] = pool_reading(0.3, 0, checkouts_total=3)
    with pytest.raises(MissingEvidenceError, match="went back"):
        session_takes_connection(evidence_of(tmp_path, {"sessions": [trial]}))


def numbered(taken: list[int], used: int) -> list[TrialBuilder]:
    trials = [idle_trial(taken=one, used=used) for one in taken]
    for repetition, trial in enumerate(trials, 1):
        trial.repetition = repetition
    return trials


def test_few_idle_requests_show_nothing(tmp_path: Path) -> None:
    trial = idle_trial(taken=0, requests=FEWEST_REQUESTS - 1)
    with pytest.raises(MissingEvidenceError, match="only 19 requests in created"):
        session_takes_connection(evidence_of(tmp_path, {"sessions": [trial]}))


def troubled_trial(*, out: int = 0, in_transaction: int = 0, of_a_kind: int = 20, lost: int = 30) -> TrialBuilder:
    """Errors of every kind and lost connections, and what was out in the end."""
    trial = TrialBuilder(troubled.SCENARIO, target_info("get-db"))
    trial.mark_phases()
    for number, fault in enumerate(trial.scenario.phases[2].faults, 1):
        name, at_s = f"cut/{number}:{fault.kind}", 4.4
        trial.mark_fault(name, planned_s=at_s + fault.at_s, heal_planned_s=at_s + fault.ends_at_s)
    trial.requests += list(errors(of_a_kind))
    trial.requests += [
        Request("cut", 5.0, 3.0, Outcome.FAILED, "database-unavailable", operation="raised") for _ in range(lost)
    ]
    trial.readings.append(database_reading(8.5, 10, in_transaction=in_transaction))
    trial.pool_at_end = pool_reading(9.2, out, opened_total=14, closed_total=4)
    return trial


def errors(of_a_kind: int) -> Iterator[Request]:
    for operation in KINDS:
        for _ in range(of_a_kind):
            kind = ENDED_AS[operation]
            outcome = Outcome.UNKNOWN if kind == "client-timeout" else Outcome.FAILED
            yield Request("errors", 1.0, 3.0, outcome, kind, operation=operation)


def test_a_session_that_always_comes_back_supports_the_statement(tmp_path: Path) -> None:
    found = session_closed_returns(evidence_of(tmp_path, {"sessions": [troubled_trial()]}))
    assert found.verdict is RulingVerdict.SUPPORTED
    assert "After 170 errors of 8 kinds no connection was out" in found.said


@pytest.mark.parametrize("left", [{"out": 1}, {"in_transaction": 1}])
def test_one_connection_that_stays_out_refutes_it(tmp_path: Path, left: dict[str, int]) -> None:
    found = session_closed_returns(evidence_of(tmp_path, {"sessions": [troubled_trial(**left)]}))
    assert found.verdict is RulingVerdict.REFUTED


@pytest.mark.parametrize(
    ("few", "said"),
    [
        ({"of_a_kind": FEWEST_OF_A_KIND - 1}, "only 4 errors of the kind 'the endpoint raised'"),
        ({"lost": 0}, "only 0 errors of the kind 'the connection was lost'"),
    ],
)
def test_a_kind_of_error_that_hardly_happened_shows_nothing(
    tmp_path: Path, few: dict[str, int], said: str
) -> None:
    with pytest.raises(MissingEvidenceError, match=said):
        session_closed_returns(evidence_of(tmp_path, {"sessions": [troubled_trial(**few)]}))


@pytest.mark.parametrize("ended", [(Outcome.REFUSED, "pool-exhausted"), (Outcome.FAILED, "connection-refused")])
def test_requests_that_never_met_their_error_show_nothing(tmp_path: Path, ended: tuple[Outcome, str]) -> None:
    trial = troubled_trial()
    trial.requests = [
        Request("errors", 1.0, 3.0, *ended, operation="overdraw") if request.operation == "overdraw" else request
        for request in trial.requests
    ]
    with pytest.raises(MissingEvidenceError, match="only 0 errors of the kind 'refused within a transaction'"):
        session_closed_returns(evidence_of(tmp_path, {"sessions": [trial]}))


def test_connections_that_were_lost_while_none_was_cut_are_not_those_of_the_cut(tmp_path: Path) -> None:
    trial = troubled_trial(lost=0)
    lost = Request("errors", 1.0, 3.0, Outcome.FAILED, "database-unavailable", operation="raised")
    trial.requests += [lost] * 30
    with pytest.raises(MissingEvidenceError, match="only 0 errors of the kind 'the connection was lost'"):
        session_closed_returns(evidence_of(tmp_path, {"sessions": [trial]}))


@pytest.mark.parametrize(("opened", "closed"), [(0, 0), (3, 4)])
def test_an_account_without_connections_gives_none_back(tmp_path: Path, opened: int, closed: int) -> None:
    trial = troubled_trial()
    trial.pool_at_end = pool_reading(9.2, 0, opened_total=opened, closed_total=closed)
    with pytest.raises(MissingEvidenceError, match="the pool's account has no connection"):
        session_closed_returns(evidence_of(tmp_path, {"sessions": [trial]}))
