"""Run folders damaged in every way: no traceback, no hang, and no damaged record that is reported as whole.

150 by default, and as many as POOLSTORM_RUN_MUTATIONS says. Each has a seed of its own, so that one that fails can
be tried again alone.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.errors import RunDirectoryError
from harness.records import (
    LATENCY_FILE,
    MANIFEST_FILE,
    MARKS_FILE,
    READINGS_FILE,
    STORED_FILE,
    TRIAL_FILE,
    TRIALS_DIR,
    WRITES_FILE,
    Outcome,
    Stored,
    TrialState,
    Write,
    sealed,
)
from harness.store import stream_of
from reports.analyse import analyse
from reports.formats import markdown, terminal
from reports.read import DamageError, read_run
from reports.summary import Summary
from tests.unit.reports.builder import TrialBuilder, target_info, write_run
from tests.unit.reports.example import SCENARIOS, simulated

MUTATIONS = int(os.environ.get("POOLSTORM_RUN_MUTATIONS", "150"))
LONGEST_S = 10.0
BLOCK = 512
STREAMS = (LATENCY_FILE, MARKS_FILE, READINGS_FILE, WRITES_FILE, STORED_FILE)
HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**62, -(2**62), 2**63, 10**400, 1e308, -1e308, float("nan"), float("inf"), 0.1,
    1e-300, "", "x", "x" * 100_000, "../../etc", "a\0b", "\x1b[2J", "2026", [], [[]], {}, {"a": 1}, [1] * 1_000,
)  # fmt: skip


@dataclass(frozen=True)
class Damaged:
    """What was done to a copy of the run. `honest`: without making closing and seal fit again."""

    what: str
    file: Path  # relative to the run
    honest: bool


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = random.Random(5)
    by_name = {scenario.name: scenario for scenario in SCENARIOS}
    trials = simulated((by_name["dropped-connections"], by_name["exhaustion"]), repetitions=1, rng=rng)[3:6]
    for trial in trials:
        transfers = [request for request in trial.requests if request.operation == "transfer"]
        trial.writes += [
            Write(
                token=f"t{number}",
                operation="transfer",
                phase=request.phase,
                sent_ns=round(request.sent_s * 1e9),
                answered_ns=None if request.outcome is Outcome.UNKNOWN else round(request.sent_s * 1e9) + 1,
                outcome=request.outcome,
                kind=request.kind,
            )
            for number, request in enumerate(transfers)
        ]
        trial.stored += [Stored(token=write.token) for write in trial.writes if write.outcome is Outcome.OK]
    failed = TrialBuilder(trials[0].scenario, target_info("lost"), state=TrialState.FAILED, reason="did not start")
    return write_run(tmp_path_factory.mktemp("mutated") / "run", [*trials, failed])


def completed(summary: Summary) -> set[str]:
    return {
        line.id
        for scenario in summary.scenarios
        for target in scenario.targets
        for line in target.trials
        if line.state == "completed"
    }


@pytest.mark.parametrize("block", range(0, MUTATIONS, 50))
def test_damaged_folders(block: int, original: Path, tmp_path: Path) -> None:
    whole = completed(analyse(read_run(original)))
    assert len(whole) == 3
    for seed in range(block, min(block + 50, MUTATIONS)):
        run = tmp_path / "copy" / "run"
        shutil.copytree(original, run)
        done = mutate(run, random.Random(f"run folder {seed}"))
        began_s = time.monotonic()
        try:
            found, line = completed(reported(run)), ""
        except RunDirectoryError as error:
            found, line = None, str(error)
        except Exception as error:
            raise AssertionError(f"mutation {seed} ({done}) ends in {type(error).__name__}: {error}") from error
        assert "\n" not in line, (seed, done)
        assert len(line) < 500, (seed, done)
        assert time.monotonic() - began_s < LONGEST_S, (seed, done)
        if found is not None and done.honest and differs(original / done.file, run / done.file):
            assert done.file.name != MANIFEST_FILE, (seed, done)
            assert found == whole - {done.file.parts[1]}, (seed, done)
        shutil.rmtree(tmp_path / "copy")


def reported(run: Path) -> Summary:
    """As `poolstorm report` does it, but for the page."""
    found = read_run(run)
    for trial in found.trials:
        with suppress(DamageError):  # told to whoever asks for them, as no report does
            list(trial.writes)
    summary = analyse(found)
    terminal.render(summary)
    markdown.render(summary)
    return summary


def differs(before: Path, after: Path) -> bool:
    """Whether a file is another one now; a document says the same in other bytes."""
    if after.is_symlink() or not after.is_file():
        return True
    if after.stat().st_size > 10**8:
        return True
    old, new = before.read_bytes(), after.read_bytes()
    if before.suffix != ".json":
        return old != new
    try:
        return repr(json.loads(old)) != repr(json.loads(new))
    except (ValueError, RecursionError):
        return True


# --- what is done to a folder ----------------------------------------------------------------------------------


def mutate(run: Path, rng: random.Random) -> Damaged:
    trials = sorted(path for path in (run / TRIALS_DIR).iterdir() if "-lost-" not in path.name)
    trial = rng.choice(trials)
    document = rng.choice([run / MANIFEST_FILE, trial / TRIAL_FILE])
    streams = [trial / name for name in STREAMS if (trial / name).exists()]
    kind = rng.random()
    if kind < 0.25:
        path = rng.choice([document, *streams])
        name = rng.choice(list(BYTES))
        BYTES[name](path, rng)
        return Damaged(name, path.relative_to(run), honest=True)
    if kind < 0.5:
        path = rng.choice(streams)
        name = rng.choice(list(LINES))
        lines = LINES[name](path.read_text().splitlines(keepends=True), rng)
        path.write_text("".join(lines))
        honest = rng.random() < 0.6
        if not honest:
            refit(trial)
        return Damaged(name, path.relative_to(run), honest)
    if kind < 0.58:
        other = rng.choice([one for one in trials if one != trial])
        path = rng.choice([trial / TRIAL_FILE, *streams])
        name = rng.choice(list(MIXED_UP))
        return Damaged(name, MIXED_UP[name](path, other).relative_to(run), honest=True)
    if kind < 0.65:
        path = rng.choice([document, *streams])
        name = rng.choice(list(THINGS))
        path.unlink()
        THINGS[name](path)
        return Damaged(name, path.relative_to(run), honest=True)
    content = json.loads(document.read_text())
    what = change_somewhere(content, rng)
    honest = rng.random() < 0.3
    try:
        text = json.dumps(content)
        document.write_text(text if honest else sealed(text))
    except ValueError:
        document.write_text(text)
    return Damaged(what, document.relative_to(run), honest)


def refit(trial: Path) -> None:
    """Make the closing fit, as a hostile writer would."""
    record = json.loads((trial / TRIAL_FILE).read_text())
    record["closing"]["streams"] = {
        name: stream_of(trial / name).model_dump() for name in STREAMS if (trial / name).exists()
    }
    (trial / TRIAL_FILE).write_text(sealed(json.dumps(record)))


def flip(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(rng.choice((1, 1, 1, 20))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def cut_out(path: Path, rng: random.Random) -> None:
    data = path.read_bytes()
    start = rng.randrange(len(data))
    path.write_bytes(data[:start] + data[start + rng.randrange(1, 200) :])


def put_in(path: Path, rng: random.Random) -> None:
    data = path.read_bytes()
    start = rng.randrange(len(data))
    path.write_bytes(data[:start] + rng.randbytes(rng.randrange(1, 50)) + data[start:])


def truncate(path: Path, rng: random.Random) -> None:
    os.truncate(path, rng.randrange(path.stat().st_size))


def zero(path: Path, rng: random.Random) -> None:
    """As a file system leaves a block that was never written."""
    data = bytearray(path.read_bytes())
    start = rng.randrange(0, len(data), BLOCK)
    data[start : start + BLOCK] = bytes(len(data[start : start + BLOCK]))
    path.write_bytes(data)


def repeat(path: Path, rng: random.Random) -> None:
    """A block in another's place."""
    data = path.read_bytes()
    blocks = [data[start : start + BLOCK] for start in range(0, len(data), BLOCK)]
    blocks[rng.randrange(len(blocks))] = rng.choice(blocks)
    path.write_bytes(b"".join(blocks))


