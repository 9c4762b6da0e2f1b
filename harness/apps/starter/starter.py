"""What was found of a project, put together. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.apps.starter.asgi import AsgiApp, find_apps
from harness.apps.starter.commands import Setup, find_seed, find_setup, nearest, other_run, run_of
from harness.apps.starter.database import Told, tell_database
from harness.apps.starter.project import Project, below
from harness.apps.starter.routes import Route, find_health
from harness.apps.starter.variables import Variable, find_variables

_POOL_SIZE = re.compile(r"POOL_?(?:MAX_?)?SIZE$|MAX_?POOL_?SIZE$|POOL_?MAX$|MAX_?CONNECTIONS?$")
_OVERFLOW = re.compile(r"MAX_?OVERFLOW$")
_OVERRIDES = re.compile(r"load_dotenv\([^)\n]{0,200}override\s*=\s*True")
MOST_REQUIRED = 20
MOST_OTHERS = 5


@dataclass(frozen=True)
class Starter:
    """All that goes into the starter plan; what is None or empty was not found. `run` is then an example."""

    run: str
    app: AsgiApp | None = None
    others: tuple[AsgiApp, ...] = ()
    directory: str = ""
    setup: Setup | None = None
    seed: str = ""
    ready: Route | None = None
    locustfile: str = ""
    """By its path from the plan's folder, not from `directory`."""
    database: tuple[Told, ...] = ()
    required: tuple[Variable, ...] = ()
    """Settings without a default that no `.env` file gives."""
    pool: tuple[tuple[str, str], ...] = ()
    """Variables of the pool, with a small value each."""
    overrides: bool = False
    """Whether its `.env` goes before the variables that it is given."""
    partly: bool = False


def look_at(project: Project) -> Starter:
    """Everything that the project's files tell."""
    apps = find_apps(project)
    app = apps[0] if apps else None
    directory = app.directory if app else ""
    variables = find_variables(project)
    database = tell_database(project, variables)
    return Starter(
        run=run_of(project, app) if app else other_run(project),
        app=app,
        others=apps[1 : 1 + MOST_OTHERS],
        directory=directory,
        setup=find_setup(project, directory, app.kind if app else ""),
        seed=find_seed(project, app) if app else "",
        ready=find_health(project, _beside(app, apps)) if app else None,
        locustfile=nearest(project, directory, "locustfile.py") or "",
        database=database,
        required=_required(project, variables, directory, {told.name for told in database}),
        pool=_pool(variables),
        overrides=any(_OVERRIDES.search(text) for path, text in project.texts.items() if path.endswith(".py")),
        partly=project.partly,
    )


def _beside(app: AsgiApp, apps: tuple[AsgiApp, ...]) -> frozenset[str]:
    """Files of apps that are not this one's."""
    return frozenset(other.path for other in apps if not other.is_factory) - {app.path}


def _required(
    project: Project, variables: tuple[Variable, ...], directory: str, told: set[str]
) -> tuple[Variable, ...]:
    """What a settings class cannot do without, and no `.env` that it may read gives."""
    given = {
        line.partition("=")[0].upper()
        for path, text in project.texts.items()
        if path.rpartition("/")[2] == ".env" and below(path.rpartition("/")[0], directory) is not None
        for line in text.splitlines()
    }
    found = (v for v in variables if v.is_required and v.rank == 0 and v.name.upper() not in given)
    return tuple(v for v in found if v.name not in told)[:MOST_REQUIRED]


def _pool(variables: tuple[Variable, ...]) -> tuple[tuple[str, str], ...]:
    sizes = [(v.name, "2") for v in variables if _POOL_SIZE.search(v.name.upper())][:1]
    beyond = [(v.name, "0") for v in variables if _OVERFLOW.search(v.name.upper())][:1]
    return (*sizes, *beyond)
