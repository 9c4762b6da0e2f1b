"""Two run folders side by side, repetition by repetition: what changed, and what chance may have done."""

from __future__ import annotations

import math
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_ind

from harness.errors import RunDirectoryError
from harness.records import GateRecord, GateSide, Outcome, Place, RouteCost, Side, TargetInfo
from reports.compare import Change, ComparedFigure, Comparison
from reports.compare.folders import compare_folders
from reports.compare.repeated import every_way, spread_of
from reports.formats import html, markdown, terminal
from reports.gate.columns import Column
from reports.gate.model import Observed, Phase, PhaseKind, Quantiles, Stretch
from reports.gate.phases import phase_columns
from scenarios.model import Scenario
from tests.unit.reports.builder import (
    ENVIRONMENT,
    Request,
    TrialBuilder,
    one_phase,
    pool_reading,
    target_info,
    write_run,
)

Plant = Callable[[TrialBuilder], None]
PLAIN = Scenario(name="plain", title="Plain", question="?", phases=(one_phase(duration_s=2.0, rate_per_s=100),))


def nothing(_: TrialBuilder) -> None:
    """As it is."""


def trial(seed: str, repetition: int, target: TargetInfo, *, noise: float = 0.01) -> TrialBuilder:
    """Two hundred requests about 8 ms on two routes; the repetition bears a bias of its own."""
    rng = random.Random(f"{seed} {target.name} {repetition}")
    built = TrialBuilder(PLAIN, target, repetition=repetition)
    built.mark_phases()
    bias = math.exp(rng.gauss(0, noise))
    built.requests = [
        Request("steady", 0.01 * number, 8 * bias * rng.uniform(0.9, 1.1), operation=("read", "write")[number % 2])
        for number in range(200)
    ]
    return built


def run(
    path: Path, plant: Plant = nothing, *, repetitions: int = 3, noise: float = 0.01, **manifest: object
) -> Path:
    trials = []
    for repetition in range(1, repetitions + 1):
        built = trial(path.name, repetition, target_info("shop"), noise=noise)
        plant(built)
        trials.append(built)
    return write_run(path, trials, control=None, **manifest)


def slower(ratio: float) -> Plant:
    def plant(built: TrialBuilder) -> None:
        built.requests = [
            Request(one.phase, one.sent_s, one.latency_ms * ratio, operation=one.operation)
            for one in built.requests
        ]

    return plant


def figure(found: Comparison, metric: str, route: str = "all", target: str = "shop") -> ComparedFigure:
    (one,) = [f for f in found.figures if (f.metric, f.route, f.target) == (metric, route, target)]
    return one


def test_what_is_slower_in_every_repetition_is_worse_by_so_much(tmp_path: Path) -> None:
    found = compare_folders(run(tmp_path / "a"), run(tmp_path / "b", slower(1.3)))

    for metric in ("p50", "p90"):
        for route in ("all", "read", "write"):
            one = figure(found, metric, route)
            assert (Change.WORSE, 3, 3) == (one.change, one.repetitions_a, one.repetitions_b)
            assert one.low is not None
            assert one.high is not None
            assert one.low < math.log(1.3) < one.high
            assert "slower (between" in one.said
            assert "beyond the floor of" in one.said
    assert Change.BETTER is figure(compare_folders(tmp_path / "b", tmp_path / "a"), "p50").change
    assert found.figures[0].change is Change.WORSE, "the worst stands first"


def test_the_same_thing_again_is_alike(tmp_path: Path) -> None:
    found = compare_folders(run(tmp_path / "a"), run(tmp_path / "b"))

    one = figure(found, "p50")
    assert Change.ALIKE is one.change, one.said
    assert "within the floor of" in one.said
    assert not {one.change for one in found.figures} & {Change.WORSE, Change.BETTER}


def test_a_single_repetition_a_side_leaves_all_open(tmp_path: Path) -> None:
    found = compare_folders(run(tmp_path / "a", repetitions=1), run(tmp_path / "b", slower(1.3), repetitions=1))

    one = figure(found, "p50")
    assert (Change.OPEN, None, None) == (one.change, one.low, one.high)
    assert "one repetition a side" in one.said
    assert "repeat them with -r 3" in found.noise
    assert "plain/shop: all p50 (steady)" in " ".join(terminal.render_comparison(found, width=120).split())


