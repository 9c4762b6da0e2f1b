"""The parts of the report that say how far its figures can be trusted."""

from __future__ import annotations

import pytest

from reports.compare import compare
from reports.formats import html
from reports.formats._figures import drawn_breakdowns
from reports.summary import ScenarioResult, Spread, Summary
from reports.view.numbers import between, tiny
from reports.view.sentences import what_came_out
from tests.unit.reports_html.page import Page
from tests.unit.reports_html.trusted_summary import AGAIN, trusted_summary


@pytest.fixture(scope="module")
def summary() -> Summary:
    return trusted_summary()


@pytest.fixture(scope="module")
def page(summary: Summary) -> Page:
    return Page(html.render(summary))


def _scenario(summary: Summary, name: str) -> ScenarioResult:
    return next(scenario for scenario in summary.scenarios if scenario.name == name)


def test_the_page_is_sound_and_every_chart_has_its_place(page: Page) -> None:
    assert [] == page.unbalanced
    assert len(page.ids()) == len(set(page.ids()))
    places = [
        element.attributes["id"] for element in page.named("div") if element.attributes.get("class") == "plot"
    ]
    assert list(page.chart_data()["figures"]) == places
    links = {link.attributes["href"].removeprefix("#") for link in page.named("a")}
    assert links <= set(page.ids())


def test_every_part_is_there(page: Page) -> None:
    text = page.text()
    for words in (
        "What came out",
        "Where the time goes",
        "What one request costs",
        "How long connections were held",
        "Round trips, by the slope of the median",
        "What could tilt the comparison",
        "same as sync-pool",
        "the load generator was late: 7 % of its starts by more than 20 ms",
        "Lower the rate, or give it a processor of its own.",
    ):
        assert words in text, words


def test_a_ratio_within_the_noise_floor_is_given_as_none_with_the_floor(page: Page) -> None:
    cells = [" ".join(cell.text).split() for cell in page.named("td", **{"class": "n"})]
    small = [" ".join(element.text) for element in page.named("small", **{"class": "interval"})]
    assert ["none"] in cells
    assert "1.02, floor 1.10" in small


def test_a_figure_shows_its_interval_over_the_repetitions(summary: Summary, page: Page) -> None:
    interval = _scenario(summary, "baseline").targets[0].phases[-1].intervals.p50_ms
    small = [" ".join(element.text) for element in page.named("small", **{"class": "interval"})]
    assert between(interval) in small
    assert "90.0–100" in small  # share of successes, in per cent


def test_rows_of_the_ledger_that_differ_are_marked(page: Page) -> None:
    # one ledger for all scenarios, with one differing row; behind it five differing settings
    assert 1 + 5 == len([row for row in page.named("tr") if row.attributes.get("class") == "differs"])


def test_scenarios_with_another_ledger_have_one_of_their_own(summary: Summary) -> None:
    first, *others = summary.scenarios
    assert first.ledger is not None
    row = first.ledger.rows[0].model_copy(update={"name": "workers of another kind"})
    changed = first.model_copy(update={"ledger": first.ledger.model_copy(update={"rows": (row,)})})
    text = Page(html.render(summary.model_copy(update={"scenarios": (changed, *others)}))).text()
    assert "workers of another kind" in text
    assert "connections allowed" in text


def test_a_trial_left_out_is_told_first_and_not_again_among_the_caveats(summary: Summary) -> None:
    invalid = summary.caveats[0].model_copy(update={"code": "trial-invalid", "text": "TOLD TWICE"})
    text = Page(html.render(summary.model_copy(update={"caveats": (invalid, *summary.caveats)}))).text()
    assert "TOLD TWICE" not in text
    assert text.index("left out of every figure") < text.index("What came out")


def test_of_a_ladder_only_the_first_step_an_onset_and_the_last_are_drawn(summary: Summary) -> None:
    drawn = list(drawn_breakdowns(_scenario(summary, "exhaustion")))
    # sync-pool and async-pool, the first to give up, do so at 40 users
    assert ["users-10", "users-40", "users-110"] == drawn


def test_the_target_that_is_run_again_is_not_drawn_over_time(page: Page, summary: Summary) -> None:
    titles = [spec["title"]["text"] for spec in page.chart_data()["figures"].values() if "vconcat" in spec]
    assert set(summary.run.targets) - {AGAIN} == set(titles)
    assert f"because the same target is: {AGAIN}." in page.text()


def test_the_target_that_is_run_again_is_no_competitor_in_what_came_out(summary: Summary) -> None:
    for scenario in summary.scenarios:
        assert AGAIN not in what_came_out(scenario)


