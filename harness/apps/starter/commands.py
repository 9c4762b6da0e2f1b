"""How a project is started and its database filled. Pure."""

from __future__ import annotations

import configparser
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from harness.apps.starter.asgi import AsgiApp
from harness.apps.starter.project import Project, below, folder_of, joined, upwards

_OWN_DATABASE = re.compile(
    r"environ|getenv|[Ss]ettings|[Cc]onfig\(|get_url|set_main_option|create_(?:async_)?engine|from_env|attributes"
)
_SEEDS = re.compile(r"(?:^|/)(?:initial_data|seed|seeds|seed_data|init_db|create_data|populate)\.py$")
_OTHERS = {
    "package.json": "node server.js {port}",
    "go.mod": "./service --port {port}",
    "Cargo.toml": "target/release/service --port {port}",
    "pom.xml": "java -jar target/service.jar --server.port={port}",
    "build.gradle": "java -jar build/libs/service.jar --server.port={port}",
    "Gemfile": "bundle exec rails server -p {port}",
    "mix.exs": "env PORT={port} mix phx.server",
}


@dataclass(frozen=True)
class Setup:
    """A command that fills the database; where it is not sure, `doubt` says why."""

    command: str
    where: str
    doubt: str = ""


def run_of(project: Project, app: AsgiApp) -> str:
    """What to write as `run`: the target alone where the plain uvicorn will do."""
    uvicorn = _program(project, app.directory, "uvicorn")
    if uvicorn == "uvicorn" and not app.app_dir and not app.is_factory:
        return app.target
    words = [uvicorn, app.target]
    words += ["--factory"] if app.is_factory else []
    words += ["--app-dir", app.app_dir] if app.app_dir else []
    return f"{shlex.join(words)} --host {{host}} --port {{port}} --no-access-log"


def other_run(project: Project) -> str:
    """An example of a command for a project of another language; for Python where nothing is known."""
    return next((run for name, run in _OTHERS.items() if name in project.texts), "shop.main:app")


def _program(project: Project, directory: str, name: str) -> str:
    """That of the project's own virtual environment, from the folder it is started in; else that on the PATH."""
    for folder in upwards(directory):
        for own in (".venv", "venv", "env"):
            found = joined(joined(folder, own), f"bin/{name}")
            if found in project.programs:
                return from_folder(directory, found)
    return name


def from_folder(directory: str, path: str) -> str:
    """The path of a file as it is written in that folder."""
    if (inside := below(directory, path)) is not None:
        return inside
    up = next(number for number, folder in enumerate(upwards(directory)) if below(folder, path) is not None)
    common = list(upwards(directory))[up]
    return "../" * up + (below(common, path) or "")


def find_setup(project: Project, directory: str, kind: str = "") -> Setup | None:
    """The project's migrations, the nearest to the folder that it is started in."""
    for setup in (_alembic(project, directory), _aerich(project, directory)):
        if setup is not None:
            return setup
    if kind == "Django" and project.has(directory, "manage.py"):
        python = _program(project, directory, "python")
        return Setup(f"{python} manage.py migrate", joined(directory, "manage.py"))
    return None


def find_seed(project: Project, app: AsgiApp) -> str:
    """The dotted name of a module that fills the tables when it is run; empty where there is none."""
    root = joined(app.directory, app.app_dir) if app.app_dir else app.directory
    for path, text in sorted(project.texts.items()):
        inside = below(root, path)
        if inside and _SEEDS.search(path) and "__main__" in text and not path.startswith("tests/"):
            dotted = inside.removesuffix(".py").replace("/", ".")
            if re.fullmatch(r"[A-Za-z_][\w.]*", dotted, re.ASCII):
                return dotted
    return ""


def _alembic(project: Project, directory: str) -> Setup | None:
    ini = nearest(project, directory, "alembic.ini")
    if ini is None:
        tables = ("pyproject.toml" in path and "[tool.alembic]" in text for path, text in project.texts.items())
        ini = nearest(project, directory, "pyproject.toml") if any(tables) else None
    if ini is None:
        return None
    folder = folder_of(ini)
    alembic = _program(project, folder, "alembic")
    command = f"{shlex.quote(alembic)} upgrade head"
    if folder != directory:
        there = from_folder(directory, ini)
        command = f"sh -c {shlex.quote(f'cd {shlex.quote(folder_of(there))} && {command}')}"
    doubt = (
        ""
        if _heeds_variables(project, ini)
        else (
            f"{ini} names a database of its own, which this would migrate: let its env.py read the variable first"
        )
    )
    return Setup(command, ini, doubt)


def _aerich(project: Project, directory: str) -> Setup | None:
    path = joined(directory, "pyproject.toml")
    return Setup("aerich upgrade", path) if "[tool.aerich]" in project.texts.get(path, "") else None


def nearest(project: Project, directory: str, name: str) -> str | None:
    """Above the folder first, then below it."""
    above = (joined(folder, name) for folder in upwards(directory))
    under = sorted(path for path in project.texts if path.rpartition("/")[2] == name)
    return next((path for path in (*above, *under) if path in project.texts), None)


def _heeds_variables(project: Project, ini: str) -> bool:
    """Whether Alembic's env.py has its database from elsewhere than the file; true where it is not to be seen."""
    return any(_OWN_DATABASE.search(text) for text in _env_files(project, ini)) or not any(
        _env_files(project, ini)
    )


def _env_files(project: Project, ini: str) -> Iterator[str]:
    reader = configparser.RawConfigParser(strict=False)
    try:
        reader.read_string(project.texts[ini])
        named = reader.get("alembic", "script_location", fallback="alembic")
    except (configparser.Error, ValueError):
        named = "alembic"
    place = named.replace("%(here)s", "").replace("%%(here)s", "").strip("/ ").removeprefix("./").replace(":", "/")
    for candidate in (joined(folder_of(ini), f"{place}/env.py"), f"{place}/env.py"):
        if candidate in project.texts:
            yield project.texts[candidate]
            return
