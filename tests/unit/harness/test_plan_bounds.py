"""Plans that are hostile or absurd: one line of at most 300 characters, code 2, before anything starts, soon."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.errors import PlanError, plain_line, shown
from harness.plan import Plan, build_plan
from harness.planning.document import MOST_BYTES
from harness.planning.wish import PlanFile, merge_wishes, parse_plan, read_plan_file
from scenarios.registry import SCENARIOS

SOON_S = 5.0
"""Most take milliseconds; the machine may do something else."""
PHASE: dict[str, Any] = {"name": "a", "duration_s": 2.0, "arrivals": {"rate_per_s": 5}}
LOCK: dict[str, Any] = {"kind": "lock-table", "part": "primary", "at_s": 0, "duration_s": 1}
FAULT: dict[str, Any] = {"kind": "latency", "at_s": 0.5, "duration_s": 0.5, "settings": {"latency_ms": 5}}


def scenario(**changes: Any) -> dict[str, Any]:
    return {"scenario": {"mine": {"base": "baseline", **changes}}}


def phases(*several: dict[str, Any]) -> dict[str, Any]:
    return scenario(phases=list(several))


def planned(text: str | bytes, folder: Path) -> Plan:
    path = folder / "plan.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return build_plan(read_plan_file(path))


def assert_one_line(error: PlanError, *expected: str) -> None:
    line = str(error)
    assert [word for word in expected if word not in line] == [], line
    assert len(line) <= 300
    assert line.isprintable()


MINE = "[scenario.mine]\nbase = 'baseline'\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f"seed = {'9' * 5000}", "has a number or a date that is out of bounds", id="digits"),
        pytest.param(f"seed = 0x{'f' * 5000}", "seed: a number of more than 64 bits", id="hex-digits"),
        pytest.param(f"duration_s = {'9' * 400}.0", "inf is no number to plan with", id="digits-of-a-float"),
        pytest.param(f"targets = {'[' * 5000}{']' * 5000}", "too deep in one another", id="deep"),
        pytest.param(f"targets = {'[' * 100}{']' * 100}", "lies too deep in lists", id="not-quite-so-deep"),
        pytest.param(f"{'a.' * 200_000}a = 1", "a key of more than 16 parts", id="long-key"),
        pytest.param("[" + '"a" . ' * 50_000 + "a]", "a key of more than 16 parts", id="long-header"),
        pytest.param(f"targets = [{'1,' * 200_000}]", "targets: 200,000 entries are too many", id="long-list"),
        pytest.param("duration_s = nan", "nan is no number to plan with", id="nan"),
        pytest.param("duration_s = -inf", "-inf is no number to plan with", id="inf"),
        pytest.param(f"{MINE}drain_s = 1e12", "drain_s: Input should be less than or equal to 3600", id="drain"),
        pytest.param(f"{MINE}request_timeout_s = 1e12", "request_timeout_s: ", id="timeout"),
        pytest.param(f"{MINE}request_timeout_s = 0", "request_timeout_s: ", id="no-timeout"),
        pytest.param(f"{MINE}in_flight_cap = 1_000_000_000", "in_flight_cap: ", id="cap"),
        pytest.param(f"{MINE}title = '{'x' * 1000}'", "title: String should have at most 200", id="title"),
        pytest.param(f"{MINE}title = '{'x' * 100_000}'", "a text of 100,000 characters", id="long-title"),
        pytest.param(f'{MINE}title = "a\\u0000b"', "title: 'a\\x00b' holds a control character", id="nul"),
        pytest.param(f'{MINE}question = "\\u001b[31m"', "holds a control character", id="escape"),
        pytest.param(f'{MINE}question = "\\u202etxt"', "holds a control character", id="turned-around"),
        pytest.param('"ta\\u001brgets" = 1', "holds a control character", id="escape-in-a-key"),
        pytest.param(f"{'k' * 100_000} = 1", "a text of 100,000 characters", id="key"),
        pytest.param(
            "\n".join(f"[scenario.s{number}]\nbase = 'baseline'" for number in range(14_000)),
            "scenario: Dictionary should have at most 100 items",
            id="scenarios",
        ),
        pytest.param(
            "targets = ['no-pool']\nseed = true", "seed: Input should be a valid integer, not True", id="bool"
        ),
        pytest.param("seed = '1'", "seed: Input should be a valid integer, not '1'", id="text"),
        pytest.param("repetitions = 2.0", "repetitions: Input should be a valid integer, not 2.0", id="float"),
        pytest.param("aa = 1", "aa: Input should be a valid boolean, not 1", id="number-for-a-choice"),
        pytest.param(
            "duration_s = true", "duration_s: Input should be a valid number, not True", id="bool-seconds"
        ),
        pytest.param("duration_s = 1979-05-27", "duration_s: Input should be a valid number", id="date"),
        pytest.param("targets = []", "targets: Tuple should have at least 1 item", id="no-targets"),
        pytest.param(
            "[pool]\npool_size = true", "pool_size: Input should be a valid integer, not True", id="pool"
        ),
        pytest.param("[pool]\npool_size = '3'", "pool.pool_size: a pool setting is a number", id="pool-text"),
        pytest.param("[pool]\npool_size = [3]", "pool.pool_size: a pool setting is a number", id="pool-list"),
        pytest.param("[pool]\npool_size = 1000000", "pool_size: Input should be less than", id="pool-large"),
        pytest.param("[scenario.'Bad Name']", "scenario.Bad Name: a name has small letters and digits", id="name"),
        pytest.param(b"\xff\xfes\x00e\x00", "is not UTF-8 (at byte 0); save it as UTF-8", id="utf-16"),
        pytest.param(b"title = '\xe9'", "is not UTF-8 (at byte 9)", id="latin-1"),
        pytest.param(b"seed = 1\x00", "is not valid TOML", id="nul-byte"),
        pytest.param(b"#" * (MOST_BYTES + 1), "is larger than 500 kB", id="large"),
    ],
)
def test_a_hostile_file_is_refused_in_one_line(text: str | bytes, expected: str, tmp_path: Path) -> None:
    began_s = time.monotonic()
    with pytest.raises(PlanError) as caught:
        planned(text, tmp_path)
    assert time.monotonic() - began_s < SOON_S
    assert_one_line(caught.value, expected)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(
            phases({**PHASE, "arrivals": {"rate_per_s": 1e-300}}),
            "1e-300/s constant is less than one request in 2 s; raise the rate or lengthen the phase",
            id="hardly-any-rate",
        ),
        pytest.param(
            phases({**PHASE, "duration_s": 1e-300}), "a phase of 1e-300 s is too short", id="short-phase"
        ),
        pytest.param(
            {**phases({"name": "a", "duration_s": 5e-324, "users": 1}), "duration_s": 10},
            "a phase of 4.94066e-324 s is too short",
            id="a-phase-that-no-factor-stretches",
        ),
        pytest.param(
            phases({**PHASE, "faults": [{**FAULT, "duration_s": 1e-9}]}),
            "a fault 'latency' of 1e-09 s is too short",
            id="short-fault",
        ),
        pytest.param(
            {**phases({**PHASE, "duration_s": 86_400, "arrivals": {"rate_per_s": 100_000}}), "repetitions": 1},
            "'mine' would send 8,640,000,000 requests in a trial, more than 50,000,000; lower its rates",
            id="requests",
        ),
        pytest.param(
            phases(*({**PHASE, "name": f"p{number}"} for number in range(5000))),
            "phases: Tuple should have at most 200 items",
            id="phases",
        ),
        pytest.param(
            phases(
                {**PHASE, "faults": [{**FAULT, "at_s": number / 1e3, "duration_s": 1e-4} for number in range(110)]}
            ),
            "faults: Tuple should have at most 100 items",
            id="faults",
        ),
        pytest.param(phases(PHASE, PHASE), "phase 'a' is there twice in scenario 'mine'", id="twice"),
        pytest.param(
            {"repetitions": 1000, "seed": 1},
            "the plan has 30,000 trials, more than 10,000; take fewer repetitions, scenarios or targets",
            id="trials",
        ),
        pytest.param(
            {"repetitions": 100, "duration_s": 86_400, "scenarios": ["exhaustion"]},
            "the plan would take 600 days, more than 14; take fewer trials, or shorten them with duration_s",
            id="days",
        ),
        pytest.param({"duration_s": 86_401}, "duration_s: Input should be less than or equal to 86400", id="day"),
        pytest.param(
            phases({**PHASE, "faults": [{**FAULT, "settings": {"latency_ms": True}}]}),
            "fault 'latency': latency_ms: Input should be a valid integer, not True",
            id="bool-for-milliseconds",
        ),
        pytest.param(
            phases({**PHASE, "faults": [{**FAULT, "settings": {"latency_ms": [1]}}]}),
            "latency_ms: a fault's setting is a number, a text, true or false",
            id="list-for-milliseconds",
        ),
        pytest.param(
            phases({**PHASE, "faults": [{**FAULT, "kind": "k" * 1000}]}),
            "kind: String should have at most",
            id="kind",
        ),
        pytest.param(
            phases({**PHASE, "faults": [{**FAULT, "part": "primary-lnk"}]}),
            "fault 'latency': unknown part 'primary-lnk'; did you mean 'primary-link'?",
            id="part",
        ),
        pytest.param(
            phases({**PHASE, "faults": [{**FAULT, "part": "primary"}]}),
            "the fault 'latency' cannot be done to 'primary'; name one of the parts that can take it: primary-l",
            id="part-that-cannot",
        ),
        pytest.param(
            phases({**PHASE, "faults": [{**FAULT, "kind": "lock-table", "part": "primary", "settings": {}}]}),
            "fault 'lock-table': table: Field required",
            id="no-table",
        ),
        pytest.param(
            phases({**PHASE, "faults": [{**LOCK, "settings": {"table": "users", "mode": "tabel"}}]}),
            "fault 'lock-table': mode: Input should be 'table', 'rows' or 'convoy', not 'tabel'",
            id="mode",
        ),
        pytest.param(
            phases({**PHASE, "faults": [{**LOCK, "settings": {"table": "users", "rows": 3}}]}),
            "fault 'lock-table': rows belongs to mode = \"rows\"",
            id="rows-of-another-mode",
        ),
        pytest.param(
            {"attach": 1, "bind": "a" * 1000 + ":5557"}, "bind: String should have at most 260", id="bind"
        ),
        pytest.param(
            {"attach": 1, "bind": "127.0.0.1:٥٥٥٧"}, "is no HOST:PORT; write it like", id="digits-elsewhere"
        ),
        pytest.param({"control": "x" * 1900}, "unknown target 'xxxx", id="control"),
        pytest.param(
            {"targets": ["no-pool"] * 20_000}, "targets: Tuple should have at most 100 items", id="targets"
        ),
        pytest.param({"x" * 1900: 1}, "unknown field 'xxxx", id="field"),
    ],
)
def test_an_absurd_plan_is_refused_in_one_line(document: dict[str, Any], expected: str) -> None:
    began_s = time.monotonic()
    with pytest.raises(PlanError) as caught:
        build_plan(parse_plan(document, "plan.toml"))
    assert time.monotonic() - began_s < SOON_S
    assert_one_line(caught.value, expected)


def test_a_byte_order_mark_is_no_part_of_the_plan(tmp_path: Path) -> None:
    plan = planned(b"\xef\xbb\xbfseed = 4\r\ntargets = ['no-pool']\r\n", tmp_path)
    assert (4, ["no-pool"]) == (plan.seed, [subject.name for subject in plan.subjects])


def test_a_large_plan_is_a_plan(tmp_path: Path) -> None:
    phase = "{{ name = 'p{}', duration_s = 0.5, users = 1 }}"
    text = "".join(
        f"[scenario.s{number}]\nbase = 'baseline'\nphases = [{', '.join(map(phase.format, range(60)))}]\n"
        for number in range(100)
    )
    assert 5 * 100 == len(planned(text, tmp_path).trials)


def test_a_plan_of_more_readings_than_a_report_takes_is_refused() -> None:
    soak = PlanFile(scenarios=("dropped-connections",), targets=("no-pool",), duration_s=3_600.0)
    assert build_plan(soak.model_copy(update={"repetitions": 19, "aa": False})).repetitions == 19
    with pytest.raises(PlanError, match="would read its gauges"):
        build_plan(soak.model_copy(update={"repetitions": 20, "aa": False}))


def test_a_day_with_a_fault_too_short_for_longer_intervals_is_refused(tmp_path: Path) -> None:
    text = """