def test_repetitions_that_differ_as_much_as_the_runs_leave_it_open(tmp_path: Path) -> None:
    found = compare_folders(run(tmp_path / "a", noise=0.3), run(tmp_path / "b", slower(1.15), noise=0.3))

    assert Change.OPEN is figure(found, "p50").change


def with_twin(path: Path, plant: Plant, apart: float) -> Path:
    """A run of shop and of its twin, which differs from it by a factor that nothing explains."""
    trials = []
    for repetition in (1, 2, 3):
        own, twin = (
            trial(path.name, repetition, info)
            for info in (target_info("shop"), target_info("shop-twin", repeats="shop"))
        )
        slower(apart)(twin)
        for built in (own, twin):
            plant(built)
            trials.append(built)
    return write_run(path, trials)


def test_less_than_what_twins_differ_by_is_no_change(tmp_path: Path) -> None:
    a, b = with_twin(tmp_path / "a", nothing, 1.25), with_twin(tmp_path / "b", slower(1.12), 1.01)
    found = compare_folders(a, b)

    one = figure(found, "p50")
    assert one.noise is not None
    assert one.noise > math.log(1.2)
    assert Change.WORSE is not one.change
    assert "that A/A differs by" in one.said
    assert "shop and shop-twin of A, shop and shop-twin of B" in found.noise
    without = compare_folders(run(tmp_path / "c"), run(tmp_path / "d", slower(1.12)))
    assert Change.WORSE is figure(without, "p50").change
    assert "Neither run has A/A twins" in without.noise


def test_what_is_quicker_because_it_fails_is_no_gain(tmp_path: Path) -> None:
    def fails(built: TrialBuilder) -> None:
        slower(0.7)(built)
        built.requests[5] = Request("steady", 0.05, 1.0, Outcome.FAILED, "http-500", operation="write")

    one = figure(compare_folders(run(tmp_path / "a"), run(tmp_path / "b", fails)), "p50")
    assert Change.OPEN is one.change
    assert "no gain, as B fails more often" in one.said


def test_routes_that_appear_or_go_are_named_and_not_compared(tmp_path: Path) -> None:
    def adds(built: TrialBuilder) -> None:
        built.requests = [one for one in built.requests if one.operation != "write"]
        built.requests += [Request("steady", 0.01 * n, 5.0, operation="search") for n in range(100)]

    found = compare_folders(run(tmp_path / "a"), run(tmp_path / "b", adds))

    assert (("plain/shop/steady/write",), ("plain/shop/steady/search",)) == (found.only_in_a, found.only_in_b)
    assert not {"write", "search"} & {one.route for one in found.figures}
    for text in (terminal.render_comparison(found), markdown.render_comparison(found)):
        assert "plain/shop/steady/search" in " ".join(text.split())


def test_percentiles_without_enough_requests_are_named(tmp_path: Path) -> None:
    found = compare_folders(run(tmp_path / "a"), run(tmp_path / "b"))

    assert found.left_out == (
        "p99 is left out of plain/shop/steady/read, plain/shop/steady/write: "
        "no repetition of one of the runs has 200 successes.",
    )


def gate(path: Path, names: tuple[str, str], plant: Plant = nothing, *, apart: float = 1.0) -> Path:
    """A gate's folder of eleven pairs; `plant` is done to the head."""
    trials = []
    for pair in range(1, 12):
        for side, name in zip((Side.BASE, Side.HEAD), names, strict=True):
            info = TargetInfo(
                name=side.value, title=name, teaches="", place=Place(pair=names[0], side=side, position=1)
            )
            built = trial(path.name, pair, info)
            built.route_costs = (
                RouteCost(route="read", requests=2, statements=2, checkouts=2, opened=0, pings=2),
            )
            if side is Side.HEAD:
                slower(apart)(built)
                plant(built)
            trials.append(built)
    record = GateRecord(base=GateSide(name=names[0]), head=GateSide(name=names[1]), pairs=(11, 11))
    return write_run(path, trials, control="base", gate=record)


def one_statement_more(built: TrialBuilder) -> None:
    (read,) = built.route_costs
    built.route_costs = (read.model_copy(update={"statements": 4}),)


