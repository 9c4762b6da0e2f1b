from __future__ import annotations

import itertools
import json

import altair as alt
import pytest

from reports import charts
from reports.charts.theme import PALETTE, Scheme
from reports.summary import FaultWindow, GaugePoint, ScenarioResult, Summary, TargetResult, Timeline
from tests.unit.reports_html.example_summary import TARGETS, example_summary
from tests.unit.reports_html.trusted_summary import trusted_summary


@pytest.fixture(scope="module")
def summary() -> Summary:
    return example_summary(TARGETS)


def _scenario(summary: Summary, name: str) -> ScenarioResult:
    return next(scenario for scenario in summary.scenarios if scenario.name == name)


def _timeline(
    target: TargetResult, timeline: Timeline | None = None, faults: tuple[FaultWindow, ...] = ()
) -> charts.Spec:
    timeline = timeline or target.timelines[0]
    frame = charts.frame_of([timeline])
    return charts.timeline_chart(target.target, "#2878b5", timeline, faults or target.faults, frame)


def _every_chart(summary: Summary) -> dict[str, charts.Spec]:
    names = list(summary.run.targets)
    specs: dict[str, charts.Spec] = {}
    for scenario in summary.scenarios:
        rows = [
            (phase.phase, target.target, phase.success, None)
            for target in scenario.targets
            for phase in target.phases
        ]
        specs[f"{scenario.name} dots"] = charts.dots_chart(rows, names)
        specs[f"{scenario.name} over time"] = _timeline(scenario.targets[0])
        ladders = {target.target: target.exhaustion for target in scenario.targets if target.exhaustion}
        if ladders:
            specs |= charts.exhaustion_charts(ladders)
    trusted = trusted_summary()
    parts = [(target.target, target.breakdowns[0]) for target in trusted.scenarios[0].targets]
    specs["breakdown"] = charts.breakdown_chart("steady", parts)
    trips = {target.target: target.round_trips[0] for target in trusted.scenarios[-1].targets}
    specs["round trips"] = charts.round_trips_chart("read-user", trips)
    specs["compared"] = charts.compared_chart([("steady", name, 4.0, 5.5) for name in names], names)
    return specs


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_chart_is_valid_vega_lite_and_says_what_it_shows(summary: Summary, scheme: Scheme) -> None:
    for name, spec in _every_chart(summary).items():
        drawn = charts.themed(spec, scheme)
        chart = alt.VConcatChart if "vconcat" in drawn else alt.LayerChart
        chart.from_dict(drawn)  # raises where the schema is not met
        assert len(spec["description"]) > 20, name
        assert '"@' not in json.dumps(drawn), name


def test_a_chart_is_the_same_each_time_it_is_built(summary: Summary) -> None:
    assert json.dumps(_every_chart(summary)) == json.dumps(_every_chart(summary))


def test_a_target_keeps_its_colour_whatever_company_it_is_in() -> None:
    alone = charts.target_colours(["no-pool"])
    together = charts.target_colours([*TARGETS, "mine"])
    assert alone["no-pool"] == together["no-pool"]
    assert 6 == len(set(together.values()))


