"""Two summaries side by side: ratios are B over A, and what is not alike is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.records import Bank, Outcome
from reports.analyse import analyse
from reports.compare import compare
from reports.read import read_run
from reports.summary import Summary
from scenarios.model import Check, Scenario
from tests.unit.reports.builder import ENVIRONMENT, Request, TrialBuilder, one_phase, target_info, write_run


def scenario(name: str = "plain", duration_s: float = 2.0) -> Scenario:
    phase = one_phase(duration_s=duration_s)
    return Scenario(
        name=name, title=name, question="?", phases=(phase,), checks=(Check(kind="money-is-conserved"),)
    )


def trial(
    latency_ms: float,
    *,
    count: int = 200,
    failed: int = 0,
    target: str = "a",
    money: int = 0,
    of: Scenario | None = None,
    size: int = 10,
) -> TrialBuilder:
    built = TrialBuilder(of or scenario(), target_info(target, {"pool_size": size}))
    built.mark_phases()
    built.requests += [Request("steady", 0.5, latency_ms)] * count
    built.requests += [Request("steady", 0.5, 3, Outcome.FAILED, "database-unavailable")] * failed
    built.bank = Bank(
        total_before_cents=100, total_after_cents=100 + money, transfers_stored=1, transfers_acknowledged=1,
        negative_balances=0,
    )  # fmt: skip
    return built


def summary(path: Path, *trials: TrialBuilder, **manifest: object) -> Summary:
    return analyse(read_run(write_run(path, list(trials), **manifest)))  # type: ignore[arg-type]


def test_ratios_are_b_over_a(tmp_path: Path) -> None:
    a = summary(tmp_path / "a", trial(10, count=200))
    b = summary(tmp_path / "b", trial(15, count=100, failed=25))

    (row,) = compare(a, b).phases

    assert (row.scenario, row.target, row.phase) == ("plain", "a", "steady")
    assert row.p50_ratio == pytest.approx(1.5, rel=2e-3)
    assert row.p99_ratio == pytest.approx(1.5, rel=2e-3)
    assert row.throughput_ratio == pytest.approx(0.5)  # 100 and 50 per second
    assert (row.a.error_share, row.b.error_share) == pytest.approx((0, 0.2))  # 25 of 125
    assert row.error_share_change == pytest.approx(0.2)


def test_run_compared_with_itself_differs_in_nothing(example: Summary) -> None:
    found = compare(example, example)

    assert {row.p50_ratio for row in found.phases} <= {1.0, None}
    assert (found.changed_checks, found.only_in_a, found.only_in_b) == ((), (), ())
    assert [caveat.code for caveat in found.caveats] == ["own-caveats"]  # the example has some


def test_caveats_of_either_run_are_pointed_to(example: Summary) -> None:
    clean = example.model_copy(update={"caveats": ()})
    other = clean.model_copy(update={"run": clean.run.model_copy(update={"run_id": "other"})})

    (caveat,) = compare(other, example).caveats

    assert caveat.text.startswith("B has caveats of its own: trial-invalid, trial-failed, pool-overrides")
    assert compare(other, clean).caveats == ()


def test_figure_that_one_side_lacks_has_no_ratio(tmp_path: Path) -> None:
    a, b = summary(tmp_path / "a", trial(10)), summary(tmp_path / "b", trial(10, count=0))

    (row,) = compare(a, b).phases

    assert (row.p50_ratio, row.p99_ratio, row.throughput_ratio, row.error_share_change) == (None, None, 0, None)
    assert compare(b, a).phases[0].throughput_ratio is None


def test_checks_that_changed_are_listed(tmp_path: Path) -> None:
    a, b = summary(tmp_path / "a", trial(10)), summary(tmp_path / "b", trial(10, money=-7))

    (change,) = compare(a, b).changed_checks

    assert (change.kind, change.a, change.b) == ("money-is-conserved", "passed", "broken")
    assert "-7 cents" in change.evidence_b


def test_what_is_only_in_one_run_is_listed(tmp_path: Path) -> None:
    a = summary(tmp_path / "a", trial(10), trial(10, target="old"), trial(10, of=scenario("gone")))
    b = summary(tmp_path / "b", trial(10), trial(10, target="new"))

    found = compare(a, b)

    assert (found.only_in_a, found.only_in_b) == (("plain/old", "gone"), ("plain/new",))
    assert [row.target for row in found.phases] == ["a"]


def test_circumstances_that_differ_are_caveats(tmp_path: Path) -> None:
    a = summary(tmp_path / "a", trial(10))
    b = summary(
        tmp_path / "b",
        trial(10, size=20, of=scenario(duration_s=3.0)),
        seed=8,
        environment=ENVIRONMENT.model_copy(update={"postgres": "17.5"}),
    )

    found = {caveat.code: caveat.text for caveat in compare(a, b).caveats}

    assert "postgres (18.1 / 17.5)" in found["versions-differ"]
    assert "seed (7 / 8)" in found["plan-differs"]
    assert "pool_size (10 / 20)" in found["settings-differ"]
    assert "steady" in found["scenario-differs"]


def test_rows_are_ordered_by_phase_so_that_targets_stand_together(example: Summary) -> None:
    rows = [row for row in compare(example, example).phases if row.scenario == "latency"]

    assert [(row.phase, row.target) for row in rows] == [
        (phase, target) for phase in ("near", "far") for target in example.run.targets
    ]
