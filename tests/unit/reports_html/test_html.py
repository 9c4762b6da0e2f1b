from __future__ import annotations

import base64
import hashlib
import re

import pytest

from reports.compare import compare
from reports.formats import formats, html
from reports.summary import Summary
from reports.view.matrix import telling_phase
from reports.view.numbers import DASH, figure, percent, points
from tests.unit.reports_html.example_summary import TARGETS, example_summary
from tests.unit.reports_html.page import Page

HOSTILE = "</script><script>alert('x')</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def summary() -> Summary:
    return example_summary(TARGETS, repetitions=2)


@pytest.fixture(scope="module")
def text(summary: Summary) -> str:
    return html.render(summary)


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


@pytest.fixture(scope="module")
def compared(summary: Summary) -> str:
    return html.render_comparison(compare(summary, example_summary(TARGETS[:3], repetitions=2, seed=9)))


def _without_library(text: str) -> str:
    """The page without Vega's own code, whose namespaces and links to documentation load nothing."""
    longest = max(re.findall(r"<script>(.*?)</script>", text, flags=re.S), key=len)
    return text.replace(longest, "")


@pytest.mark.parametrize("kind", ["report", "comparison"])
def test_the_page_is_whole_html(kind: str, text: str, compared: str) -> None:
    document = text if kind == "report" else compared
    page = Page(document)
    assert document.startswith("<!doctype html>\n<html lang=")
    assert [] == page.unbalanced
    assert len(page.ids()) == len(set(page.ids()))
    assert 1 == len(page.named("title")) == len(page.named("h1")) == len(page.named("main"))
    assert [] == [cell for cell in page.named("th") if "scope" not in cell.attributes]


@pytest.mark.parametrize("kind", ["report", "comparison"])
def test_nothing_is_loaded_from_anywhere(kind: str, text: str, compared: str) -> None:
    document = text if kind == "report" else compared
    ours = _without_library(document)
    assert {"https://vega.github.io/schema/vega-lite/v6.4.1.json"} >= set(
        re.findall(r"https?://[^\s\"'<>)]+", ours)
    )
    page = Page(document)
    assert [] == [element for element in page.elements if {"src", "srcset"} & element.attributes.keys()]
    assert [] == page.named("link")
    assert all(link.attributes["href"].startswith("#") for link in page.named("a"))
    assert not re.search(r"@import|url\(", ours)


def test_the_policy_forbids_the_network_and_names_each_script_by_its_hash(text: str) -> None:
    (policy,) = [e.attributes["content"] for e in Page(text).named("meta") if "http-equiv" in e.attributes]
    scripts = re.findall(r"<script>(.*?)</script>", text, flags=re.S)
    digests = {base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts}
    assert digests == set(re.findall(r"'sha256-([^']+)'", policy))
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy


def test_each_link_leads_somewhere(page: Page) -> None:
    targets = {link.attributes["href"].removeprefix("#") for link in page.named("a")}
    assert targets <= set(page.ids())
    assert {"settings", "reading", "caveats", "scenario-1", "scenario-5"} <= targets


def test_each_chart_has_a_place_a_description_and_a_specification(page: Page, summary: Summary) -> None:
    places = [element for element in page.named("div") if element.attributes.get("class") == "plot"]
    figures = page.chart_data()["figures"]
    assert list(figures) == [place.attributes["id"] for place in places]
    assert all(place.attributes["aria-label"] for place in places)
    # 5 timelines in each of 5 scenarios, dots in all but the ladder, and the ladder's 4 panels.
    assert 5 * 5 + 4 + 4 == len(places)


def test_every_part_of_the_report_is_there(page: Page) -> None:
    text = page.text()
    for words in (
        "Latency by phase",
        "Latency over time, and the pool under it",
        "Fault windows",
        "Where it runs out",
        "refusals from 40 users at once",
        "Errors by kind",
        "database-unavailable",
        "Checks",
        "not recovered after timeout in phase blackhole",
        "What limits these figures",
        "Settings and environment",
        "PostgreSQL 18.1",
        "Toxiproxy 2.12.0",
        "How to read the figures",
        "A trial of async-pool is left out: failed (target did not answer).",
    ):
        assert words in text, words


def test_successes_failures_and_both_can_be_chosen_without_a_script(page: Page, summary: Summary) -> None:
    for number in range(1, len(summary.scenarios) + 1):
        choices = page.named("input", name=f"measure-scenario-{number}")
        assert ["success", "failure", "together", "service"] == [choice.attributes["value"] for choice in choices]
        assert ["success"] == [c.attributes["value"] for c in choices if "checked" in c.attributes]


