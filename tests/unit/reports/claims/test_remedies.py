"""The rulings on the remedies for an exhausted pool, from synthetic runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from harness.records import Outcome, Reading, TimesReading
from reports.claims.base import RulingVerdict
from reports.claims.evidence import Evidence, MissingEvidenceError
from reports.claims.rules import Found
from reports.claims.rulings.remedies import (
    BIGGER,
    CACHED,
    CONTROL,
    FEWER,
    RECOMMENDED,
    TITLES,
    WITH_THREADS,
    recommended,
    remedy_bigger_pool,
    remedy_cache,
    remedy_shorter_hold,
)
from scenarios.remedies import BEYOND_30_PER_S, BEYOND_40_PER_S, SCENARIO
from tests.unit.reports.builder import Request, TrialBuilder, ns, pool_reading, target_info
from tests.unit.reports.claims.support import evidence_of

LOADS = ("slow", "slower", "wide", "far")
NONE = frozenset[str]()
ALL = frozenset(LOADS)
USUAL = {
    CONTROL: NONE,
    RECOMMENDED: frozenset({"slow", "wide", "far"}),
    BIGGER: frozenset({"slow", "wide", "far"}),
    WITH_THREADS: ALL,
    FEWER: frozenset({"wide"}),
    CACHED: frozenset({"far"}),
}
"""Which loads each serves whole."""
NOTHING_ELSE: Mapping[str, frozenset[str]] = {}
Rule = Callable[[Evidence], Found]


def trial(
    target: str,
    served: frozenset[str],
    repetition: int,
    stale: int = 0,
    sent: int = 100,
    transfers: int = 30,
) -> TrialBuilder:
    """Half of the requests of a load that is not served are refused, and the rest are late by far."""
    made = TrialBuilder(SCENARIO, target_info(target), repetition=repetition)
    made.mark_phases()
    readings: list[Reading] = []
    at_s = 0.0
    for phase in SCENARIO.phases:
        middle_s = at_s + phase.duration_s / 2
        for number, fault in enumerate(phase.faults, 1):
            made.mark_fault(
                f"{phase.name}/{number}:{fault.kind}",
                planned_s=at_s + fault.at_s,
                heal_planned_s=at_s + fault.ends_at_s,
            )
        readings.append(pool_reading(middle_s, 30))
        if phase.name in LOADS:
            held = TimesReading(
                t_ns=ns(middle_s), phase=phase.name, of="held", count=9, p50_ms=400, p90_ms=1, p99_ms=1, max_ms=1
            )
            readings.append(held)
            if phase.name in served:
                made.requests += [Request(phase.name, middle_s, 410.0)] * sent
            else:
                refused = Request(phase.name, middle_s, 110.0, Outcome.REFUSED, "pool-exhausted")
                made.requests += [refused, Request(phase.name, middle_s, 2000.0)] * (sent // 2)
        if phase.name == "books":
            right = Request("books", middle_s, 5.0, operation="read_own")
            wrong = Request("books", middle_s, 5.0, Outcome.FAILED, "wrong-balance", operation="read_own")
            made.requests += [right] * 50 + [wrong] * stale
            made.requests += [Request("books", middle_s, 5.0, operation="transfer")] * transfers
        at_s += phase.duration_s
    made.readings += readings
    return made


def evidence(path: Path, served: Mapping[str, frozenset[str]] = NOTHING_ELSE, stale: int = 7) -> Evidence:
    """The usual, with what some subjects serve replaced, three times."""
    forms = {**USUAL, **served}
    trials = [
        trial(name, loads, repetition, stale if name == CACHED else 0)
        for name, loads in forms.items()
        for repetition in (1, 2, 3)
    ]
    return evidence_of(path, {"remedies": trials})


@pytest.mark.parametrize("rule", [remedy_bigger_pool, remedy_shorter_hold, remedy_cache])
def test_a_remedy_that_leaves_some_load_uncured_is_refuted_and_says_which(tmp_path: Path, rule: Rule) -> None:
    found = rule(evidence(tmp_path))
    assert found.verdict is RulingVerdict.REFUTED
    assert "slow statements, 140/s" in found.said.partition("It did not cure")[2]


@pytest.mark.parametrize(
    ("rule", "name"), [(remedy_bigger_pool, BIGGER), (remedy_shorter_hold, FEWER), (remedy_cache, CACHED)]
)
def test_a_remedy_that_cures_every_load_is_supported(tmp_path: Path, rule: Rule, name: str) -> None:
    found = rule(evidence(tmp_path, {name: ALL}))
    assert found.verdict is RulingVerdict.SUPPORTED, found.said


def test_a_load_that_one_trial_of_three_leaves_uncured_is_not_cured(tmp_path: Path) -> None:
    trials = [
        trial(name, ALL if name == FEWER and repetition < 3 else loads, repetition)
        for name, loads in USUAL.items()
        for repetition in (1, 2, 3)
    ]
    found = remedy_shorter_hold(evidence_of(tmp_path, {"remedies": trials}))
    assert (found.verdict, "it cured 1: wide rows" in found.said) == (RulingVerdict.REFUTED, True), found.said


def test_the_bigger_pool_turns_between_the_rates_where_threads_run_out(tmp_path: Path) -> None:
    (turn,) = remedy_bigger_pool(evidence(tmp_path)).turns
    assert (turn.low, turn.high, turn.holds) == (BEYOND_30_PER_S, BEYOND_40_PER_S, "below")
    assert TITLES[WITH_THREADS] not in turn.of


def test_what_was_left_out_is_not_spoken_of(tmp_path: Path) -> None:
    trials = [trial(name, loads, 1) for name, loads in USUAL.items() if name != WITH_THREADS]
    tried = evidence_of(tmp_path, {"remedies": trials})
    found = remedy_bigger_pool(tried)
    assert (found.verdict, "of them 20+40 cured" in found.condition) == (RulingVerdict.REFUTED, False)
    assert f"Not compared with {TITLES[WITH_THREADS]}." in recommended(tried).condition


def test_each_stale_read_is_counted_and_does_not_decide_whether_a_cache_cures(tmp_path: Path) -> None:
    found = remedy_cache(evidence(tmp_path, {CACHED: ALL}, stale=7))
    assert found.verdict is RulingVerdict.SUPPORTED
    assert "7 of 57 reads" in found.said


def test_balances_that_never_changed_could_not_be_stale(tmp_path: Path) -> None:
    trials = [trial(name, loads, 1, transfers=9) for name, loads in USUAL.items()]
    with pytest.raises(MissingEvidenceError, match="only 9 transfers in books"):
        remedy_cache(evidence_of(tmp_path, {"remedies": trials}))


def test_stale_reads_without_a_cache_leave_nothing_to_say(tmp_path: Path) -> None:
    trials = [trial(name, loads, 1, stale=1) for name, loads in USUAL.items()]
    assert remedy_cache(evidence_of(tmp_path, {"remedies": trials})).verdict is RulingVerdict.INCONCLUSIVE


def test_the_recommended_pool_is_refuted_where_another_is_better_beyond_noise(tmp_path: Path) -> None:
    found = recommended(evidence(tmp_path))
    assert found.verdict is RulingVerdict.REFUTED
    assert "best in 0, within noise of another in 3 and worse in 1 (slow statements, 140/s" in found.said


def test_the_recommended_pool_is_supported_where_no_other_is_better(tmp_path: Path) -> None:
    found = recommended(evidence(tmp_path, {RECOMMENDED: ALL, WITH_THREADS: frozenset({"slow"})}))
    assert found.verdict is RulingVerdict.SUPPORTED, found.said


def test_the_recommended_pool_is_not_the_best_where_another_keeps_up_with_it_everywhere(tmp_path: Path) -> None:
    found = recommended(evidence(tmp_path, {RECOMMENDED: ALL}))
    assert found.verdict is RulingVerdict.INCONCLUSIVE
    assert f"nowhere better than {TITLES[WITH_THREADS]}." in found.said


def test_the_recommended_pool_is_not_the_best_of_those_that_nobody_tried(tmp_path: Path) -> None:
    served = {**USUAL, RECOMMENDED: ALL}
    trials = [trial(name, served[name], 1) for name in (RECOMMENDED, CONTROL)]
    found = recommended(evidence_of(tmp_path, {"remedies": trials}))
    assert found.verdict is RulingVerdict.INCONCLUSIVE
    assert f"Not compared with {TITLES[BIGGER]}, {TITLES[WITH_THREADS]}." in found.condition


@pytest.mark.parametrize("rule", [remedy_bigger_pool, recommended])
def test_without_the_control_nothing_was_exhausted(tmp_path: Path, rule: Rule) -> None:
    trials = [trial(name, loads, 1) for name, loads in USUAL.items() if name != CONTROL]
    with pytest.raises(MissingEvidenceError, match=f"no usable trial of {CONTROL}"):
        rule(evidence_of(tmp_path, {"remedies": trials}))


def test_one_late_answer_of_four_hundred_is_not_rounded_away(tmp_path: Path) -> None:
    trials = [trial(name, loads, 1, sent=400) for name, loads in USUAL.items()]
    slow = next(one for one in trials if one.target.name == BIGGER)
    at = next(place for place, request in enumerate(slow.requests) if request.phase == "slow")
    slow.requests[at] = Request("slow", slow.requests[at].sent_s, 2000.0)
    figures = remedy_bigger_pool(evidence_of(tmp_path, {"remedies": trials})).figures
    where = f"slow statements, {BEYOND_30_PER_S}/s; {TITLES[BIGGER]}"
    shown = {figure.where: figure.value for figure in figures if figure.name.startswith("answered in")}
    assert shown[where] == 99


@pytest.mark.parametrize("rule", [remedy_bigger_pool, remedy_shorter_hold, remedy_cache, recommended])
def test_loads_that_exhaust_nothing_show_nothing(tmp_path: Path, rule: Rule) -> None:
    with pytest.raises(MissingEvidenceError, match=r"10\+20 was exhausted by .* only"):
        rule(evidence(tmp_path, {CONTROL: frozenset({"slow", "wide", "far"})}))


def test_too_few_requests_show_nothing(tmp_path: Path) -> None:
    trials = [trial(name, loads, 1, sent=48) for name, loads in USUAL.items()]
    with pytest.raises(MissingEvidenceError, match="only 48 requests in slow"):
        remedy_cache(evidence_of(tmp_path, {"remedies": trials}))
