"""An app as described, with its variants, as the subjects that it becomes."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path

from harness.apps.places import OF_DATABASE, check_places, has_place
from harness.apps.wish import MOST_VARIANTS, AppWish, VariantWish
from harness.environment.hidden import as_told
from harness.errors import PlanError, shown
from harness.locustfile import Locustfile
from harness.subject import OWN_SCHEMA, Launch, Readiness, Subject, Visits
from scenarios.model import NAME_PATTERN
from targets.settings import PoolSettings

LONGEST_NAME = 40
COMMAND = "command"
_OF_PLACES = frozenset({"PATH", "PYTHONPATH", "VIRTUAL_ENV"})
_ASGI = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_PATH = re.compile(r"/[!-~]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def app_subjects(wish: AppWish, locustfile: Locustfile | None = None) -> tuple[Subject, ...]:
    """The app as it is, then each of its variants; where there is a `locustfile`, its users put the load on.

    Raises PlanError for what cannot be started, would never hear of its database, or cannot be told apart.
    """
    variants = {**wish.variants, **_combinations(wish)}
    if len(variants) > MOST_VARIANTS:
        raise PlanError(
            f"app {shown(wish.name)} has {len(variants)} variants, more than {MOST_VARIANTS}; name fewer values"
        )
    found = [app_subject(wish)]
    for name, variant in variants.items():
        whole = f"{wish.name}-{name}"
        if len(whole) > LONGEST_NAME:
            raise PlanError(f"app: the name {whole} is too long; {LONGEST_NAME} characters are the most")
        changed = {"name": whole, "env": {**wish.env, **variant.env}, "run": variant.run or wish.run}
        found.append(app_subject(wish.model_copy(update=changed), of=wish))
    return tuple(found if locustfile is None else (replace(one, workload=locustfile) for one in found))


def _combinations(wish: AppWish) -> Mapping[str, VariantWish]:
    """One of each value for each variable, under the values' own names where these can be names."""
    if not wish.matrix:
        return {}
    found: dict[str, VariantWish] = {}
    for values in product(*wish.matrix.values()):
        name = "-".join(re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-") for value in values)
        if not re.fullmatch(NAME_PATTERN, name) or name in found or name in wish.variants:
            name = f"matrix-{len(found) + 1}"
        if name in wish.variants:
            raise PlanError(f"app.matrix: there is a variant {shown(name)} already; name it otherwise")
        found[name] = VariantWish(env=dict(zip(wish.matrix, values, strict=True)))
        if len(found) > MOST_VARIANTS:
            break
    return found


def app_subject(wish: AppWish, of: AppWish | None = None) -> Subject:
    """One subject, or one variant `of` an app, which fills the database for it. Raises PlanError."""
    owner = of or wish
    command = _command(wish.run, wish.env)
    setup = words_of(wish.setup, "app.setup") if wish.setup else ()
    for problem in _problems(wish):
        raise PlanError(problem)
    directory = Path(wish.directory) if wish.directory else Path.cwd()
    if not directory.is_dir():
        raise PlanError(f"app.directory: there is no folder {shown(str(directory))}; name the one it is to run in")
    _require_program(command[0], directory, wish.env.get("PATH"))
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
            setup_environment=dict(owner.env),
            probe=wish.probe,
        ),
        settings=PoolSettings(),
        schema=f"{OWN_SCHEMA}{owner.name}",
        workload=Visits(wish.get),
        given=given_of(wish),
    )


def given_of(wish: AppWish) -> dict[str, str]:
    """What a record tells of how an app is started; where its programs lie says nothing of it."""
    told = as_told({**wish.env, COMMAND: wish.run})
    return {name: value for name, value in told.items() if name not in _OF_PLACES}


def _problems(wish: AppWish) -> Iterator[str]:
    """What is wrong with the words that it is described in, a line each."""
    named = [(f"app.env.{name}", value) for name, value in wish.env.items()]
    for where, text in (("app.run", wish.run), ("app.setup", wish.setup or ""), *named):
        check_places(text, where)
    for name in (*wish.env, *wish.matrix):
        if not _VARIABLE.fullmatch(name):
            yield f"app.env: {shown(name)} is no name of a variable; write it as NAME=VALUE"
    if not any(has_place(text, *OF_DATABASE) for text in (wish.run, *wish.env.values())):
        yield (
            "the app is not told its database; give the variable that it reads, such as "
            "--env DATABASE_URL={database_url}"
        )
    for path in (*wish.get, *filter(None, (wish.ready,))):
        if not _PATH.fullmatch(path):
            yield f"app: {shown(path)} is no path; one begins with / and has no blanks"


def _command(run: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    if _ASGI.fullmatch(run):
        return (*_uvicorn(environment), run, "--host", "{host}", "--port", "{port}", "--no-access-log")
    words = words_of(run, "app.run")
    if not any(has_place(word, "port") for word in words):
        raise PlanError(
            f"app.run: {shown(run)} does not say where to listen; put {{port}} where the port belongs, or write "
            "MODULE:NAME of an ASGI app"
        )
    return words


def _uvicorn(environment: Mapping[str, str]) -> tuple[str, ...]:
    """That of the app's own environment where it names one, else the one on PATH.

    Where no uvicorn is at hand, the one that we have: then the app most likely lives in our environment.
    """
    if own := environment.get("VIRTUAL_ENV"):
        return (f"{own}/bin/python", "-m", "uvicorn")
    return ("uvicorn",) if shutil.which("uvicorn") else (sys.executable, "-m", "uvicorn")


def words_of(line: str, where: str) -> tuple[str, ...]:
    """A command as its words; `where` it stands is for messages. Raises PlanError for one that cannot be read."""
    try:
        words = tuple(shlex.split(line))
    except ValueError as error:
        raise PlanError(f"{where}: {shown(line)} cannot be read ({error}); mend its quotes") from None
    if not words:
        raise PlanError(f"{where} is empty; write a command")
    return words


def _require_program(program: str, directory: Path, path: str | None) -> None:
    """`path` is the app's own PATH."""
    if "{" in program:
        return
    found = (directory / program).is_file() if "/" in program else shutil.which(program, path=path) is not None
    if not found:
        raise PlanError(f"app.run: there is no program {shown(program)}; install it, or name its path")
