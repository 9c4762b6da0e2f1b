"""The action and the example workflows: that nobody's text is run, and nobody's code with a token."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from harness.cli import app

ROOT = Path(__file__).parents[3]
ACTION = ROOT / "action.yml"
WORKFLOWS = ROOT / "examples/workflows"
GATE, COMMENT = WORKFLOWS / "gate.yml", WORKFLOWS / "gate-comment.yml"
FILES = (ACTION, GATE, COMMENT)
needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash to run the step with")


def read(path: Path) -> dict[str, Any]:
    found = yaml.safe_load(path.read_text())
    assert isinstance(found, dict)
    return {"on" if key is True else key: value for key, value in found.items()}  # YAML 1.1 takes `on` for true


def steps_of(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from document.get("runs", {}).get("steps", ())
    for job in document.get("jobs", {}).values():
        yield from job["steps"]


def step(path: Path, name: str) -> dict[str, Any]:
    return next(one for one in steps_of(read(path)) if one.get("name") == name)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_expression_stands_in_a_script(path: Path) -> None:
    scripts = [one["run"] for one in steps_of(read(path)) if "run" in one]
    assert not [script for script in scripts if "${{" in script]
    assert scripts or path == GATE


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_used_has_a_version(path: Path) -> None:
    used = [one["uses"] for one in steps_of(read(path)) if "uses" in one]
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+@v\d+(\.\d+)*", one) for one in used)


def test_options_of_the_action_are_options_of_the_command() -> None:
    command = typer.main.get_command(app).commands["gate"]  # type: ignore[attr-defined]
    options = {name for parameter in command.params for name in parameter.opts}
    used = set(re.findall(r"--[a-z-]+(?==)", step(ACTION, "Gate")["run"]))
    assert {"--inconclusive", "--output", "--base-ref", "--pairs", "--scenario", "--earlier"} == used
    assert used <= options


def test_every_input_of_the_action_is_used_and_every_input_that_is_used_is_there() -> None:
    used = set(re.findall(r"\$\{\{ inputs\.([\w-]+) \}\}", ACTION.read_text()))
    assert set(read(ACTION)["inputs"]) == used


def test_inputs_of_the_example_are_inputs_of_the_action() -> None:
    given = next(one["with"] for one in steps_of(read(GATE)) if "/poolstorm@" in one.get("uses", ""))
    assert set(given) <= set(read(ACTION)["inputs"])


def test_what_runs_the_pull_requests_code_may_write_nothing_and_keeps_no_token() -> None:
    document = read(GATE)
    assert "pull_request_target" not in GATE.read_text()
    assert {"contents": "read"} == document["permissions"]
    assert not [job for job in document["jobs"].values() if "permissions" in job]
    assert "secrets." not in GATE.read_text()
    (checkout,) = (one for one in steps_of(document) if "checkout" in one.get("uses", ""))
    assert checkout["with"] == {"fetch-depth": 0, "persist-credentials": False}


def test_what_may_write_runs_and_unpacks_nothing_of_the_pull_request() -> None:
    document = read(COMMENT)
    (job,) = document["jobs"].values()
    assert {"workflow_run": {"workflows": [read(GATE)["name"]], "types": ["completed"]}} == document["on"]
    assert {} == document["permissions"]
    assert {"actions": "read", "pull-requests": "write"} == job["permissions"]
    assert not [one for one in job["steps"] if "uses" in one]
    scripts = "\n".join(one["run"] for one in job["steps"])
    assert not re.search(r"\b(git|checkout|unzip|extract|extractall|eval|source|pip|npm|make)\b", scripts)
    assert read(ACTION)["inputs"]["artifact"]["default"] == job["env"]["ARTIFACT"]


def test_the_pull_request_is_named_by_the_service_and_never_by_the_artifact() -> None:
    find, write, comment = (step(COMMENT, name) for name in _STEPS)
    assert {"NUMBER": "${{ steps.find.outputs.number }}"} == comment["env"]
    assert "NUMBER" not in write["run"]
    assert "gate.md" not in find["run"] + comment["run"]
    assert "$HEAD_SHA" in find["run"]


_STEPS = ("Find the pull request and the artifact", "Write the comment", "Comment")


def comment_on(told: bytes, folder: Path) -> str:
    with zipfile.ZipFile(folder / "gate.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("gate.md", told)
    done = subprocess.run(
        ["bash", "-c", step(COMMENT, "Write the comment")["run"]],
        env={"PATH": os.environ["PATH"], "RUNNER_TEMP": str(folder)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert 0 == done.returncode, done.stderr
    return (folder / "comment.md").read_text()


@needs_bash
def test_the_comment_shows_what_the_gate_wrote(tmp_path: Path) -> None:
    comment = comment_on(b"## poolstorm gate: PASS\n\n| a | b |\n", tmp_path)
    assert comment.endswith("```text\n## poolstorm gate: PASS\n\n| a | b |\n```\n")
    assert comment.startswith("<!-- poolstorm gate -->\n")


@needs_bash
def test_nothing_in_the_artifact_leaves_the_comments_fence(tmp_path: Path) -> None:
    hostile = "```\n@everyone ![x](//x)\n`````\n\u202e\x1b[31m\r</div>\x00"
    before, *inside, after = (
        comment_on(hostile.encode() + b"\xff", tmp_path).partition("``````text\n")[2].split("\n``````")
    )
    assert not inside
    assert "\n" == after
    assert "@everyone" in before
    assert before.replace("\n", "").isprintable()


@needs_bash
def test_an_artifact_that_unpacks_to_a_great_deal_is_cut(tmp_path: Path) -> None:
    comment = comment_on(b"x" * 50_000_000, tmp_path)
    assert 30_000 < len(comment) < 31_000
    assert "and more, in the artifact" in comment


GATE_STANDS_FOR = '#!/bin/sh\nprintf "%s\\n" "$@" > "$RUNNER_TEMP/words"\nexit 4\n'
"""The command itself is tried elsewhere; this one shows which words the action gives it."""


@needs_bash
def test_inputs_reach_the_command_as_single_words_and_its_exit_code_is_the_jobs(tmp_path: Path) -> None:
    program = tmp_path / "poolstorm/bin/poolstorm"
    program.parent.mkdir(parents=True)
    program.write_text(GATE_STANDS_FOR)
    program.chmod(0o755)
    earlier = tmp_path / "poolstorm-earlier/shop/gate.json"
    earlier.parent.mkdir(parents=True)
    earlier.touch()
    given = {
        "BASE_REF": "$(touch hacked); `touch hacked` *",
        "PAIRS": "12,20",
        "SCENARIOS": "gate  latency\n",
        "INCONCLUSIVE": "warn",
        "ARGUMENTS": "--rate=40\n--env=NAME=two words\n",
    }
    runner = {name: str(tmp_path / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    done = subprocess.run(
        ["bash", "-c", step(ACTION, "Gate")["run"]],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "RUNNER_TEMP": str(tmp_path), "ARTIFACT": "shop", **runner, **given},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert 4 == done.returncode, done.stderr
    gate, first, output, *rest = (tmp_path / "words").read_text().splitlines()
    assert ["gate", "--inconclusive=warn"] == [gate, first]
    assert output.startswith("--output=")
    assert [
        f"--base-ref={given['BASE_REF']}", f"--earlier={earlier}", "--pairs=12,20",
        "--scenario=gate", "--scenario=latency", "--rate=40",
        "--env=NAME=two words",
    ] == rest  # fmt: skip
    assert "exit-code=4" in (tmp_path / "GITHUB_OUTPUT").read_text()
    assert not (tmp_path / "hacked").exists()
