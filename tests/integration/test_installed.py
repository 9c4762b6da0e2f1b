"""An installed poolstorm, used in the folder of a project whose own packages bear the names of ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from reports.read import read_run
from tests.unit.reports.builder import example_run

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
PACKAGES = ("harness", "poolstorm", "reports", "scenarios", "targets")
PLAN = """
targets = ["sync-pool", "async-no-pool"]
scenarios = ["short"]
workers = 2

[scenario.short]
base = "baseline"
phases = [{ name = "steady", duration_s = 1.0, arrivals = { rate_per_s = 20 } }]
"""

LEAKS = {
    "PGHOSTADDR": "127.0.0.9",
    "PGSSLMODE": "require",
    "PGOPTIONS": "-c no_such_setting=1",
    "http_proxy": "http://127.0.0.1:9",
    "all_proxy": "http://127.0.0.1:9",
    "LC_ALL": "de_DE.ISO-8859-1",
    "UVICORN_PORT": "1",
    "GEVENT_LOOP": "nonsense",
    "POOLSTORM_POOL_SIZE": "0",
}
"""What a user's shell may hold for other programs."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, installed from a wheel into an environment of its own; what it depends on is borrowed."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / file, source / file)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    _run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, source)
    (wheel,) = folder.glob("*.whl")
    _run(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    python = folder / "venv" / "bin" / "python"
    _run(*pip, "--python", python, "install", "--no-deps", "--no-index", wheel)
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    (site / "altair.py").write_text("raise ModuleNotFoundError('only for development')\n")
    shutil.rmtree(source)
    return folder / "venv" / "bin" / "poolstorm"


def _run(*words: str | Path) -> None:
    subprocess.run(words, check=True, capture_output=True, timeout=120)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder in which every name that a child might import first is somebody else's."""
    folder = tmp_path / "project"
    for package in (*PACKAGES, "uvicorn", "locust"):
        (folder / package).mkdir(parents=True)
        (folder / package / "__init__.py").write_text("raise SystemExit('shadowed by the project')\n")
    for module in ("json", "psutil", "tempfile"):
        (folder / f"{module}.py").write_text("raise SystemExit('shadowed by the project')\n")
    (folder / "plan.toml").write_text(PLAN)
    return folder


def test_a_projects_own_packages_take_the_place_of_none_of_ours(installed: Path, project: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | LEAKS
    done = subprocess.run(
        [installed, "run", "--plan", "plan.toml", "--output", "run"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    assert "shadowed" not in done.stdout + done.stderr
    run = read_run(project / "run")
    assert [("completed", "")] * 2 == [(trial.record.state, trial.record.reason) for trial in run.trials]
    logs = "".join(path.read_text() for path in (project / "run").rglob("*.log"))
    assert "shadowed" not in logs


def test_a_report_with_its_charts_is_made_without_what_only_development_needs(
    installed: Path, tmp_path: Path
) -> None:
    run = example_run(tmp_path / "run")
    python = installed.with_name("python")
    absent = subprocess.run(
        [python, "-c", "import altair"], capture_output=True, text=True, timeout=60, check=False
    )
    assert "only for development" in absent.stderr
    done = subprocess.run(
        [installed, "report", run], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert 0 == done.returncode, done.stderr
    assert "vegaEmbed" in (run / "report.html").read_text()
    asked = subprocess.run(
        [python, "-c", "from importlib.metadata import requires; print(*requires('poolstorm'), sep='\\n')"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ['altair>=6.3; extra == "dev"'] == [line for line in asked.stdout.splitlines() if "altair" in line]