def test_names_and_texts_from_outside_are_escaped(summary: Summary) -> None:
    renamed = summary.model_dump_json().replace("no-pool", "NAME").replace("Steady load", "NAME")
    renamed = renamed.replace("slowest recovery 400 ms", "NAME").replace("generator-late", "NAME")
    hostile = Summary.model_validate_json(renamed.replace("NAME", HOSTILE.replace('"', '\\"')))
    page = Page(html.render(hostile))
    assert [] == page.named("img")
    assert 3 == len(page.named("script"))  # the data, Vega, our own
    titles = [spec["title"] for spec in page.chart_data()["figures"].values() if "title" in spec]
    assert {"text": f"async-{HOSTILE}", "subtitle": "repetition 1 of 2"} in titles
    assert [] == page.unbalanced


def test_a_figure_that_is_not_known_is_a_dash_and_never_none_or_nan(text: str, page: Page) -> None:
    cells = ["".join(cell.text) for cell in page.named("td", **{"class": "n"})]
    assert DASH in cells
    assert not {"None", "nan", "NaN", "inf"} & set(cells)


def test_the_same_summary_gives_the_same_bytes(summary: Summary, text: str) -> None:
    assert text == html.render(Summary.model_validate_json(summary.model_dump_json()))


def test_the_page_is_small_enough_to_mail(text: str) -> None:
    assert len(text.encode()) < 2_500_000


def test_a_summary_without_any_result_still_gives_a_page(summary: Summary) -> None:
    bare = summary.model_copy(
        update={
            "caveats": (),
            "scenarios": tuple(
                scenario.model_copy(
                    update={
                        "targets": tuple(
                            target.model_copy(
                                update={
                                    "phases": (),
                                    "timelines": (),
                                    "faults": (),
                                    "exhaustion": None,
                                    "checks": (),
                                }
                            )
                            for target in scenario.targets
                        )
                    }
                )
                for scenario in summary.scenarios
            ),
        }
    )
    page = Page(html.render(bare))
    assert [] == page.unbalanced
    assert "no completed trial" in page.text()


def test_a_run_that_was_interrupted_says_so(summary: Summary) -> None:
    run = summary.run.model_copy(update={"state": "interrupted"})
    page = Page(html.render(summary.model_copy(update={"run": run, "scenarios": ()})))
    assert "the run was interrupted" in page.text()
    assert [] == page.named("script")


def test_a_scenario_is_represented_by_the_phase_that_strained_the_control_most(summary: Summary) -> None:
    # Blackhole loses 40 % and outage 42 %; a burst costs four times as much; ladders speak for themselves.
    chosen = {scenario.name: telling_phase(scenario) for scenario in summary.scenarios}
    assert ("steady", "outage", "burst") == (chosen["baseline"], chosen["dropped-connections"], chosen["spike"])
    assert chosen["latency"] in ("far", "jittery")


def test_settings_that_differ_between_targets_are_marked(page: Page) -> None:
    assert 5 == len([row for row in page.named("tr") if row.attributes.get("class") == "differs"])


def test_a_comparison_shows_both_runs_what_moved_and_what_is_only_in_one(compared: str) -> None:
    text = Page(compared).text()
    assert "Two runs compared" in text
    assert "Only in A" in text or "only in A" in text
    assert "baseline/recommended" in text
    assert {f"scenario-{number}-moved" for number in range(1, 6)} == set(Page(compared).chart_data()["figures"])


def test_two_runs_with_nothing_in_common_give_a_page_that_says_so(summary: Summary) -> None:
    other = summary.model_copy(update={"scenarios": ()})
    assert "nothing to put side by side" in Page(html.render_comparison(compare(summary, other))).text()


def test_html_is_found_among_the_formats() -> None:
    assert ".html" == formats()["html"].suffix


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, DASH),
        (float("nan"), DASH),
        (0, "0"),
        (0.01234, "0.0123"),
        (4.1, "4.10"),
        (9.999, "10.0"),
        (99.95, "100"),
        (123.4, "123"),
        (1234.5, "1230"),
        (-4.1, "-4.10"),
    ],
)
def test_figures_have_three_significant_digits(value: float | None, expected: str) -> None:
    assert expected == figure(value)


@pytest.mark.parametrize(
    ("share", "expected"),
    [(None, DASH), (1.0, "100"), (0.0, "0"), (0.5, "50.0"), (0.99999, "99.99"), (0.9994, "99.94")],
)
def test_only_all_is_a_hundred_per_cent(share: float | None, expected: str) -> None:
    assert expected == percent(share)


def test_a_change_in_points_carries_its_sign() -> None:
    assert ["+1.50", "−1.50", "0", DASH] == [points(change) for change in (0.015, -0.015, 0.0, None)]
