"""Folders that hold a base and its head: copies of `targets/`, or a repository of the shop with two commits."""

from __future__ import annotations

import compileall
import json
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path

from benchmarks.gate.regressions.model import Edit, OfShop

ROOT = Path(__file__).parents[3]
SCENARIOS = Path(__file__).with_name("scenarios.toml")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.egg-info", ".venv", "build", "runs")
_WHO = ("-c", "user.name=A user", "-c", "user.email=user@example.test")
_SHARES = "import pathlib, site; pathlib.Path(site.getsitepackages()[0], 'shared.pth').write_text({!r})"


def copy_of_targets(folder: Path, edits: tuple[Edit, ...] = ()) -> Path:
    """`targets/` in a folder of its own, changed and compiled; what is put first on the path. Raises EditError."""
    shutil.copytree(ROOT / "targets", folder / "targets", ignore=_LEFT_OUT)
    for edit in edits:
        edit.apply(folder)
    compileall.compile_dir(folder, quiet=1)
    return folder


def repository_of_shop(folder: Path, change: OfShop) -> Path:
    """The shop, base as its first commit and head as its second; returns the folder. Raises EditError."""
    shutil.copytree(ROOT / "examples/shop", folder, ignore=_LEFT_OUT)
    for edit in change.prepared:
        edit.apply(folder)
    (folder / "poolstorm.toml").write_text(plan_of(change))
    _git(folder, "init", "--quiet")
    _commit(folder, "The shop")
    for edit in change.edits:
        edit.apply(folder)
    _commit(folder, "A change")
    return folder


def plan_of(change: OfShop) -> str:
    """The shop's `poolstorm.toml` for a gate."""
    variables = {"DATABASE_URL": "{database_url+asyncpg}", **change.env}
    env = ", ".join(f"{name} = {json.dumps(value)}" for name, value in variables.items())
    load = f"get = {json.dumps(change.paths)}" if change.paths else 'locustfile = "locustfile.py"'
    return "\n".join(
        (
            "[gate]",
            f"install = {json.dumps(_installation())}",
            "",
            "[app]",
            'name = "shop"',
            'run = "shop.main:app"',
            f"env = {{ {env} }}",
            'setup = "python -m alembic upgrade head"',
            'ready = "/healthz"',
            f"rate_per_s = {change.rate_per_s}",
            load,
            "",
            SCENARIOS.read_text(),
        )
    )


def _installation() -> str:
    """Each revision has an environment of its own, which finds the packages of this one: all of them need the
    same, and to install them 72 times would take an hour.
    """
    return shlex.join(["python", "-c", _SHARES.format(sysconfig.get_path("purelib"))])


def _commit(folder: Path, says: str) -> None:
    _git(folder, "add", "--all")
    _git(folder, *_WHO, "commit", "--quiet", "--message", says)


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)