targets = ["no-pool"]
scenarios = ["soak"]
[scenario.soak]
base = "baseline"
[[scenario.soak.phases]]
name = "day"
duration_s = {duration_s}
users = 1
faults = [{{ kind = "timeout", at_s = 10.0, duration_s = 3.0 }}]
"""
    assert len(planned(text.format(duration_s=40_000.0), tmp_path).trials) == 1
    with pytest.raises(PlanError, match="863,000 intervals of latencies, and reports take 720,000"):
        planned(text.format(duration_s=86_300.0), tmp_path)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_can_be_as_short_as_a_second_and_as_long_as_a_day(name: str) -> None:
    for duration_s in (1.0, 86_400.0):
        plan = build_plan(PlanFile(scenarios=(name,), targets=("rw-split",), duration_s=duration_s))
        assert pytest.approx(duration_s) == plan.scenarios[0].duration_s


def test_faults_on_one_part_may_not_overlap_and_on_two_they_may() -> None:
    twice = [FAULT, {**FAULT, "at_s": 0.9}]
    with pytest.raises(PlanError, match="ahead of it on 'primary-link' is healed at 1 s; move it"):
        parse_plan(phases({**PHASE, "faults": twice}), "here")
    apart = [FAULT, {**FAULT, "at_s": 0.9, "part": "primary"}]
    parsed = parse_plan(phases({**PHASE, "faults": apart}), "here").scenario["mine"].phases
    assert parsed is not None
    assert ["primary-link", "primary"] == [fault.part for fault in parsed[0].faults]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["pool_size=" + "9" * 5000], "--pool pool_size: '9999"),
        (["pool_size=" + "9" * 4000], "pool.pool_size: a number of more than 64 bits is out of bounds"),
        (["pool_size=inf"], "--pool pool_size: 'inf' is neither a number nor true or false; give one"),
        (["pool_timeout_s=1e999"], "'1e999' is neither a number nor true or false"),
        (["pool_size=true"], "pool_size: Input should be a valid integer, not True"),
        (["pool_size=1.5"], "pool_size: Input should be a valid integer, not 1.5"),
        (["pre_ping=1"], "pre_ping: Input should be a valid boolean, not 1"),
        (["pool_size=-1"], "pool_size: Input should be greater than or equal to 0, not -1"),
        (["x" * 5000], "has no value; write it as NAME=VALUE"),
        (["x" * 1900 + "=1"], "unknown pool setting 'xxxx"),
        (["\x1b[31m=1"], "holds a control character"),
    ],
)
def test_an_absurd_pool_option_is_refused_in_one_line(options: list[str], expected: str) -> None:
    with pytest.raises(PlanError) as caught:
        build_plan(merge_wishes(PlanFile(), pool=options))
    assert_one_line(caught.value, expected)


def test_pools_without_a_limit_or_without_patience_can_be_planned() -> None:
    options = ["pool_size=0", "max_overflow=-1", "pool_timeout_s=0"]
    settings = build_plan(merge_wishes(PlanFile(), pool=options)).pool_settings("async-pool", "baseline")
    assert (0, -1, 0.0, None) == (
        settings.pool_size,
        settings.max_overflow,
        settings.pool_timeout_s,
        settings.limit,
    )


# --- whatever lies at the path ---------------------------------------------------------------------------


def refused(arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line with which the command ends, at once and with code 2."""
    monkeypatch.setattr(sys, "argv", ["poolstorm", "run", *arguments])
    began_s = time.monotonic()
    with pytest.raises(SystemExit) as left:
        main()
    assert time.monotonic() - began_s < SOON_S
    captured = capsys.readouterr()
    assert (2, "", 1) == (left.value.code, captured.out, len(captured.err.splitlines()))
    line = captured.err.rstrip("\n")
    assert len(line) <= 340  # with `error: ` before it and `see --help` behind
    assert line.isprintable()
    return line


