"""The ruling on the slow-query log, from synthetic runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from harness.records import Outcome, SlowLogged
from reports.claims.base import RulingVerdict
from reports.claims.evidence import MissingEvidenceError
from reports.claims.rules import Found
from reports.claims.rulings.slow_queries import ENDED_AS, slow_query_log
from scenarios.slow import FAR, NEAR
from scenarios.slow_statements import SCENARIO
from tests.unit.reports.builder import Request, TrialBuilder, target_info
from tests.unit.reports.claims.support import evidence_of

ASKED = 10
PLAIN = {"slow_110": ASKED, "slow_300": ASKED}
FAILING = {"slow_failing_300": ASKED, "slow_cancelled_300": ASKED}
STREAMED = {"slow_streamed_300": ASKED}


class Took(NamedTuple):
    """How long the statements of 300 ms and those of 50 ms took; and whether the service refused them all."""

    slow_ms: float = 301.0
    short_ms: float = 51.0
    is_refused: bool = False


USUAL = Took()


def asked_for(name: str, took: Took) -> Request:
    """A request as it ends when its statement ran."""
    phase, ms = ("far", 91.0) if name == FAR else ("near", NEAR[name].ms + 1.0)
    ms = {"slow_50": took.short_ms}.get(name, took.slow_ms if ms > 300 else ms)
    if took.is_refused:
        return Request(phase, 1.0, ms, Outcome.REFUSED, "pool-exhausted", operation=name)
    return Request(phase, 1.0, ms, *ENDED_AS.get(name, (Outcome.OK, "-")), operation=name)


def trial(
    target: str,
    reported: Mapping[str, int],
    repetition: int = 1,
    asked: int = ASKED,
    twice: str = "",
    took: Took = USUAL,
) -> TrialBuilder:
    made = TrialBuilder(SCENARIO, target_info(target), repetition=repetition)
    made.mark_phases()
    far = made.scenario.phases[-1]
    began_s = sum(phase.duration_s for phase in made.scenario.phases[:-1])
    made.mark_fault("far/1:latency", planned_s=began_s, heal_planned_s=began_s + far.faults[0].duration_s)
    made.requests += [request for name in (*NEAR, FAR) for request in [asked_for(name, took)] * asked]
    made.slow_log = tuple(
        SlowLogged(operation=name, lines=count * (2 if name == twice else 1), statements=count)
        for name, count in reported.items()
    )
    return made


def rule(tmp_path: Path, tutorial: list[Mapping[str, int]], twice: str = "") -> Found:
    trials = [
        *(trial("slow-query-log", each, number, twice=twice) for number, each in enumerate(tutorial, 1)),
        *(trial("slow-query-log-errors", {**PLAIN, **FAILING}, number) for number, _ in enumerate(tutorial, 1)),
    ]
    return slow_query_log(evidence_of(tmp_path, {"slow-queries": trials}))


def test_kinds_that_are_never_reported_refute_it_and_are_named(tmp_path: Path) -> None:
    found = rule(tmp_path, [PLAIN, PLAIN, PLAIN])
    assert found.verdict is RulingVerdict.REFUTED
    assert "reported each of 110 ms; 300 ms once (60 of 60)" in found.said
    assert "never those of 300 ms, then an error; 300 ms, then the server's timeout; 300 ms, fetched" in found.said
    assert "(handle_error) reports those of 300 ms, then an error; 300 ms, then the server's timeout too" in (
        found.condition
    )


def test_all_that_is_slow_once_and_nothing_else_supports_it(tmp_path: Path) -> None:
    everything = {**PLAIN, **FAILING, **STREAMED, "slow_90": 2}
    assert rule(tmp_path, [everything] * 3).verdict is RulingVerdict.SUPPORTED


def test_a_short_statement_that_is_reported_refutes_it(tmp_path: Path) -> None:
    found = rule(tmp_path, [{**PLAIN, **FAILING, **STREAMED, "slow_50": 4}] * 3)
    assert found.verdict is RulingVerdict.REFUTED
    assert "4 statements of 50 ms were reported as slow" in found.said


@pytest.mark.parametrize("torn", ["some", "twice"])
def test_what_is_reported_now_and_then_or_twice_is_inconclusive(tmp_path: Path, torn: str) -> None:
    everything = {**PLAIN, **FAILING, **STREAMED}
    if torn == "some":
        found = rule(tmp_path, [everything, {**everything, "slow_300": 4}])
    else:
        found = rule(tmp_path, [everything, everything], twice="slow_300")
    assert found.verdict is RulingVerdict.INCONCLUSIVE
    assert "Of those of 300 ms some" in found.said


def test_too_few_statements_or_no_log_show_nothing(tmp_path: Path) -> None:
    control = trial("slow-query-log-errors", PLAIN)
    few = [trial("slow-query-log", PLAIN, asked=7), control]
    with pytest.raises(MissingEvidenceError, match="only 7 statements of 50 ms, of 8 at least"):
        slow_query_log(evidence_of(tmp_path / "few", {"slow-queries": few}))
    unread = trial("slow-query-log", PLAIN)
    unread.slow_log = None
    with pytest.raises(MissingEvidenceError, match="was not read"):
        slow_query_log(evidence_of(tmp_path / "unread", {"slow-queries": [unread, control]}))


EVERYTHING = {**PLAIN, **FAILING, **STREAMED}


@pytest.mark.parametrize("took", [Took(slow_ms=4.0), Took(is_refused=True)])
def test_statements_that_were_not_slow_or_never_ran_are_missing_in_no_log(tmp_path: Path, took: Took) -> None:
    trials = [trial("slow-query-log", PLAIN, took=took), trial("slow-query-log-errors", PLAIN)]
    with pytest.raises(MissingEvidenceError, match=r"only 0 statements of .* took more than 100 ms and ended so"):
        slow_query_log(evidence_of(tmp_path, {"slow-queries": trials}))


def test_a_log_with_nothing_at_all_may_never_have_been_on(tmp_path: Path) -> None:
    found = rule(tmp_path, [{}, {}, {}])
    assert (found.verdict, "nothing shows that it was on" in found.said) == (RulingVerdict.INCONCLUSIVE, True)


def test_a_short_statement_that_took_long_is_reported_rightly(tmp_path: Path) -> None:
    reported = {**EVERYTHING, "slow_50": 4}
    trials = [
        trial("slow-query-log", reported, took=Took(short_ms=130.0)),
        trial("slow-query-log-errors", EVERYTHING),
    ]
    found = slow_query_log(evidence_of(tmp_path, {"slow-queries": trials}))
    assert found.verdict is RulingVerdict.SUPPORTED