def test_what_came_out_of_steady_load_is_the_ratio_to_the_control(summary: Summary) -> None:
    said = what_came_out(_scenario(summary, "baseline"))
    control = next(p for p in _scenario(summary, "baseline").targets[0].phases if p.phase == "steady")
    assert said.startswith(
        f"In phase steady the median request took {control.success.p50_ms:.2f} ms in sync-pool, "
    )
    assert "times as long in async-pool" in said
    assert "; no difference beyond the noise in recommended." in said
    assert said.endswith("No request failed.")


def test_what_came_out_of_lost_connections_is_what_failed_and_who_came_back(summary: Summary) -> None:
    said = what_came_out(_scenario(summary, "dropped-connections"))
    # 8 of 38 failed in each reset and each timeout; of the proxy's absence nothing survived
    assert "during reset-peer: 21.1 %, whatever the target" in said
    assert "during proxy-down: all, whatever the target" in said
    assert said.endswith("no steady success was seen in async-pool.")


def test_recovery_is_told_in_whole_intervals(summary: Summary) -> None:
    scenario = _scenario(summary, "dropped-connections")
    targets = tuple(
        target.model_copy(
            update={"faults": tuple(f.model_copy(update={"recovery_ms": 201.0}) for f in target.faults)}
        )
        for target in scenario.targets
    )
    # 201 ms lies in the third interval of 100 ms
    said = what_came_out(scenario.model_copy(update={"targets": targets}))
    assert said.endswith("After every healing all requests succeeded again within 0.3 s.")


def test_what_came_out_of_latency_is_by_how_much_the_median_rose(summary: Summary) -> None:
    scenario = _scenario(summary, "latency")
    control = scenario.targets[0]
    near = next(p for p in control.phases if (p.phase, p.operation) == ("near", "all"))
    inside = next(f for f in control.faults if f.phase == "far")
    rise = (inside.success.p50_ms or 0) - (near.success.p50_ms or 0)
    said = what_came_out(scenario)
    assert said.startswith("With latency 10 ms (phase far) the median rose by ")
    assert f"{rise:.1f} in sync-pool" in said or f"{rise:.1f} ms in sync-pool" in said


def test_what_came_out_of_a_ladder_is_where_each_target_gave_up(summary: Summary) -> None:
    said = what_came_out(_scenario(summary, "exhaustion"))
    assert (
        "sync-pool (30 connections) and async-pool (30 connections) refused requests from 40 users at once on"
        in said
    )
    assert "recommended (50 connections) refused requests from 60 users at once" in said


def test_what_came_out_of_a_ladder_of_latencies_is_the_slope(summary: Summary) -> None:
    said = what_came_out(_scenario(summary, "round-trips"))
    assert "one read-user waits for the database: recommended and sync-pool 3.00, async-pool 4.98" in said
    assert "async-no-pool 9.02" in said  # a transfer takes one more than a read


def test_a_target_without_valid_figures_is_named(summary: Summary) -> None:
    scenario = _scenario(summary, "baseline")
    bare = scenario.targets[1].model_copy(update={"phases": (), "faults": (), "counts": None, "breakdowns": ()})
    targets = (scenario.targets[0], bare, *scenario.targets[2:])
    assert what_came_out(scenario.model_copy(update={"targets": targets})).endswith(
        "Without valid figures: async-pool."
    )


def test_nothing_is_said_of_a_scenario_without_figures(summary: Summary) -> None:
    bare = _scenario(summary, "baseline").model_copy(update={"targets": ()})
    assert "" == what_came_out(bare)


def test_an_interval_is_written_in_the_unit_of_its_figure() -> None:
    assert "" == between(None)
    assert "3.10–4.20" == between(Spread(low=3.1, high=4.2, repetitions=3))
    assert "" == between(Spread(low=0.99999, high=1.0, repetitions=3), 100)
    assert "90.0–100" == between(Spread(low=0.9, high=1.0, repetitions=3), 100)


@pytest.mark.parametrize(("value", "expected"), [(0.000255, "0"), (-0.0004, "0"), (0.0533, "0.0533"), (None, "–")])
def test_what_no_clock_resolves_is_nothing(value: float | None, expected: str) -> None:
    assert expected == tiny(value)


def test_a_comparison_sets_counts_and_round_trips_side_by_side(summary: Summary) -> None:
    text = Page(html.render_comparison(compare(summary, trusted_summary(repetitions=2)))).text()
    assert "Connections opened" in text
    assert "Round trips, by the slope of the median" in text
    assert "2.90–3.10" in text  # of sync-pool, in both
