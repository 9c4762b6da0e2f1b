"""Plans damaged at random: each is either planned within bounds, or refused in one line, and soon.

150 of them, or as many as POOLSTORM_PLAN_MUTATIONS says; the seed is in each test's name.
"""

from __future__ import annotations

import os
import random
import re
import signal
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from harness.errors import PlanError
from harness.plan import Plan, build_plan
from harness.planning.checks import DAY_S, MOST_DAYS, MOST_TRIALS
from harness.planning.wish import PlanFile, merge_wishes, read_plan_file
from harness.timeline import fault_steps

MUTATIONS = int(os.environ.get("POOLSTORM_PLAN_MUTATIONS", "150"))
BATCHES = 15
LONGEST_S = 10
"""Generous: the slowest take half a second, and the machine may do something else."""

FULL = """
targets = ["sync-pool", "async-pool"]
scenarios = ["far-away", "exhaustion"]
repetitions = 5
seed = 7
control = "async-pool"
aa = true
duration_s = 20.5
workers = 2
attach = 1
bind = "127.0.0.1:5557"

[pool]
pool_size = 5
max_overflow = 0
pool_timeout_s = 0.5
pre_ping = true

[scenario.far-away]
base = "latency"
title = "Far away"
question = "What does distance cost?"
request_timeout_s = 5.0
in_flight_cap = 100
drain_s = 1.5
pool = { pool_size = 3 }
checks = [{ kind = "recovers-within", limit = 500 }, { kind = "money-is-conserved" }]
phases = [
{ name = "warm", duration_s = 2, arrivals = { rate_per_s = 50 }, warmup = true },
{ name = "near", duration_s = 10, arrivals = { process = "step", rate_per_s = 5, to_rate_per_s = 50, steps = 4 } },
{ name = "far", duration_s = 20, users = 8, behaviour = "reader", faults = [
    { kind = "latency", at_s = 5, duration_s = 10, settings = { latency_ms = 80, jitter_ms = 20 } },
    { kind = "timeout", part = "primary-link", at_s = 16, duration_s = 2 } ] },
]

[scenario.exhaustion]
drain_s = 3
"""
SMALL = """
targets = ["no-pool"]
scenarios = ["baseline"]
[scenario.baseline]
phases = [{ name = "a", duration_s = 1, arrivals = { rate_per_s = 5, process = "poisson" } }]
"""
VALUES = (
    *("0", "-1", "1", "1e12", "1e-300", "-1e300", "1e999", "nan", "-inf", "9" * 5000, "0x" + "f" * 5000),
    *("true", "false", '"1"', '""', '"true"', "1979-05-27", "07:32:00", "[]", "{}", "[[]]", "9223372036854775808"),
    *('"\\u0000"', '"\\u001b[31m"', '"\\ud800"', '"' + "x" * 5000 + '"', "[" * 5000 + "]" * 5000, "'''a\nb'''"),
    *("{ a = { b = { c = 1 } } }", "[1, 'a', true]", '"primary"', '"latency"', '"sync-pool"', "0.009", "86401"),
    *("2", "3", "0.5", "7", "10", '"no-pool"', '"spike"', '"poisson"', '"mixed"'),
)
_VALUE = re.compile(r'(?<== )(?:"[^"\n]*"|[\w.]+)')
_WORD = re.compile(r"[a-z][a-z_-]+")

Mutation = Callable[[bytes, random.Random], bytes]


def _at(content: bytes, rng: random.Random) -> tuple[int, int]:
    first = rng.randrange(len(content) + 1)
    return first, min(len(content), first + rng.choice((1, 1, 2, 10, 100)))


def flip(content: bytes, rng: random.Random) -> bytes:
    first, _ = _at(content, rng)
    return content[:first] + bytes([rng.randrange(256)]) + content[first + 1 :]


def cut(content: bytes, rng: random.Random) -> bytes:
    first, last = _at(content, rng)
    return content[:first] + content[last:]


