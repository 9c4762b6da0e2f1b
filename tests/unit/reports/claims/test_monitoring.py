"""The ruling on the pool's gauges as a warning, from synthetic runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.records import GapReading, Outcome
from reports.claims.base import RulingVerdict
from reports.claims.evidence import MissingEvidenceError
from reports.claims.rules import Found
from reports.claims.rulings.monitoring import FORMS, monitoring
from scenarios import exhaustion_30s
from scenarios.monitoring import SCENARIO
from tests.unit.reports.builder import Request, TrialBuilder, ns, pool_reading, target_info
from tests.unit.reports.claims.support import evidence_of

RISING_S, BURST_S = 2.8, 9.8
"""When the loads begin."""
OVERDUE_S = 0.8
NEVER = 99.0


def trial(
    target: str,
    shown_s: float = 1.0,
    refused: int = 10,
    repetition: int = 1,
    late_ms: float = 2_000.0,
    is_answering: bool = True,
    is_asked: bool = True,
    limit: int | None = 30,
) -> TrialBuilder:
    """Every connection is out from `shown_s` on in either load. Its first requests are served in time; those due
    1.05 s after its beginning take `late_ms` and are refused.
    """
    made = TrialBuilder(SCENARIO, target_info(target), repetition=repetition)
    made.mark_phases()
    made.readings += [pool_reading(0.8 + 0.1 * number, 20) for number in range(20)]
    for phase, start_s, length_s in (("rising", RISING_S, 4.0), ("burst", BURST_S, 1.2)):
        made.requests += [Request(phase, start_s + 0.05, 410.0, operation="slow") for _ in range(30)]
        made.requests += [
            Request(phase, start_s + 1.05, late_ms, Outcome.REFUSED, "pool-exhausted", operation="slow")
            for _ in range(refused)
        ]
        for number in range(1, round(10 * length_s)):
            at_s = start_s + 0.1 * number
            if not is_asked:
                continue
            if is_answering:
                made.readings.append(pool_reading(at_s, 30 if 0.1 * number >= shown_s - 1e-6 else 20, limit=limit))
            else:
                made.readings.append(GapReading(t_ns=ns(at_s), of="pool", reason="no answer in 0.5 s"))
    return made


def once(**forms: Mapping[str, float | bool]) -> dict[str, list[TrialBuilder]]:
    """One of each, which is enough for what holds in every trial."""
    return {"monitoring": [made for made in runs(**forms)["monitoring"] if made.repetition == 1]}


def runs(**forms: Mapping[str, float | bool]) -> dict[str, list[TrialBuilder]]:
    """Three trials of each form; what is given for one (its name with underscores) changes them."""
    return {
        "monitoring": [
            trial(target, repetition=number, **forms.get(target.replace("-", "_"), {}))  # type: ignore[arg-type]
            for number in (1, 2, 3)
            for target in FORMS
        ]
    }


def rule(tmp_path: Path, runs: dict[str, list[TrialBuilder]]) -> Found:
    return monitoring(evidence_of(tmp_path, runs))


def test_what_every_form_shows_in_time_is_supported_with_its_lead(tmp_path: Path) -> None:
    found = rule(tmp_path, runs())
    assert found.verdict is RulingVerdict.SUPPORTED
    # Due in the interval that begins at 1.0 s, overdue 0.8 s later, and shown at 1.0 s.
    assert "800 ms before the first request was refused or overdue where the load rose, and 800 ms" in found.said
    assert "a load within the limit 100 % of the readings" in found.condition
    leads = {figure.where: figure.value for figure in found.figures if "before a user" in figure.name}
    assert leads["burst; a route that asks the database"] == pytest.approx(800.0)


def test_a_refusal_is_noticed_when_it_comes_where_that_is_sooner(tmp_path: Path) -> None:
    found = rule(tmp_path, runs(**{name.replace("-", "_"): {"late_ms": 500.0} for name in FORMS}))
    (lead,) = (
        f for f in found.figures if f.name.startswith("shown") and f.where == f"burst; {FORMS['sync-pool']}"
    )
    assert lead.value == pytest.approx(500.0, abs=1.0)


def test_a_form_that_answers_nothing_refutes_it_and_is_named(tmp_path: Path) -> None:
    found = rule(tmp_path, runs(async_def_sync={"is_answering": False}))
    assert found.verdict is RulingVerdict.REFUTED
    told, _, blind = found.said.partition("Nothing was shown in time: ")
    assert FORMS["async-def-sync"] in blind
    assert FORMS["async-def-sync"] not in told
    assert "(0 % of the readings came)" in blind


def test_what_shows_only_once_users_know_has_told_nothing(tmp_path: Path) -> None:
    found = rule(tmp_path, runs(sync_pool={"shown_s": NEVER}))
    assert found.verdict is RulingVerdict.REFUTED
    assert FORMS["sync-pool"] in found.said.partition("Nothing was shown in time: ")[2]


def test_what_shows_in_some_trials_only_is_inconclusive(tmp_path: Path) -> None:
    mixed = runs()
    mixed["monitoring"][0] = trial("sync-pool", shown_s=NEVER)
    found = rule(tmp_path, mixed)
    assert found.verdict is RulingVerdict.INCONCLUSIVE
    assert f"In some trials only: {FORMS['sync-pool']}." in found.said


def test_a_load_that_nobody_noticed_shows_nothing(tmp_path: Path) -> None:
    with pytest.raises(MissingEvidenceError, match="only 9 requests of sync-pool were refused or overdue"):
        rule(tmp_path / "few", runs(sync_pool={"refused": 9}))
    with pytest.raises(MissingEvidenceError, match="no request was refused or overdue in rising"):
        rule(tmp_path / "none", runs(sync_pool={"refused": 0}))


def test_the_usual_timeout_has_its_own_lead(tmp_path: Path) -> None:
    found = rule(tmp_path, {**once(), "exhaustion-30s": [long_trial()]})
    assert found.verdict is RulingVerdict.SUPPORTED
    assert "With the timeout of 30 s that was 29," in found.condition


def long_trial(refused: int = 5, out: int = 30, repetition: int = 1) -> TrialBuilder:
    made = TrialBuilder(exhaustion_30s.SCENARIO, target_info("sync-pool"), repetition=repetition)
    made.mark_phases()
    made.requests += [Request("held", 0.05, 35_050.0, operation="hold_long") for _ in range(30)]
    made.requests += [
        Request("held", 0.05, 30_060.0, Outcome.REFUSED, "pool-exhausted", operation="hold_long")
        for _ in range(refused)
    ]
    made.readings += [pool_reading(0.1 * number, out) for number in range(1, 300)]
    return made


@pytest.mark.parametrize(
    ("outs", "verdict"), [((29, 29), RulingVerdict.REFUTED), ((30, 29), RulingVerdict.INCONCLUSIVE)]
)
def test_what_the_gauges_never_show_with_the_usual_timeout_is_not_supported(
    tmp_path: Path, outs: tuple[int, int], verdict: RulingVerdict
) -> None:
    made = [long_trial(out=out, repetition=number) for number, out in enumerate(outs, 1)]
    assert rule(tmp_path, {**once(), "exhaustion-30s": made}).verdict is verdict


def test_hardly_anyone_who_met_the_usual_timeout_shows_nothing(tmp_path: Path) -> None:
    with pytest.raises(MissingEvidenceError, match="fewer than 3 requests met"):
        rule(tmp_path, {**once(), "exhaustion-30s": [long_trial(refused=2)]})


def test_without_a_health_route_there_is_nothing_to_support(tmp_path: Path) -> None:
    with pytest.raises(MissingEvidenceError, match=r"no health route of .* was measured"):
        rule(tmp_path, {"monitoring": [trial("recommended")]})


@pytest.mark.parametrize(
    ("shown_s", "verdict"), [(1.0, RulingVerdict.INCONCLUSIVE), (NEVER, RulingVerdict.REFUTED)]
)
def test_some_of_the_routes_can_refute_it_and_not_support_it(
    tmp_path: Path, shown_s: float, verdict: RulingVerdict
) -> None:
    found = rule(tmp_path, {"monitoring": [trial("sync-pool", shown_s), trial("async-pool")]})
    assert found.verdict is verdict
    assert f"Not measured: {FORMS['health-in-thread']};" in found.said


def test_a_route_that_nobody_asked_is_not_blind(tmp_path: Path) -> None:
    with pytest.raises(MissingEvidenceError, match="the health route of sync-pool was asked 0 times under a load"):
        rule(tmp_path, once(sync_pool={"is_asked": False}))


def test_a_pool_without_a_limit_is_never_exhausted(tmp_path: Path) -> None:
    without = once()
    without["monitoring"][0] = trial("sync-pool", limit=None)
    with pytest.raises(MissingEvidenceError, match="has no limit"):
        rule(tmp_path, without)