def test_gates_are_compared_by_what_their_sides_are(tmp_path: Path) -> None:
    a = gate(tmp_path / "a", ("shop", "stall"))
    b = gate(tmp_path / "b", ("stall", "shop"), one_statement_more)
    found = compare_folders(a, b)

    assert {"shop", "stall"} == {one.target for one in found.figures}
    statements = figure(found, "statements", "read")
    assert (Change.WORSE, True, 1.0, 2.0) == (
        statements.change, statements.counted, statements.a, statements.b,
    )  # fmt: skip
    assert "1 a request in A and 2 in B, in each repetition" == statements.said
    assert Change.ALIKE is figure(found, "statements", "read", "stall").change


def test_a_run_is_compared_with_the_side_of_a_gate_that_is_the_same_thing(tmp_path: Path) -> None:
    found = compare_folders(run(tmp_path / "a"), gate(tmp_path / "b", ("shop", "shop"), slower(2)))

    assert {"shop"} == {one.target for one in found.figures}
    assert Change.WORSE is not figure(found, "p50").change
    assert "plain/shop (head)" in found.only_in_b


def test_a_gate_of_a_thing_against_itself_tells_the_noise(tmp_path: Path) -> None:
    a = gate(tmp_path / "a", ("shop", "shop"), apart=1.2)
    found = compare_folders(a, gate(tmp_path / "b", ("shop", "shop")))

    assert "shop and shop (head) of A" in found.noise
    noise = figure(found, "p50").noise
    assert noise is not None
    assert noise > math.log(1.15)


def test_it_is_said_that_runs_are_not_paired_and_why(tmp_path: Path) -> None:
    a = run(tmp_path / "a")
    here = compare_folders(a, run(tmp_path / "b"))
    there = compare_folders(
        a, run(tmp_path / "c", environment=ENVIRONMENT.model_copy(update={"cpu_model": "Other CPU"}))
    )

    assert here.pairing.startswith("Not paired: the moment differs (less than a minute apart")
    assert there.pairing.startswith("Not paired: machine and moment differ (Example CPU, 2 cores; Other CPU, 2")
    for text in (terminal.render_comparison(there, width=400), html.render_comparison(there)):
        assert "Not paired: machine and moment differ" in text


def test_versions_of_libraries_are_told_and_the_load_of_the_moment_is_not(tmp_path: Path) -> None:
    changes = {"packages": {"fastapi": "0.165.0", "sqlalchemy": "2.1.9"}, "load_1m": 1.5, "kernel": "6.2.0"}
    found = compare_folders(
        run(tmp_path / "a"), run(tmp_path / "b", environment=ENVIRONMENT.model_copy(update=changes))
    )

    texts = {caveat.code: caveat.text for caveat in found.caveats}
    assert texts["versions-differ"] == "The runs differ (A / B) in sqlalchemy (2.1.0 / 2.1.9)."
    assert texts["machine-differs"] == "The runs differ (A / B) in kernel (6.1.0 / 6.2.0)."
    assert not [text for text in texts.values() if "load_1m" in text]


def test_what_halves_is_half_less_and_what_vanishes_is_so_many_a_request_less(tmp_path: Path) -> None:
    def costs(per_request: float, pings: int) -> Plant:
        def plant(built: TrialBuilder) -> None:
            rng = random.Random(f"{per_request} {built.repetition}")
            cpu_s = per_request * 200 * rng.uniform(0.99, 1.01) / 1000
            built.cpu_s = {"app": cpu_s}
            after = pool_reading(2.0, 0, requests_total=200, pings_total=pings and pings + built.repetition)
            built.readings = [pool_reading(-0.1, 0)]
            built.pool_at_end = after

        return plant

    found = compare_folders(run(tmp_path / "a", costs(2.0, 200)), run(tmp_path / "b", costs(1.0, 0)))

    assert figure(found, "cpu").said.startswith(("50 % less", "49 % less", "51 % less"))
    assert figure(found, "pings").said.startswith("1 a request less (between ")
    assert Change.BETTER is figure(found, "pings").change


