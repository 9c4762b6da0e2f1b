from __future__ import annotations

import resource
from pathlib import Path

import pytest

from harness import doctor
from harness.doctor import Discovery, State, essential_missing, render, required_names
from harness.environment import toxiproxy_binary
from harness.errors import EnvironmentSetupError

FINE = Discovery("Python", State.OK, "3.11.7")
POOR = Discovery("processor", State.WARNING, "1 core", "use two")
GONE = Discovery("Toxiproxy", State.MISSING, "not found", "install it")


def test_findings_are_listed_with_their_remedies() -> None:
    assert render([FINE, POOR]) == [
        "ok       Python     3.11.7",
        "warning  processor  1 core",
        "                    -> use two",
    ]
    assert render([]) == []


def test_only_what_is_missing_keeps_a_run_from_working() -> None:
    assert not essential_missing([FINE, POOR])
    assert essential_missing([FINE, POOR, GONE])


def test_requirements_of_extras_are_not_required() -> None:
    lines = ["uvloop>=0.23; sys_platform != 'win32'", "sqlalchemy<2.2,>=2.1", 'ruff>=0.17; extra == "dev"']
    assert required_names(lines) == ["uvloop", "sqlalchemy"]


def test_everything_is_looked_at_once_and_named() -> None:
    discoveries = doctor.diagnose()
    names = [discovery.name for discovery in discoveries]
    assert names == [
        "Python",
        "packages",
        "PostgreSQL",
        "Toxiproxy",
        "Go",
        "cache folder",
        "loopback ports",
        "open files",
        "processes",
        "processor",
        "git",
    ]
    assert [
        discovery for discovery in discoveries if discovery.state is not State.OK and not discovery.remedy
    ] == []
    assert {discovery.state for discovery in discoveries[:3]} == {State.OK}


def test_a_check_that_fails_is_a_finding_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Path:
        raise EnvironmentSetupError("the wheel is not installed; run 'make setup' or give --database-url")

    monkeypatch.setattr(doctor, "embedded_binaries", none)
    (discovery,) = [found for found in doctor.diagnose() if found.name == "PostgreSQL"]
    assert discovery == Discovery(
        "PostgreSQL", State.MISSING, "the wheel is not installed", "run 'make setup' or give --database-url"
    )


def test_no_toxiproxy_and_no_go_is_missing_and_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "find", lambda: None)
    monkeypatch.setattr(doctor, "find_go", lambda: None)
    assert doctor.check_toxiproxy().state is State.MISSING
    assert doctor.check_toxiproxy().remedy == toxiproxy_binary.WAYS_TO_GET_IT
    assert doctor.check_go().state is State.WARNING


def test_toxiproxy_that_is_yet_to_be_built_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "find", lambda: None)
    monkeypatch.setattr(doctor, "find_go", lambda: toxiproxy_binary.Go(Path("go"), None))
    discovery = doctor.check_toxiproxy()
    assert discovery.state is State.OK
    assert "will be built at the first run" in discovery.found


def test_go_is_not_missed_once_toxiproxy_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    binary = toxiproxy_binary.ToxiproxyBinary(Path("server"), "2.12.0", "cache")
    monkeypatch.setattr(doctor, "find", lambda: binary)
    monkeypatch.setattr(doctor, "find_go", lambda: None)
    assert doctor.check_go().state is State.OK


@pytest.mark.parametrize(
    ("limit", "state"), [(256, State.WARNING), (1024, State.OK), (resource.RLIM_INFINITY, State.OK)]
)
def test_a_low_limit_of_open_files_is_warned_of(limit: int, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (limit, limit))
    assert doctor.check_open_files().state is state


def test_half_a_build_in_the_cache_is_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("POOLSTORM_CACHE", str(tmp_path))
    folder = toxiproxy_binary.server_folder()
    folder.mkdir()
    server = folder / toxiproxy_binary.SERVER
    server.touch(mode=0o755)
    assert toxiproxy_binary.find() is None

    (folder / "build.json").write_text('{"version": "2.12.0"}')
    assert toxiproxy_binary.find() == toxiproxy_binary.ToxiproxyBinary(server, "2.12.0", "cache")


@pytest.mark.parametrize(("user", "state"), [(1000, State.WARNING), (0, State.OK)])
def test_a_limit_of_processes_is_told_to_those_whom_it_binds(
    user: int, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    monkeypatch.setattr("os.geteuid", lambda: user)
    resource.setrlimit(resource.RLIMIT_NPROC, (40, hard))
    try:
        found = doctor.check_processes()
    finally:
        resource.setrlimit(resource.RLIMIT_NPROC, (soft, hard))
    assert state is found.state
    assert ("limit 40" in found.found, "ulimit -u" in found.remedy) == (user != 0, user != 0)
