"""An app as a person describes it, in a plan file or on the command line, and the subject that it becomes."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from harness.apps.places import OF_DATABASE, check_places, has_place
from harness.errors import PlanError, shown
from harness.subject import APP_WORKLOAD, NO_SCHEMA, Launch, Readiness, Subject
from scenarios.model import Name, Number
from targets.settings import PoolSettings

MOST_PATHS = 100
_ASGI = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_PATH = re.compile(r"/[!-~]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_Line = Annotated[str, Field(min_length=1, max_length=2000)]


class AppWish(BaseModel):
    """`[app]` in a plan file.

    `run` is `MODULE:NAME` of an ASGI app, which uvicorn runs, or a command that holds `{port}`. In it, in `setup`
    and in the values of `env`, `{database_url}` and its like stand for the trial's database
    (`harness.apps.places`). `ready` is a path that answers 200 once the app is up; without it any answer will do.
    `setup` fills the database once, such as `alembic upgrade head`. `get` are paths to read; without them those
    are read that the app's OpenAPI document names and that need nothing. `rate_per_s` is the load that is usual
    for it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    run: _Line
    name: Name = "app"
    directory: _Line | None = None
    env: Annotated[Mapping[str, Annotated[str, Field(max_length=2000)]], Field(max_length=200)] = Field(
        default_factory=dict
    )
    ready: _Line | None = None
    ready_within_s: Annotated[Number, Field(gt=0, le=600)] = 30.0
    setup: _Line | None = None
    get: Annotated[tuple[_Line, ...], Field(max_length=MOST_PATHS)] = ()
    rate_per_s: Annotated[Number, Field(gt=0, le=10_000)] = 20.0


def app_subject(wish: AppWish) -> Subject:
    """The subject. Raises PlanError for what cannot be started, or would never hear of its database."""
    command = _command(wish.run)
    setup = _words(wish.setup, "app.setup") if wish.setup else ()
    named = [(f"app.env.{name}", value) for name, value in wish.env.items()]
    for where, text in (("app.run", wish.run), ("app.setup", wish.setup or ""), *named):
        check_places(text, where)
    for name in wish.env:
        if not _VARIABLE.fullmatch(name):
            raise PlanError(f"app.env: {shown(name)} is no name of a variable; write it as NAME=VALUE")
    if not any(has_place(text, *OF_DATABASE) for text in (wish.run, *wish.env.values())):
        raise PlanError(
            "the app is not told its database; give the variable that it reads, such as "
            "--env DATABASE_URL={database_url}"
        )
    for path in (*wish.get, *filter(None, (wish.ready,))):
        if not _PATH.fullmatch(path):
            raise PlanError(f"app: {shown(path)} is no path; one begins with / and has no blanks")
    directory = Path(wish.directory) if wish.directory else Path.cwd()
    if not directory.is_dir():
        raise PlanError(f"app.directory: there is no folder {shown(str(directory))}; name the one it is to run in")
    _require_program(command[0], directory)
    return Subject(
        name=wish.name,
        title=wish.name,
        teaches=f"how {wish.name} stands load and fault",
        driver="",
        launch=Launch(
            command=command,
            directory=directory,
            environment=dict(wish.env),
            readiness=Readiness(wish.ready, wish.ready_within_s),
            is_ours=False,
            setup=setup,
        ),
        settings=PoolSettings(),
        schema=NO_SCHEMA,
        workload=APP_WORKLOAD,
        paths=wish.get,
    )


def merged(in_file: AppWish | None, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """The command line's words before the file's; None where neither speaks of an app."""
    said = {name: value for name, value in given.items() if value is not None}
    if "env" in said:
        said["env"] = _variables(said["env"])
    if in_file is None and not said:
        return None
    before = in_file.model_dump(exclude_unset=True) if in_file else {}
    if "env" in said:
        said["env"] = {**before.get("env", {}), **said["env"]}
    found = {**before, **said}
    if "run" not in found:
        raise PlanError("--env, --ready, --setup, --get and --rate belong to an app; name it with --app")
    return found


def _variables(options: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            raise PlanError(f"--env {shown(option)} has no value; write it as NAME=VALUE")
        found[name] = value
    return found


def _command(run: str) -> tuple[str, ...]:
    if _ASGI.fullmatch(run):
        # Where no uvicorn is at hand, the one that we have: then the app most likely lives in our environment.
        uvicorn = ("uvicorn",) if shutil.which("uvicorn") else (sys.executable, "-m", "uvicorn")
        return (*uvicorn, run, "--host", "{host}", "--port", "{port}", "--no-access-log")
    words = _words(run, "app.run")
    if not any(has_place(word, "port") for word in words):
        raise PlanError(
            f"app.run: {shown(run)} does not say where to listen; put {{port}} where the port belongs, or write "
            "MODULE:NAME of an ASGI app"
        )
    return words


def _words(line: str, where: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(line))
    except ValueError as error:
        raise PlanError(f"{where}: {shown(line)} cannot be read ({error}); mend its quotes") from None
    if not words:
        raise PlanError(f"{where} is empty; write a command")
    return words


def _require_program(program: str, directory: Path) -> None:
    if "{" in program:
        return
    found = (directory / program).is_file() if "/" in program else shutil.which(program) is not None
    if not found:
        raise PlanError(f"app.run: there is no program {shown(program)}; install it, or name its path")