def test_only_a_regular_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "zero").symlink_to("/dev/zero")
    with (tmp_path / "large").open("wb") as large:
        large.truncate(100_000_000)
    expected = {
        "pipe": "plan pipe is no regular file; save the plan in one",
        "zero": "plan zero is no regular file; save the plan in one",
        "/dev/null": "plan /dev/null is no regular file; save the plan in one",
        ".": "plan . cannot be read: Is a directory; check its name",
        "loop": "plan loop cannot be read: Too many levels of symbolic links; check its name",
        "large": "plan large is larger than 500 kB",
        "none": "plan none cannot be read: No such file or directory; check its name",
        "n" * 5000: "cannot be read: File name too long; check its name",
        "\x1b[31m\n": "plan ?[31m cannot be read",
    }
    for name, words in expected.items():
        assert words in refused(["--plan", name], monkeypatch, capsys)
    assert {"pipe", "loop", "zero", "large"} == {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--duration", "inf"], "duration_s: inf is no number to plan with"),
        (["--duration", "nan"], "duration_s: nan is no number to plan with"),
        (["--duration", "1e300"], "duration_s: Input should be less than or equal to 86400"),
        (["--seed", "9" * 5000], "--seed"),
        (["--seed", "9" * 4000], "seed: a number of more than 64 bits"),
        (["--seed", str(2**63)], "seed: "),
        (["--repetitions", "9" * 5000], "--repetitions"),
        (["--pool", "pool_size=" + "9" * 5000], "neither a number"),
        (["--target", "x" * 100_000], "a text of 100,000 characters"),
        (["--control", "\x1b[31m"], "holds a control character"),
        (["--bind", "\x1b]0;x\x07:1", "--attach", "1"], "holds a control character"),
    ],
)
def test_absurd_values_on_the_command_line_are_refused_in_one_line(
    arguments: list[str],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert expected in refused(arguments, monkeypatch, capsys)
    assert [] == list(tmp_path.iterdir())


def test_the_command_itself_says_no_more_than_the_line(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(f"targets = {'[' * 5000}")
    command = [sys.executable, "-c", "from harness.cli import main; main()", "run", "--plan", "plan.toml"]
    root = Path(__file__).parents[3]
    ended = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (2, "") == (ended.returncode, ended.stdout)
    assert ended.stderr.startswith("error: plan plan.toml has lists or tables too deep in one another")
    assert 1 == len(ended.stderr.splitlines())


def test_a_line_keeps_its_beginning_and_its_mend() -> None:
    line = plain_line(f"plan \x1b[31m {'x' * 10_000}\nseveral   lines; mend it so")
    assert len(line) == 300
    assert line.startswith("plan ?[31m xxx")
    assert line.endswith("several lines; mend it so")
    assert "a short one" == plain_line("a short one")
    assert ("5", "'a\\x1b'", "a number of more than 64 bits") == (shown(5), shown("a\x1b"), shown(10**5000))
    assert len(shown("x" * 10**6)) == 60
