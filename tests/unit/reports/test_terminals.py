"""`poolstorm report` and `compare` through the real command line, into streams of every kind."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from harness.records import Outcome, TrialState
from reports.formats.markdown import escape
from scenarios.model import Scenario
from tests.unit.reports.builder import Request, TrialBuilder, one_phase, target_info, write_run

COMMAND = [sys.executable, "-c", "from harness.cli import main; main()"]
HOSTILE = "x\x1b[2J\x9b31m\x07\u202e![a](b) www.c.org <img src=d> `e` | d@c.org\n\n# f"
NO_UTF8 = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("plain") / "run", _trials("sync-pool", "lost"))


@pytest.fixture(scope="module")
def hostile_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whatever may be named freely in a run folder, its own name too, steers terminals and makes links."""
    folder = tmp_path_factory.mktemp("hostile") / HOSTILE.replace("\n", " ")
    return write_run(folder, _trials(HOSTILE, HOSTILE))


@pytest.fixture(scope="module")
def slower_folder(hostile_folder: Path) -> Path:
    """The same slower, so that a comparison has something to tell of it."""
    return write_run(hostile_folder.parent / f"slower {hostile_folder.name}", _trials(HOSTILE, HOSTILE, 9.0))


def _trials(target: str, reason: str, latency_ms: float = 4.0) -> list[TrialBuilder]:
    scenario = Scenario(name="baseline", title=f"Load {reason}", question=reason, phases=(one_phase(),))
    requests = [Request("steady", number / 50, latency_ms + number / 1000) for number in range(80)]
    requests += [Request("steady", 1.7 + number / 50, 4.0, Outcome.FAILED, "http-500") for number in range(10)]
    trials = [TrialBuilder(scenario, target_info(target), repetition, requests=requests) for repetition in (1, 2)]
    for trial in trials:
        trial.mark_phases()
    failed = TrialBuilder(scenario, target_info(target), 3)
    failed.state, failed.reason = TrialState.FAILED, reason
    return [*trials, failed]