def of_another_trial(path: Path, other: Path) -> Path:
    """Or none, where the other one has no such file."""
    path.unlink()
    if (other / path.name).exists():
        shutil.copy(other / path.name, path)
    return path


def another_trial(path: Path, other: Path) -> Path:
    shutil.rmtree(path.parent)
    shutil.copytree(other, path.parent)
    return path.parent / TRIAL_FILE


def of_another_run(path: Path, _: Path) -> Path:
    document = path.parent / TRIAL_FILE
    document.write_text(sealed(json.dumps({**json.loads(document.read_text()), "run_id": "another"})))
    return document


MIXED_UP: dict[str, Callable[[Path, Path], Path]] = {
    "file of another trial": of_another_trial,
    "folder of another trial": another_trial,
    "trial of another run": of_another_run,
}
BYTES: dict[str, Callable[[Path, random.Random], object]] = {
    "bytes flipped": flip,
    "bytes cut out": cut_out,
    "bytes put in": put_in,
    "truncated": truncate,
    "emptied": lambda path, _: os.truncate(path, 0),
    "doubled": lambda path, _: path.write_bytes(path.read_bytes() * 2),
    "made huge": lambda path, _: os.truncate(path, 10**12),
    "block zeroed": zero,
    "block repeated": repeat,
    "line ends of another system": lambda path, _: path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n")),
    "mark of byte order": lambda path, _: path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes()),
    "compressed": lambda path, _: path.write_bytes(gzip.compress(path.read_bytes())),
    "in another encoding": lambda path, _: path.write_bytes(path.read_text().encode("utf-16")),
    "nested": lambda path, _: path.write_text("[" * 200_000),
}


