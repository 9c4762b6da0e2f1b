from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.environment.facts import (
    cpu_governor,
    cpu_limit,
    describe_environment,
    git_state,
    libpq_version,
    memory_limit_mib,
    parse_cpu_model,
)
from harness.environment.target import launch_command
from harness.subject import standard_launch


@dataclass
class Server:
    version: str
    origin: str = "embedded"
    source: str = "cache"

    def settings(self) -> dict[str, str]:
        return {"fsync": "off"}


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", folder, *identity, *words], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init")
    (tmp_path / "file").write_text("one\n")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-m", "first")
    return tmp_path


def test_a_checkout_tells_its_revision_and_whether_it_was_changed(checkout: Path) -> None:
    revision, dirty = git_state(checkout)
    assert revision is not None
    assert len(revision) == 40
    assert dirty is False

    (checkout / "file").write_text("two\n")
    assert git_state(checkout) == (revision, True)


def test_an_installation_inside_someone_elses_checkout_has_no_revision(checkout: Path) -> None:
    (checkout / "site-packages").mkdir()
    assert git_state(checkout / "site-packages") == (None, None)


def test_without_a_checkout_there_is_no_revision(tmp_path: Path) -> None:
    assert git_state(tmp_path) == (None, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor\t: 0\nmodel name\t: Some  CPU @ 3.0GHz\n", "Some CPU @ 3.0GHz"),
        ("processor\t: 0\nHardware\t: Board\n", "Board"),
        ("processor\t: 0\nmodel name\t: \n", None),
        ("", None),
    ],
)
def test_the_processor_is_named_where_the_system_names_it(text: str, expected: str | None) -> None:
    assert parse_cpu_model(text) == expected


def test_the_environment_is_described_without_names_of_people_or_machines(checkout: Path) -> None:
    described = describe_environment(Server("18.4"), Server("2.12.0"), checkout)
    assert (described.postgres, described.database_origin, described.toxiproxy) == (
        "18.4",
        "embedded",
        "2.12.0 (cache)",
    )
    assert described.postgres_settings == {"fsync": "off"}
    assert {"sqlalchemy", "asyncpg", "psycopg", "psycopg-pool", "psycopg2-binary", "sqlmodel", "locust"} <= set(
        described.packages
    )
    assert described.cpu_count >= 1
    assert described.memory_mib > 0
    assert described.git_dirty is False
    assert described.gil is not None
    assert described.libpq is not None
    assert (described.load_5m or 0) >= 0
    assert str(checkout) not in described.model_dump_json()


def test_a_target_is_run_without_secrets_in_its_arguments() -> None:
    command = launch_command(standard_launch("targets.sync_pool:app"), {"fd": "5"})
    assert command[1:5] == ["-P", "-m", "uvicorn", "targets.sync_pool:app"]
    assert "5" == command[command.index("--fd") + 1]
    assert "--no-access-log" in command


def test_a_target_does_not_search_the_working_directory() -> None:
    words = launch_command(standard_launch("targets.sync_pool:app"), {"fd": "5"})
    assert "-P" == words[1]
    assert "/dev/null" == words[words.index("--app-dir") + 1]


def test_a_revision_is_that_of_the_checkout_and_not_of_a_repository_named_in_the_environment(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = git_state(checkout)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert expected == git_state(checkout)
    assert expected[0] is not None


@pytest.mark.parametrize(("number", "expected"), [(170002, "17.2"), (180000, "18.0"), (90624, "9.6.24")])
def test_libpqs_number_becomes_a_version(number: int, expected: str) -> None:
    assert libpq_version(number) == expected


def test_governors_are_named_once_each_and_none_where_there_are_none(tmp_path: Path) -> None:
    assert cpu_governor(tmp_path) is None
    for number, governor in enumerate(("powersave\n", "performance\n", "powersave\n")):
        folder = tmp_path / f"devices/system/cpu/cpu{number}/cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_governor").write_text(governor)
    assert cpu_governor(tmp_path) == "performance, powersave"


@pytest.fixture
def groups(tmp_path: Path) -> tuple[Path, Path]:
    """A tree of control groups, root/outer/inner, and the file that says where this process is in it."""
    own = tmp_path / "own"
    own.write_text("4:memory:/elsewhere\n0::/outer/inner\n")
    (tmp_path / "root/outer/inner").mkdir(parents=True)
    return tmp_path / "root", own


def test_the_tightest_limit_of_all_groups_above_holds(groups: tuple[Path, Path]) -> None:
    root, own = groups
    (root / "outer/cpu.max").write_text("150000 100000\n")
    (root / "outer/inner/cpu.max").write_text("400000 100000\n")
    (root / "outer/memory.max").write_text("max\n")
    (root / "outer/inner/memory.max").write_text(f"{512 << 20}\n")
    assert (cpu_limit(root, own), memory_limit_mib(root, own)) == (1.5, 512)


@pytest.mark.parametrize("text", ["max 100000\n", "max\n", "", "100000 0\n", "nonsense\n"])
def test_no_limit_is_none(text: str, groups: tuple[Path, Path]) -> None:
    root, own = groups
    (root / "outer/cpu.max").write_text(text)
    (root / "outer/memory.max").write_text(text)
    assert (cpu_limit(root, own), memory_limit_mib(root, own)) == (None, None)


def test_a_system_without_control_groups_has_no_limits(tmp_path: Path) -> None:
    assert (cpu_limit(tmp_path, tmp_path / "none"), memory_limit_mib(tmp_path, tmp_path / "none")) == (None, None)