def test_variables_and_revisions_that_differ_are_told(tmp_path: Path) -> None:
    def given(size: str) -> Plant:
        def plant(built: TrialBuilder) -> None:
            built.target = built.target.model_copy(update={"given": {"POOL_SIZE": size, "MODE": "fast"}})

        return plant

    found = compare_folders(run(tmp_path / "a", given("5")), run(tmp_path / "b", given("20")))

    texts = {caveat.code: (caveat.scope, caveat.text) for caveat in found.caveats}
    assert ("shop", "The runs differ (A / B) in POOL_SIZE (5 / 20).") == texts["subject-differs"]


def test_every_way_keeps_each_repetition(tmp_path: Path) -> None:
    """Rows of a grid are read back as what each run's repetitions differ by, and scipy's test of these is ours."""
    a, b = np.array([0.8, 0.9, 1.1]), np.array([1.0, 1.2, 1.3, 1.1])
    routes = {"all": Observed(100, successes=Quantiles(1.0))}
    phases = [
        [Phase(PhaseKind.SATURATING, routes, cpu_ms_per_request=float(value)) for value in run] for run in (a, b)
    ]
    grid = every_way("shop", Stretch("plain", "steady"), *phases)
    (column,) = [one for one in phase_columns(grid.context, "") if one.series.metric == "cpu"]
    assert isinstance(column, Column)
    spread = spread_of(column, grid)

    logs = np.log(a), np.log(b)
    assert spread.effect == pytest.approx(logs[1].mean() - logs[0].mean())
    assert spread.a == pytest.approx(logs[0] - logs[0].mean())
    assert spread.b == pytest.approx(logs[1] - logs[1].mean())
    expected = ttest_ind(logs[1], logs[0], equal_var=False).confidence_interval(0.95)
    assert spread.interval() == pytest.approx((expected.low, expected.high))


def test_one_repetition_against_several_is_held_against_where_another_would_come(tmp_path: Path) -> None:
    found = compare_folders(run(tmp_path / "a", repetitions=1), run(tmp_path / "b", repetitions=5))

    one = figure(found, "p50")
    narrow = figure(compare_folders(tmp_path / "b", run(tmp_path / "c", repetitions=5)), "p50")
    assert one.low is not None
    assert one.high is not None
    assert narrow.low is not None
    assert narrow.high is not None
    assert one.high - one.low > narrow.high - narrow.low


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda a, b: (a, a), "A and B are the same run"),
        (lambda a, b: (a, a / ".." / a.name), "A and B are the same run"),
        (lambda a, b: (a, Path(shutil.copytree(a, b.parent / "copy"))), "A and B are the same run"),
        (lambda a, b: (a, b.parent / "none"), "is not a folder"),
        (lambda a, b: (b.parent, a), "is not a run folder"),
        (lambda a, b: (a, _written(b, '{"format": "somebody"}')), "is not poolstorm's"),
        (lambda a, b: (a, _written(b, '{"format": "poolstorm-run", "version": 99}')), "upgrade poolstorm"),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    tmp_path: Path, spoil: Callable[[Path, Path], tuple[Path, Path]], says: str
) -> None:
    folders = spoil(run(tmp_path / "a"), run(tmp_path / "b"))

    with pytest.raises(RunDirectoryError, match=says) as caught:
        compare_folders(*folders)

    assert "\n" not in str(caught.value)
    assert 2 == caught.value.exit_code


def _written(folder: Path, manifest: str) -> Path:
    (folder / "manifest.json").write_text(manifest)
    return folder


def test_runs_without_a_common_target_are_refused_with_what_each_has(tmp_path: Path) -> None:
    other = write_run(tmp_path / "b", [trial("b", 1, target_info("stall"))])

    with pytest.raises(RunDirectoryError, match="A has shop under plain, B has stall under plain"):
        compare_folders(run(tmp_path / "a"), other)


def test_runs_in_which_nothing_can_be_used_have_nothing_to_compare(tmp_path: Path) -> None:
    def fails(built: TrialBuilder) -> None:
        built.state, built.reason = "failed", "the machine was restarted"  # type: ignore[assignment]

    found = compare_folders(run(tmp_path / "a"), run(tmp_path / "b", fails))

    assert found.is_empty
    assert () == found.figures
    assert "B has caveats of its own: trial-failed" in terminal.render_comparison(found, width=400)