def dropped(lines: list[str], rng: random.Random) -> list[str]:
    gone = rng.randrange(len(lines))
    return lines[:gone] + lines[gone + 1 :]


def doubled(lines: list[str], rng: random.Random) -> list[str]:
    place = rng.randrange(len(lines))
    return [*lines[: place + 1], *lines[place:]]


def swapped(lines: list[str], rng: random.Random) -> list[str]:
    one, other = rng.sample(range(len(lines)), 2)
    lines[one], lines[other] = lines[other], lines[one]
    return lines


def edited(lines: list[str], rng: random.Random) -> list[str]:
    """A number of a line becomes another."""
    place = rng.randrange(len(lines))
    parts = [*lines[place]]
    digits = [index for index, letter in enumerate(parts) if letter.isdigit()]
    if digits:
        parts[rng.choice(digits)] = str(rng.choice([rng.randrange(10), "9" * 8, "9" * 400, "1e300", "-1", "null"]))
    lines[place] = "".join(parts)
    return lines


def replaced(lines: list[str], rng: random.Random) -> list[str]:
    lines[rng.randrange(len(lines))] = rng.choice(
        ["\n", "{}\n", "null\n", "[" * 50_000 + "\n", "\x00\n", "#\n", '"\n']
    )
    return lines


def every_second(lines: list[str], rng: random.Random) -> list[str]:
    start = rng.randrange(2)
    return lines[start::2]


LINES: dict[str, Callable[[list[str], random.Random], list[str]]] = {
    "line dropped": dropped,
    "line doubled": doubled,
    "lines swapped": swapped,
    "number edited": edited,
    "line replaced": replaced,
    "every second line": every_second,
    "first lines": lambda lines, rng: lines[: rng.randrange(len(lines))],
    "shuffled": lambda lines, rng: rng.sample(lines, len(lines)),
}
THINGS: dict[str, Callable[[Path], object]] = {
    "removed": lambda path: None,
    "endless link": lambda path: path.symlink_to("/dev/zero"),
    "link to itself": lambda path: path.symlink_to(path.name),
    "pipe": os.mkfifo,
    "folder": os.mkdir,
}


def change_somewhere(document: Any, rng: random.Random) -> str:
    """Replace, drop or add one value, anywhere in it."""
    places: list[tuple[Any, Any]] = []
    seen = [document]
    while seen:
        part = seen.pop()
        entries = list(part.items() if isinstance(part, dict) else enumerate(part))
        places += [(part, name) for name, _ in entries]
        seen += [value for _, value in entries if isinstance(value, dict | list)]
    part, name = rng.choice(places)
    how = rng.random()
    if how < 0.7:
        part[name] = rng.choice(HOSTILE)
        return f"{name} becomes {str(part[name])[:20]!r}"
    if how < 0.85 and isinstance(part, dict):
        del part[name]
        return f"{name} is dropped"
    if isinstance(part, list):
        part.append(part[name])
        return "an entry is doubled"
    part["news"] = rng.choice(HOSTILE)
    return "a field is added"