def truncate(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def repeat(content: bytes, rng: random.Random) -> bytes:
    first, last = _at(content, rng)
    return content[:first] + content[first:last] * rng.choice((2, 3, 1000)) + content[last:]


def insert(content: bytes, rng: random.Random) -> bytes:
    first, _ = _at(content, rng)
    odd = (
        b"\x00",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\n",
        b"[[",
        b"]",
        b"{",
        b"=",
        b".",
        b'"',
        b"a." * 9,
        b"\x1b[2J",
        b"#",
    )
    return content[:first] + rng.choice(odd) * rng.choice((1, 1, 1, 500)) + content[first:]


def line(content: bytes, rng: random.Random) -> bytes:
    lines = content.split(b"\n")
    chosen = rng.randrange(len(lines))
    how = rng.randrange(3)
    if how == 0:
        del lines[chosen]
    elif how == 1:
        lines.insert(rng.randrange(len(lines)), lines[chosen])
    else:
        other = rng.randrange(len(lines))
        lines[chosen], lines[other] = lines[other], lines[chosen]
    return b"\n".join(lines)


def _replace_one(pattern: re.Pattern[str], content: bytes, rng: random.Random, new: str) -> bytes:
    text = content.decode("utf-8", "surrogateescape")
    found = list(pattern.finditer(text))
    if found:
        one = rng.choice(found)
        text = text[: one.start()] + new + text[one.end() :]
    return text.encode("utf-8", "surrogateescape")


def value(content: bytes, rng: random.Random) -> bytes:
    return _replace_one(_VALUE, content, rng, rng.choice(VALUES))


def word(content: bytes, rng: random.Random) -> bytes:
    words = _WORD.findall(FULL)
    return _replace_one(_WORD, content, rng, rng.choice([*words, "x" * 3000, "Ünicode", "a b"]))


def multiply(content: bytes, rng: random.Random) -> bytes:
    number = rng.choice((3, 90, 150, 3000))
    phase = ", ".join(f'{{ name = "p{i}", duration_s = 1, users = 1 }}' for i in range(number))
    tables = "\n".join(f'[scenario.s{i}]\nbase = "baseline"' for i in range(number))
    return content + f'\n[scenario.many]\nbase = "spike"\nphases = [{phase}]\n{tables}\n'.encode()


MUTATE: tuple[Mutation, ...] = (
    flip,
    cut,
    truncate,
    repeat,
    insert,
    line,
    value,
    value,
    value,
    word,
    word,
    multiply,
)


def options(rng: random.Random) -> dict[str, object]:
    """What the command line may say beside: mostly nothing."""
    given: dict[str, object] = {}
    if rng.random() < 0.2:
        name = rng.choice(("pool_size", "max_overflow", "pool_timeout_s", "pre_ping", "x" * 500, "\x1b"))
        given["pool"] = [rng.choice((f"{name}={rng.choice(VALUES)}", name))]
    if rng.random() < 0.2:
        given["seed"] = rng.choice((0, -1, 10**4000, 2**64))
    if rng.random() < 0.2:
        given["duration_s"] = rng.choice((1.0, 1e-9, 1e300, float("inf"), float("nan")))
    if rng.random() < 0.1:
        given["repetitions"] = rng.choice((1, 1000, 10**9))
    return given


class HungError(BaseException):
    """A plan took longer than any may."""


@contextmanager
def bounded() -> Iterator[None]:
    def ring(_: int, frame: FrameType | None) -> None:
        raise HungError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def outcome(path: Path, given: dict[str, object]) -> Plan | PlanError:
    """What becomes of a plan; anything but these two fails the test."""
    with bounded():
        try:
            return build_plan(merge_wishes(read_plan_file(path), **given))
        except PlanError as error:
            return error


def assert_in_bounds(plan: Plan) -> None:
    assert 1 <= len(plan.trials) <= MOST_TRIALS
    assert 0 < plan.expected_s() <= MOST_DAYS * DAY_S
    assert len({trial.id for trial in plan.trials}) == len(plan.trials)
    for scenario in plan.scenarios:
        for subject in plan.subjects:
            plan.pool_settings(subject.name, scenario.name)
        ends_ns = round(scenario.duration_s * 1e9) + 1
        assert all(0 <= step.at_ns <= ends_ns for step in fault_steps(scenario))


def assert_one_line(error: PlanError) -> None:
    text = str(error)
    assert 0 < len(text) <= 300, text
    assert "\n" not in text, text
    assert text.isprintable(), ascii(text)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_damaged_plan_is_planned_within_bounds_or_refused_in_one_line(batch: int, tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    for number in range(batch, MUTATIONS, BATCHES):
        rng = random.Random(number)
        content = rng.choice((FULL, FULL, SMALL)).encode()
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            content = rng.choice(MUTATE)(content, rng)
        path.write_bytes(content)
        ended = outcome(path, options(rng))
        if isinstance(ended, Plan):
            assert_in_bounds(ended)
        else:
            assert_one_line(ended)


def test_the_undamaged_plans_are_plans(tmp_path: Path) -> None:
    for text, trials in ((FULL, 2 * 3 * 5), (SMALL, 1)):
        path = tmp_path / "plan.toml"
        path.write_text(text)
        assert trials == len(build_plan(read_plan_file(path)).trials)
    assert tomllib.loads(FULL).keys() <= PlanFile.model_fields.keys()
