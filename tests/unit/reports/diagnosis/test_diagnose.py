"""What rules say is put together: most trials decide, and symptoms go to their cause."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.records import Outcome, Reading
from reports.analysis.folding import Observed
from reports.diagnosis.diagnose import diagnose
from reports.diagnosis.evidence import Evidence, Source
from reports.diagnosis.rule import CannotTell, Rule, Seen
from tests.unit.reports.builder import Request, pool_reading
from tests.unit.reports.diagnosis.support import observed, trial_of

POOL: list[Reading] = [pool_reading(t / 10, 3) for t in range(20)]


@pytest.fixture
def trials(tmp_path: Path) -> tuple[Observed, ...]:
    requests = [Request("steady", n / 50, 2.0) for n in range(100)]
    return observed(tmp_path, *(trial_of(requests, POOL, repetition) for repetition in (1, 2, 3)))


def rule(
    name: str, *said: Seen | CannotTell | None, needs: Source = Source.CLIENT, explained_by: str = ""
) -> Rule:
    """One that says these in turn."""
    answers = iter(said)
    return Rule(
        id=name,
        title=name.capitalize(),
        needs=(frozenset({needs}),),
        remedy="mend it",
        look=lambda _: next(answers),
        explained_by=(explained_by,) if explained_by else (),
    )


SEEN = Seen(said=("it was seen",))


def test_most_trials_decide(trials: tuple[Observed, ...]) -> None:
    told = diagnose(trials, [rule("twice", SEEN, SEEN, None), rule("once", SEEN, None, None)])
    assert [(one.id, one.repetitions, one.of) for one in told.findings] == [("twice", 2, 3)]


def test_a_symptom_is_told_with_its_cause_only(trials: tuple[Observed, ...]) -> None:
    told = diagnose(trials[:1], [rule("symptom", SEEN, explained_by="cause"), rule("cause", SEEN)])
    assert [(one.id, one.symptoms) for one in told.findings] == [("cause", ("symptom",))]
    told = diagnose(trials[:1], [rule("symptom", SEEN, explained_by="cause"), rule("cause", None)])
    assert [one.id for one in told.findings] == ["symptom"]


def test_without_its_evidence_a_rule_does_not_say_no(trials: tuple[Observed, ...]) -> None:
    told = diagnose(trials, [rule("inside", None, None, None, needs=Source.INSIDE)])
    assert not told.findings
    (withheld,) = told.withheld
    assert withheld.id == "inside"
    assert "a probe in the app" in withheld.why


def test_too_few_requests_say_nothing(trials: tuple[Observed, ...]) -> None:
    picky = replace(rule("picky", SEEN), fewest_requests=101)
    assert "100 requests are too few" in diagnose(trials[:1], [picky]).withheld[0].why


def test_a_rule_that_breaks_is_told_of(trials: tuple[Observed, ...]) -> None:
    def breaks(_: Evidence) -> None:
        raise KeyError("no such thing")

    broken = Rule("broken", "Broken", (frozenset({Source.CLIENT}),), "", breaks)
    told = diagnose(trials, [broken, rule("whole", SEEN, SEEN, SEEN)])
    assert [one.id for one in told.findings] == ["whole"]
    assert [line.partition(":")[0] for line in told.failed] == ["broken"]


def test_what_a_probe_told_can_be_put_aside(trials: tuple[Observed, ...]) -> None:
    evidence = Evidence(trials[0])
    assert Source.POOL in evidence.sources
    assert Source.POOL not in evidence.without_probe().sources


def test_failures_by_kind(tmp_path: Path) -> None:
    requests = [Request("steady", n / 50, 2.0) for n in range(90)]
    requests += [Request("steady", 1.8, 1000.0, Outcome.UNKNOWN, "http-500") for _ in range(10)]
    (one,) = observed(tmp_path, trial_of(requests))
    evidence = Evidence(one)
    assert evidence.requests == 100
    assert evidence.failures(kinds=["http-500"]).total == 10
    assert evidence.failures(kinds=["client-timeout"]).total == 0
    assert evidence.kinds_of_failure() == {"http-500": 10}