def test_targets_beyond_the_palette_still_get_a_colour() -> None:
    names = [f"target-{number}" for number in range(len(PALETTE) + 3)]
    assert names == list(charts.target_colours(names))


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(("scheme", "colour"), list(itertools.product(("light", "dark"), PALETTE)))
def test_target_colours_stand_out_from_both_papers(scheme: Scheme, colour: str) -> None:
    # WCAG 2 asks for 3:1 between a graphical object and what lies behind it.
    paper = _luminance(charts.themes()[scheme]["tokens"]["@paper"])
    lighter, darker = sorted((paper, _luminance(colour)), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 3.0


def test_a_gauge_that_was_not_read_leaves_a_hole_rather_than_a_zero(summary: Summary) -> None:
    target = _scenario(summary, "baseline").targets[0]
    gauges = (GaugePoint(t_s=1.0, checked_out=0, waiting=0), GaugePoint(t_s=1.1))
    spec = _timeline(target, target.timelines[0].model_copy(update={"gauges": gauges}))
    assert [{"t": 1.0, "checked out": 0, "waiting": 0}, {"t": 1.1}] == spec["datasets"]["gauges"]


def test_a_fault_that_was_never_healed_is_shaded_to_the_end(summary: Summary) -> None:
    target = _scenario(summary, "dropped-connections").targets[0]
    fault = target.faults[0].model_copy(update={"heal_begin_s": None, "heal_done_s": None})
    (window,) = _timeline(target, faults=(fault,))["datasets"]["windows"]
    end_s = target.timelines[0].phases[-1][2]
    assert pytest.approx(end_s, rel=1e-3) == window["to"] == window["outer to"]


def test_fault_windows_are_shaded_in_each_panel_on_one_time_axis(summary: Summary) -> None:
    target = _scenario(summary, "dropped-connections").targets[0]
    spec = _timeline(target)
    domains = set()
    for panel in spec["vconcat"]:
        assert any(layer.get("data") == {"name": "windows"} for layer in panel["layer"])
        domains |= {
            tuple(layer["encoding"]["x"]["scale"]["domain"]) for layer in panel["layer"] if "encoding" in layer
        }
    assert 3 == len(spec["vconcat"])
    assert 1 == len(domains)


def test_the_panel_of_failures_is_left_out_where_nothing_failed(summary: Summary) -> None:
    assert 2 == len(_timeline(_scenario(summary, "baseline").targets[0])["vconcat"])


def test_a_hostile_target_name_is_data_and_no_token(summary: Summary) -> None:
    name = '"@target"</script>'
    target = _scenario(summary, "baseline").targets[0].model_copy(update={"target": name})
    assert name == charts.themed(_timeline(target))["title"]


def test_an_empty_timeline_still_gives_a_chart() -> None:
    empty = Timeline(repetition=1, points=(), gauges=(), phases=())
    spec = charts.timeline_chart("sync-pool", "#2878b5", empty, (), charts.frame_of([empty]))
    alt.VConcatChart.from_dict(charts.themed(spec))


def test_the_onset_of_exhaustion_is_marked_at_its_step(summary: Summary) -> None:
    ladders = {t.target: t.exhaustion for t in _scenario(summary, "exhaustion").targets if t.exhaustion}
    spec = charts.exhaustion_charts(ladders)["refusals"]
    rows = next(iter(spec["datasets"].values())) if "datasets" in spec else spec["data"]["values"]
    marked = {row["target"]: row["offered"] for row in rows if row["onset"]}
    assert {target: ladder.onset_offered for target, ladder in ladders.items()} == marked


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_one_specification_gives_svg_and_png(summary: Summary, scheme: Scheme) -> None:
    spec = _timeline(_scenario(summary, "dropped-connections").targets[0])
    drawn = charts.svg(spec, scheme=scheme)
    assert drawn.startswith("<svg")
    assert "proxy-down" in drawn
    assert charts.png(spec, scheme=scheme, scale=1).startswith(b"\x89PNG\r\n")


def test_the_parts_of_a_bar_add_up_to_its_mean_and_follow_each_other_in_time() -> None:
    breakdown = trusted_summary().scenarios[0].targets[0].breakdowns[0]
    data = charts.breakdown_chart("steady", [("sync-pool", breakdown)])["datasets"]
    assert ["sent late", "waiting", "connecting", "pre-ping", "statements", "rest"] == [
        row["part"] for row in sorted(data["parts"], key=lambda row: row["i"])
    ]
    assert pytest.approx(breakdown.mean_ms, rel=1e-3) == sum(row["ms"] for row in data["parts"])


def test_the_return_of_the_connection_follows_the_answer_and_adds_nothing_to_the_mean() -> None:
    breakdown = trusted_summary().scenarios[0].targets[0].breakdowns[0]
    rows = [("sync-pool", breakdown), ("no-pool", breakdown)]
    data = charts.breakdown_chart("steady", rows, {"no-pool": 2.5})["datasets"]
    assert [("no-pool", 2.5)] == [
        (row["target"], row["ms"]) for row in data["parts"] if row["part"] == charts.RETURN
    ]
    without, behind = data["means"]
    assert pytest.approx(breakdown.mean_ms, rel=1e-3) == without["mean"] == behind["mean"] == without["end"]
    assert pytest.approx(breakdown.mean_ms + 2.5, rel=1e-3) == behind["end"]


def test_a_part_below_zero_is_drawn_as_none_while_the_mean_stays_true() -> None:
    breakdown = trusted_summary().scenarios[0].targets[0].breakdowns[0].model_copy(update={"rest_ms": -0.2})
    data = charts.breakdown_chart("steady", [("sync-pool", breakdown)])["datasets"]
    assert 0 == next(row["ms"] for row in data["parts"] if row["part"] == "rest")
    assert pytest.approx(breakdown.mean_ms, rel=1e-3) == data["means"][0]["mean"]


def test_the_line_of_round_trips_rises_by_the_slope() -> None:
    trips = trusted_summary().scenarios[-1].targets[0].round_trips[0]
    spec = charts.round_trips_chart("read-user", {"sync-pool": trips})
    line, points = (spec["datasets"][layer["data"]["name"]] for layer in spec["layer"])
    # 3.0 round trips of 24 ms on top of 3.5 ms
    assert [(0.0, 3.5), (24.0, 75.5)] == [(row["latency"], row["p50"]) for row in line]
    assert 5 * 3 == len(points)


def test_intervals_of_the_median_are_drawn_where_there_are_any() -> None:
    phases = trusted_summary().scenarios[0].targets[0].phases
    bare = [(phase.phase, "sync-pool", phase.success, None) for phase in phases]
    known = [(phase.phase, "sync-pool", phase.success, phase.intervals.p50_ms) for phase in phases]
    marks = {
        name: [layer["mark"]["type"] for layer in charts.dots_chart(rows, ["sync-pool"])["layer"]]
        for name, rows in (("bare", bare), ("known", known))
    }
    assert [*marks["bare"], "rule", "tick", "tick"] == marks["known"]


def test_the_thread_pool_is_marked_only_where_the_ladder_passes_it(summary: Summary) -> None:
    ladders = {t.target: t.exhaustion for t in _scenario(summary, "exhaustion").targets if t.exhaustion}
    assert "40 threads" in json.dumps(charts.exhaustion_charts(ladders, threads=40))
    assert "500 threads" not in json.dumps(charts.exhaustion_charts(ladders, threads=500))


def test_a_chart_of_several_repetitions_names_the_one_that_it_shows(summary: Summary) -> None:
    target = _scenario(summary, "baseline").targets[0]
    line = target.timelines[0]
    spec = charts.timeline_chart("sync-pool", "#2878b5", line, (), charts.frame_of([line]), "repetition 2 of 3")
    assert {"text": "sync-pool", "subtitle": "repetition 2 of 3"} == spec["title"]