def poolstorm(
    *arguments: object, shell: str = "", output: Path, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """The command with its files in `output`; `shell` are redirections, as one types them."""
    command = [*COMMAND, *map(str, arguments), "--output", str(output)]
    if shell:
        command = ["/bin/bash", "-c", f'set -o pipefail; "$@" {shell}', "bash", *command]
    return subprocess.run(
        command, capture_output=True, timeout=60, check=False, env={**os.environ, "COLUMNS": "100", **environment}
    )


@pytest.mark.parametrize(
    ("environment", "spelt"),
    [
        ({}, "–".encode()),
        (NO_UTF8, b"-"),
        ({**NO_UTF8, "PYTHONIOENCODING": "ascii"}, b"-"),
        ({"PYTHONIOENCODING": "ascii:strict"}, b"-"),
        ({"PYTHONIOENCODING": "iso-8859-1:strict"}, b"-"),
    ],
    ids=["utf-8", "C", "C and ASCII", "ASCII", "ISO-8859-1"],
)
def test_a_stream_of_any_encoding_is_told_all(
    run_folder: Path, tmp_path: Path, environment: dict[str, str], spelt: bytes
) -> None:
    done = poolstorm("report", run_folder, output=tmp_path, **environment)

    assert (0, b"") == (done.returncode, done.stderr)
    assert spelt + b" means none, not recorded or too few requests." in done.stdout
    assert b"summary.md" in done.stdout.splitlines()[-1]
    assert "±" in (tmp_path / "summary.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("shell", "code", "error"),
    [
        ("| head -1", 0, b""),
        ("| true", 0, b""),
        (">&-", 1, b"error: standard output cannot be written (Bad file descriptor); send it somewhere else\n"),
        ("2>&-", 0, b""),
        (">&- 2>&-", 1, b""),
        ("2>/dev/full", 0, b""),
        ("<&-", 0, b""),
    ],
)
def test_output_that_nobody_takes_costs_no_file(
    run_folder: Path, tmp_path: Path, shell: str, code: int, error: bytes
) -> None:
    done = poolstorm("report", run_folder, shell=shell, output=tmp_path)

    assert (code, error) == (done.returncode, done.stderr)
    assert ["report.html", "summary.json", "summary.md"] == sorted(path.name for path in tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_full_output_is_told_in_one_line(run_folder: Path, tmp_path: Path) -> None:
    done = poolstorm("report", run_folder, shell=">/dev/full", output=tmp_path)

    said = b"error: standard output cannot be written (No space left on device); send it somewhere else\n"
    assert (1, said) == (done.returncode, done.stderr)
    assert (tmp_path / "summary.json").is_file()


@pytest.mark.parametrize("command", ["report", "compare"])
@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1"])
def test_recorded_names_steer_no_terminal(
    hostile_folder: Path, slower_folder: Path, tmp_path: Path, command: str, encoding: str
) -> None:
    folders = [hostile_folder, slower_folder][: 2 if command == "compare" else 1]

    done = poolstorm(command, *folders, output=tmp_path / HOSTILE, PYTHONIOENCODING=encoding)

    assert 0 == done.returncode, done.stderr
    shown = (done.stdout + done.stderr).decode(encoding)
    assert [] == [char for char in shown if not char.isprintable() and char != "\n"]
    assert "[2J" in shown  # the name is still told


@pytest.mark.parametrize("arguments", [("report", "no\x1b[2J\x9b"), ("re\x1b[2Jport", "x")])
def test_mistaken_arguments_steer_no_terminal(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = poolstorm(*arguments, output=tmp_path)

    assert 2 == done.returncode
    assert 1 == len(done.stderr.splitlines())
    assert [] == [char for char in done.stderr.decode().rstrip("\n") if not char.isprintable()]


@pytest.mark.parametrize(("command", "name"), [("report", "summary.md"), ("compare", "comparison.md")])
def test_recorded_names_are_only_text_in_markdown(
    hostile_folder: Path, slower_folder: Path, tmp_path: Path, command: str, name: str
) -> None:
    folders = [hostile_folder, slower_folder][: 2 if command == "compare" else 1]
    assert 0 == poolstorm(command, *folders, output=tmp_path).returncode
    text = (tmp_path / name).read_text(encoding="utf-8")

    assert [] == [char for char in text if not char.isprintable() and char != "\n"]
    tokens = list(_all(MarkdownIt("gfm-like", {"linkify": False}).parse(text)))
    links = ("link_open", "image", "code_inline", "html_inline")
    assert {"<!-- -->"} == {token.content for token in tokens if token.type in links}
    blocks = {line for token in tokens if token.type == "html_block" for line in token.content.splitlines()}
    assert [] == [line for line in blocks if not line.startswith(("<details><summary>", "</details>"))]
    assert "\n# f" not in text


def _all(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _all(token.children or [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.org", r"https\://a.org"),
        ("see WWW.a.org", r"see WWW\.a.org"),
        ("a@b.org", "a@<!-- -->b.org"),
        ("CPU @ 2 GHz", "CPU @ 2 GHz"),
        ("$x$", r"\$x\$"),
        ("- a", r"\- a"),
        ("===", r"\==="),
        ("1. a", r"1\. a"),
        ("2026) a", r"2026\) a"),
        ("-4.10", "-4.10"),
        ("1.44", "1.44"),
        ("12:30", "12:30"),
        ("a\x1b[0m\n\tb", r"a \[0m b"),
    ],
)
def test_markdown_shows_text_as_it_is(text: str, expected: str) -> None:
    assert expected == escape(text)


NO_SIZES = ["\u00b2", "0", "-1", "wide", "100000000000"]
"""Each was a COLUMNS or LINES: digits of another script, and what no terminal has."""


@pytest.mark.parametrize("size", NO_SIZES)
def test_a_size_that_no_terminal_has_is_not_taken_for_one(size: str) -> None:
    environment = {**os.environ, "COLUMNS": size, "LINES": size}
    code = "from harness.terminal import output_console; print(output_console().width)"
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, timeout=60, check=False
    )
    assert (0, b"100\n", b"") == (ended.returncode, ended.stdout, ended.stderr)


@pytest.mark.parametrize("size", NO_SIZES)
def test_what_is_shown_on_a_terminal_is_as_wide_as_the_terminal(size: str) -> None:
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": size, "LINES": size}
    code = "import sys; from harness.terminal import output_console; sys.stderr.write(str(output_console().width))"
    controller, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 93))
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        stdin=terminal,
        stdout=terminal,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(terminal)
    os.close(controller)
    assert (0, b"93") == (ended.returncode, ended.stderr)
