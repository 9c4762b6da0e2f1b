from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from harness.environment import children
from harness.environment.children import (
    child_environment,
    module_command,
    python_environment,
    without_libpq_variables,
)
from harness.environment.toxiproxy_binary import Go, go_environment

HOSTILE = {
    "PGHOSTADDR": "192.0.2.1",
    "PGSSLMODE": "verify-full",
    "PGOPTIONS": "-c statement_timeout=1",
    "PGSERVICE": "someone's",
    "PGSERVICEFILE": "/nowhere",
    "PGPASSFILE": "/nowhere",
    "PGPASSWORD": "s3cret",
    "PGCHANNELBINDING": "require",
    "PGTARGETSESSIONATTRS": "standby",
    "http_proxy": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "all_proxy": "http://127.0.0.1:9",
    "LANG": "de_DE.ISO-8859-1",
    "LC_MESSAGES": "de_DE",
    "PYTHONPATH": "/someone/s/project",
    "PYTHONSTARTUP": "/nowhere",
    "PYTHONWARNINGS": "error",
    "UVICORN_PORT": "1",
    "LOCUST_HOST": "http://192.0.2.1",
    "GEVENT_BACKEND": "nonsense",
    "POOLSTORM_POOL_SIZE": "3",
    "LD_PRELOAD": "/nowhere.so",
}


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", "/bin")
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/python/lib")
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("hostile")
def test_a_child_sees_what_any_program_needs_and_what_is_its_own() -> None:
    assert {
        "PATH": "/bin",
        "HOME": "/home/me",
        "LD_LIBRARY_PATH": "/opt/python/lib",
        "LC_ALL": "C.UTF-8",
        "PYTHONUTF8": "1",
        "LOG_LEVEL": "warn",
    } == child_environment(own={"LOG_LEVEL": "warn"})


@pytest.mark.usefixtures("hostile")
def test_a_python_program_finds_this_package_in_its_checkout_and_nothing_of_the_users() -> None:
    environment = python_environment({"POOLSTORM_POOL_SIZE": "7"})
    assert str(Path(__file__).parents[3]) == environment["PYTHONPATH"]
    assert "7" == environment["POOLSTORM_POOL_SIZE"]
    kept = {name for name in HOSTILE if environment.get(name) == HOSTILE[name]}
    assert set() == kept


@pytest.mark.usefixtures("hostile")
def test_an_installed_package_needs_no_path(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(children.__file__).parents[2]
    monkeypatch.setattr("site.getsitepackages", lambda: [str(root)])
    assert children.checkout() is None
    assert "PYTHONPATH" not in python_environment()


def test_modules_are_run_without_the_working_directory_on_the_path() -> None:
    assert [sys.executable, "-P", "-m", "harness.load.worker", "127.0.0.1", "5557"] == module_command(
        "harness.load.worker", "127.0.0.1", "5557"
    )


@pytest.mark.usefixtures("hostile")
def test_only_the_build_may_use_a_proxy_and_the_users_settings_of_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOPROXY", "https://proxy.invalid")
    monkeypatch.setenv("GOOS", "plan9")
    environment = go_environment(Go(Path("/opt/go/bin/go"), Path("/opt/go")), {"GOWORK": "off"})
    assert "http://127.0.0.1:9" == environment["http_proxy"]
    assert "https://proxy.invalid" == environment["GOPROXY"]
    assert ("/opt/go", "off") == (environment["GOROOT"], environment["GOWORK"])
    assert {"GOOS", "PGHOSTADDR", "PYTHONPATH", "LD_PRELOAD"} & set(environment) == set()


@pytest.mark.usefixtures("hostile")
def test_libpqs_variables_are_away_during_the_block_and_back_after_it() -> None:
    before = dict(os.environ)
    with without_libpq_variables():
        assert [] == [name for name in os.environ if name.startswith("PG")]
    assert before == dict(os.environ)
