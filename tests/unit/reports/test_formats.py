"""Formats turn a summary into text that people and programs can read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import RunDirectoryError
from reports.analyse import analyse
from reports.compare import Comparison, compare
from reports.compare.folders import compare_folders
from reports.formats import formats, markdown, terminal
from reports.formats import json as json_format
from reports.read import read_run
from reports.summary import CheckVerdict, Count, Intervals, Summary
from reports.view.latency import latency_table
from reports.view.numbers import figure
from tests.unit.reports.builder import example_run
from tests.unit.reports.conftest import Golden

ANSI = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(scope="session")
def comparison(example_folder: Path, example: Summary, tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """The example against one of another seed, which lacks a target and breaks a check."""
    folder = example_run(tmp_path_factory.mktemp("runs") / "other", seed=8)
    found = compare_folders(example_folder, folder)
    other = analyse(read_run(folder))
    scenarios = list(other.scenarios)
    scenarios[0] = scenarios[0].model_copy(update={"targets": scenarios[0].targets[:2]})
    broken = (
        scenarios[1]
        .targets[0]
        .checks[0]
        .model_copy(update={"verdict": CheckVerdict.BROKEN, "evidence": "2 failed"})
    )
    changed = scenarios[1].targets[0].model_copy(update={"checks": (broken,)})
    scenarios[1] = scenarios[1].model_copy(update={"targets": (changed, *scenarios[1].targets[1:])})
    return compare(
        example,
        other.model_copy(update={"scenarios": tuple(scenarios)}),
        figures=[one for one in found.figures if one.scenario == "baseline"],  # all would fill a megabyte
        noise=found.noise,
        left_out=found.left_out,
    )


def test_formats_are_found_in_their_package() -> None:
    assert {"json", "markdown", "terminal"} <= set(formats())
    assert [name for name, found in formats().items() if found.name != name] == []


@pytest.mark.parametrize(
    ("name", "render"),
    [("terminal.txt", terminal.render), ("summary.md", markdown.render)],
)
def test_summary_golden(example: Summary, golden: Golden, name: str, render: Callable[[Summary], str]) -> None:
    golden.check(name, render(example))


@pytest.mark.parametrize(
    ("name", "render"),
    [
        ("comparison.txt", terminal.render_comparison),
        ("comparison.md", markdown.render_comparison),
        ("comparison.json", json_format.render_comparison),
    ],
)
def test_comparison_golden(
    comparison: Comparison, golden: Golden, name: str, render: Callable[[Comparison], str]
) -> None:
    golden.check(name, render(comparison))


def test_json_golden(example: Summary, golden: Golden) -> None:
    """Without the timelines, which would fill a megabyte."""
    scenarios = tuple(
        scenario.model_copy(
            update={"targets": tuple(t.model_copy(update={"timelines": ()}) for t in scenario.targets)}
        )
        for scenario in example.scenarios[-1:]
    )
    golden.check("summary.json", json_format.render(example.model_copy(update={"scenarios": scenarios})))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_terminal_text_keeps_to_its_width(example: Summary, comparison: Comparison, width: int) -> None:
    lines = terminal.render(example, width=width).splitlines()
    lines += terminal.render_comparison(comparison, width=width).splitlines()

    assert [line for line in lines if len(line) > width] == []


def test_figures_survive_at_80_columns(example: Summary) -> None:
    """No figure is cut: every p50 of a phase that counts is found whole."""
    text = terminal.render(example, width=80)
    target = example.scenarios[0].targets[2]

    assert re.search(rf"{target.target} +40\.0 +{target.phases[-3].success.p50_ms:.3g} ", text)


def test_colour_adds_nothing_but_colour(example: Summary) -> None:
    plain, coloured = terminal.render(example), terminal.render(example, colour=True)

    assert "\x1b[" in coloured
    assert "\x1b[" not in plain
    stripped = [line.rstrip() for line in ANSI.sub("", coloured).splitlines()]
    assert stripped == plain.splitlines()


@pytest.mark.parametrize("name", ["terminal", "markdown"])
def test_no_bare_nan_or_none(example: Summary, name: str) -> None:
    text = formats()[name].render(example)

    assert re.findall(r"\b(?:nan|NaN|None|inf)\b", text) == []


def hostile(example: Summary, reason: str) -> Summary:
    caveat = example.caveats[0].model_copy(update={"text": reason})
    return example.model_copy(update={"caveats": (caveat,)})


def test_recorded_text_cannot_steer_the_terminal(example: Summary) -> None:
    text = terminal.render(hostile(example, "gone\x1b[2J\x07 wild"))

    assert "\x1b" not in text
    assert "\x07" not in text


def test_recorded_text_cannot_leave_its_markdown_cell(example: Summary) -> None:
    text = markdown.render(hostile(example, "a | b\n# c <img src=x> `d`"))

    assert r"a \| b \# c \<img src=x\> \`d\`" in text


def test_held_times_bear_their_intervals_in_markdown_as_in_html(example: Summary) -> None:
    target = example.scenarios[0].targets[0]
    held = next(times for times in target.held if times.of == "held" and not times.warmup)
    between = held.p50_interval
    assert between is not None
    assert f"{figure(held.p50_ms)} ({figure(between.low)}–{figure(between.high)})" in markdown.render(example)


def test_json_round_trips(example: Summary) -> None:
    assert json_format.parse_summary(json_format.render(example)) == example


def test_json_says_what_it_is(example: Summary) -> None:
    document = json.loads(json_format.render(example))

    assert (document["format"], document["version"]) == ("poolstorm-summary", 5)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": 6}, "newer poolstorm (summary 6, this one reads 5); upgrade poolstorm"),
        ({"format": "else"}, "not a poolstorm summary"),
        ({"run": None}, "damaged (run"),
        ({"surplus": 1}, "damaged (surplus"),
    ],
)
def test_other_json_is_refused_in_one_line(example: Summary, changes: dict[str, object], words: str) -> None:
    text = json.dumps({**json.loads(json_format.render(example)), **changes})

    with pytest.raises(RunDirectoryError) as caught:
        json_format.parse_summary(text, "old/summary.json")

    assert words in str(caught.value)
    assert str(caught.value).startswith("old/summary.json ")
    assert "\n" not in str(caught.value)


def test_text_that_is_no_json_is_refused() -> None:
    with pytest.raises(RunDirectoryError, match="no JSON"):
        json_format.parse_summary("{")


def test_comparison_round_trips(comparison: Comparison) -> None:
    text = json_format.render_comparison(comparison)

    assert json_format.parse_comparison(text) == comparison


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": 4}, "newer poolstorm (comparison 4, this one reads 3); upgrade poolstorm"),
        ({"format": "poolstorm-summary"}, "not a poolstorm comparison"),
        ({"a": None}, "damaged (a"),
    ],
)
def test_other_json_is_no_comparison(comparison: Comparison, changes: dict[str, object], words: str) -> None:
    text = json.dumps({**json.loads(json_format.render_comparison(comparison)), **changes})

    with pytest.raises(RunDirectoryError) as caught:
        json_format.parse_comparison(text, "old/comparison.json")

    assert words in str(caught.value)
    assert str(caught.value).startswith("old/comparison.json ")


def test_summary_of_the_version_before_is_still_read(example: Summary) -> None:
    """What version 2 added may be missing."""
    document = json.loads(json_format.render(example))
    document["version"] = 1
    for scenario in document["scenarios"]:
        del scenario["ledger"], scenario["noise"]
        for target in scenario["targets"]:
            for name in ("repeats", "breakdowns", "held", "counts", "round_trips", "fault_summaries"):
                del target[name]

    assert len(json_format.parse_summary(json.dumps(document)).scenarios) == len(example.scenarios)


def test_twins_of_version_3_are_still_read(example: Summary) -> None:
    text = json_format.render(example).replace('"repeats"', '"same_as"').replace('"version": 5', '"version": 3')

    scenario = json_format.parse_summary(text).scenarios[0]

    assert [None, "sync-pool", None, None] == [target.repeats for target in scenario.targets]
    assert scenario.noise[0].repeats == "sync-pool"


def test_ladders_of_version_2_are_still_read(example: Summary) -> None:
    """They were of users alone, and named differently."""
    old = {
        "offered": "concurrency",
        "onset_offered": "onset_concurrency",
        "saturation_offered": "saturation_concurrency",
    }
    dropped = ("in_flight_max", "offered_in")

    def as_it_was(part: object) -> object:
        if isinstance(part, dict):
            return {old.get(name, name): as_it_was(value) for name, value in part.items() if name not in dropped}
        return [as_it_was(item) for item in part] if isinstance(part, list) else part

    document = as_it_was(json.loads(json_format.render(example)))
    ladders = [
        target.exhaustion
        for scenario in json_format.parse_summary(json.dumps(document)).scenarios
        for target in scenario.targets
        if target.exhaustion is not None
    ]
    now = [t.exhaustion for s in example.scenarios for t in s.targets if t.exhaustion is not None]
    assert ladders
    assert [[step.offered for step in ladder.steps] for ladder in now] == [
        [step.offered for step in ladder.steps] for ladder in ladders
    ]
    assert [ladder.onset_offered for ladder in now] == [ladder.onset_offered for ladder in ladders]


def ratio_cells(example: Summary) -> dict[str, dict[str, str]]:
    """Ratio by scenario and target, of the last row of each target in the terminal's tables."""
    cells: dict[str, dict[str, str]] = {}
    for scenario in example.scenarios:
        table = latency_table(scenario).pick("target", "ratio")
        assert "ratio / noise" == table.columns[1].heading
        cells[scenario.name] = dict(table.texts())  # type: ignore[arg-type]
    return cells


