"""What a shell offers after TAB."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import completion
from scenarios.registry import SCENARIOS
from targets.known import KNOWN_TARGETS
from tests.integration.command import COMMAND


def test_the_names_are_those_of_the_registries() -> None:
    """Where one is missing: add it in harness/completion.py."""
    assert sorted(KNOWN_TARGETS) == list(completion.TARGETS)
    assert sorted(SCENARIOS) == list(completion.SCENARIOS)


def test_nothing_of_the_registries_is_imported_for_them() -> None:
    code = (
        "import sys, harness.cli\nfrom harness.completion import targets\n"
        "assert targets('sync') == ['sync-pool']\n"
        "print({'sqlalchemy', 'pydantic', 'fastapi', 'targets.registry', 'scenarios.registry'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "set()\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("poolstorm ru", ["run"]),
        ("poolstorm run -t async-p", ["async-pool"]),
        ("poolstorm run --scenario late", ["latency"]),
        ("poolstorm serve psycopg-r", ["psycopg-raw"]),
    ],
)
def test_bash_is_offered_what_fits(words: str, expected: list[str], tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "_POOLSTORM_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    command = [sys.executable, "-c", f"import sys; sys.argv[0] = 'poolstorm'; {COMMAND[2]}"]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert found.stdout.split() == expected
    assert found.stderr == ""


def test_the_apps_of_the_folders_plan_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plan = tmp_path / "poolstorm.toml"
    plan.write_text('[app]\nname = "as-shop"\n[app.variants.small]\n')
    assert completion.targets("as") == [
        "as-shop",
        "as-shop-small",
        "async-def-sync",
        "async-no-pool",
        "async-pool",
    ] + [name for name in completion.TARGETS if name.startswith("asyncpg")]
    plan.write_text("[apps.one]\n[apps.two.variants.x]\n")
    assert completion.targets("t")[:2] == ["two", "two-x"]
    for broken in (
        "[app",
        "app = 3",
        "[app]\nname = 3\nvariants = 4",
        "apps = [1]",
        "[apps]\nx = 1",
        "[app]\nname = [1]",
    ):
        plan.write_text(broken)
        assert "sync-pool" in completion.targets("")