def test_ratio_within_the_noise_floor_reads_as_none(example: Summary) -> None:
    """Under 10 ms of latency the asynchronous pool is 2 % faster, with a floor of 5 %."""
    cells = ratio_cells(example)["latency"]

    assert re.fullmatch(r"none / 1\.\d\d", cells["async-pool"])
    assert re.fullmatch(r"1\.4\d / 1\.\d\d", cells["no-pool"])
    assert re.fullmatch(r"A/A / 1\.\d\d", cells["sync-pool-again"])
    assert cells["sync-pool"] == "control"


def test_columns_without_any_figure_are_left_out(example: Summary) -> None:
    scenario = example.scenarios[0]
    bare = Intervals()
    targets = tuple(
        target.model_copy(
            update={
                "phases": tuple(p.model_copy(update={"intervals": bare, "p50_ratio": None}) for p in target.phases)
            }
        )
        for target in scenario.targets
    )
    table = latency_table(scenario.model_copy(update={"targets": targets})).without_empty("half")

    headings = [column.heading for column in table.columns]
    assert "± %" not in headings
    assert "ratio" in headings
    assert {len(row) for row in table.texts()} == {len(headings)}


def test_invalid_trials_are_told_with_reason_and_advice(example: Summary) -> None:
    for text in (terminal.render(example, width=400), markdown.render(example)):
        assert "left out of async-pool: repetition 1 (invalid)" in text
        assert "Repetition 1 is invalid and left out: the target answered statements-per-read wrongly" in text
        assert "Mend the target" in text
    assert "58 of 60 trials completed, 1 invalid" in terminal.render(example, width=400)


def test_changed_counts_are_told_on_a_terminal_and_all_in_markdown(example: Summary) -> None:
    scenario = example.scenarios[0]
    target = scenario.targets[0]
    assert target.counts is not None
    counts = target.counts.model_copy(update={"statements": Count(per_request=5)})
    first = scenario.model_copy(update={"targets": (target.model_copy(update={"counts": counts}),)})
    other = example.model_copy(update={"scenarios": (first,)})

    found = compare(example, other)

    assert re.search(r"sync-pool +statements +2\.00 +5\.00 +2\.50", terminal.render_comparison(found))
    assert "connections taken" not in terminal.render_comparison(found)
    assert "connections taken" in markdown.render_comparison(found)
