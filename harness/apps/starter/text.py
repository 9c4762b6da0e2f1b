"""The starter as the text of a plan file, and as the lines that tell what was found. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator

from harness.apps.starter.database import Told
from harness.apps.starter.folder import is_env_file
from harness.apps.starter.starter import Starter
from harness.errors import plain_line

HEAD = """\
# A starter for poolstorm, made of what `poolstorm init` found here. Read it through, mend it, then:
#     poolstorm run --dry-run    says what would be run, and for how long
#     poolstorm run              runs it and writes a report
# In the values, {database_url} and its like stand for the database of each trial, never for one of yours.
"""
SCENARIOS = """
# `poolstorm list` names more. Each runs once; with repetitions = 3 the report tells noise from difference.
scenarios = ["baseline", "latency", "dropped-connections", "exhaustion"]
"""


def plan_text(starter: Starter) -> str:
    """A plan file with comments. What was not found is a comment that says what to put there."""
    parts = [HEAD, SCENARIOS, "\n[app]\n", *_lines(_app(starter)), "\n[app.env]\n", *_lines(_env(starter))]
    return "".join([*parts, "\n", *_lines(_variant(starter))])


def _lines(lines: Iterator[str]) -> Iterator[str]:
    return (f"{line}\n" for line in lines)


def _app(starter: Starter) -> Iterator[str]:
    app = starter.app
    if app is not None:
        made = "a function that makes it" if app.is_factory else "the app"
        yield _comment(f"{app.kind}: {made} in {app.path}.")
        for other in starter.others:
            yield _comment(f"There is also {other.target} in {other.path}.")
        yield _entry("run", starter.run)
    else:
        yield "# No ASGI app was found. Put MODULE:NAME of one, or any command that listens at {port}:"
        yield f"# {_entry('run', starter.run)}"
    if starter.directory:
        yield "# The folder to run in, from this file's."
        yield _entry("directory", starter.directory)
    yield ""
    yield from _setup(starter)
    yield ""
    yield from _ready(starter)
    yield ""
    yield from _load(starter)


def _setup(starter: Starter) -> Iterator[str]:
    if starter.setup is None:
        yield "# No migrations were found. A command that makes tables and fills them, run once:"
        yield '# setup = "alembic upgrade head"'
        return
    command = starter.setup.command
    yield _comment(f"Makes the tables, once; each trial gets a copy. From {starter.setup.where}.")
    if starter.setup.doubt:
        yield _comment(f"CAREFUL: {starter.setup.doubt}.")
        yield f"# {_entry('setup', command)}"
    else:
        yield _entry("setup", command)
    if starter.seed:
        yield _comment(f"An empty database answers fast. To run {starter.seed} as well:")
        yield f"# {_entry('setup', _both(command, f'python -m {starter.seed}'))}"
    else:
        yield "# An empty database answers fast: have this fill the tables too, as full as those that matter."


def _both(first: str, second: str) -> str:
    return f'sh -c "{first} && {second}"' if '"' not in first and "'" not in first else f"{first} && {second}"


def _ready(starter: Starter) -> Iterator[str]:
    route = starter.ready
    if route is None:
        yield "# A path that answers 200 once the app is up. Without one, any answer will do."
        yield '# ready = "/healthz"'
    elif route.is_whole:
        yield _comment(f"Answers 200 once the app is up. From {route.where}.")
        yield _entry("ready", route.path)
    else:
        yield _comment(
            f"A path that answers 200 once the app is up: {route.where} has this one, below some prefix."
        )
        yield f"# {_entry('ready', route.path)}"


def _load(starter: Starter) -> Iterator[str]:
    if starter.locustfile:
        yield _comment(f"Users as in {starter.locustfile}. Without it, paths are read:")
        yield _entry("locustfile", starter.locustfile)
        yield '# get = ["/items", "/orders?open=true"]'
    else:
        documented = starter.app is not None and starter.app.documents
        yield (
            "# What is asked. Without it: each path in /openapi.json with a GET that needs no parameter."
            if documented
            else "# What is asked. There may be no /openapi.json to find paths in, so name some."
        )
        yield '# get = ["/items", "/orders?open=true"]'
        yield "# Or users who log in, order and so on, as a locustfile has them:"
        yield '# locustfile = "locustfile.py"'
    yield ""
    yield "# Requests a second that are usual. Without it, a fifth of what the app is found to bear."
    yield "# rate_per_s = 50"


def _env(starter: Starter) -> Iterator[str]:
    if not starter.database:
        yield "# No variable with the address of a database was found. Put the one that the app reads:"
        yield '# DATABASE_URL = "{database_url}"'
        yield "# or, spelt for a driver, {database_url+asyncpg}, {database_url+psycopg}, {database_url+psycopg2};"
        yield "# or: {database_host}, {database_port}, {database_name}, {database_user}, {database_password}."
    before = ""
    for told in starter.database:
        if told.where != before:
            yield _comment(f"{_read_where(told)}.")
        before = told.where
        yield _entry(told.name, told.value)
    if starter.overrides:
        yield "# CAREFUL: load_dotenv(override=True) lets a .env go before these. Leave override out."
    if starter.required:
        yield ""
        yield "# Required, with no default and in no .env here; give them where your shell does not."
    for variable in starter.required:
        yield f'# {variable.name} = "..."    {_comment(variable.where)}'


def _read_where(told: Told) -> str:
    return (
        f"Named in {told.where}; nothing was seen that reads it"
        if is_env_file(told.where)
        else f"From {told.where}"
    )


def _variant(starter: Starter) -> Iterator[str]:
    yield "# The same app under other settings stands beside it in the report, as app-small:"
    yield "# [app.variants.small]"
    pool = starter.pool or (("DB_POOL_SIZE", "2"),)
    yield f"# env = {{ {', '.join(f'{name} = {json.dumps(value)}' for name, value in pool)} }}"


def _entry(name: str, value: str) -> str:
    return f"{name} = {json.dumps(value, ensure_ascii=False)}"


def _comment(text: str) -> str:
    return f"# {plain_line(text)}"


def told_lines(starter: Starter) -> Iterator[str]:
    """What was found and what was not, a line each."""
    app, setup, ready = starter.app, starter.setup, starter.ready
    yield _told("app", f"{app.target} ({app.kind}, {app.path})" if app else "")
    for told in starter.database:
        yield _told("database", f"{told.name} = {told.value} ({told.where})")
    if not starter.database:
        yield _told("database", "")
    yield _told("set-up", setup.command + (f"; left out: {setup.doubt}" if setup.doubt else "") if setup else "")
    yield _told("ready", ready.path + ("" if ready.is_whole else ", below some prefix") if ready else "")
    yield _told("locustfile", starter.locustfile)
    if starter.partly:
        yield "           not all of it was read: some files are large or many, or no text"


def _told(what: str, found: str) -> str:
    return f"{what:<11}{plain_line(found, 160) if found else 'not found'}"


def left_to_do(starter: Starter) -> tuple[str, ...]:
    """What the plan cannot run without."""
    missing = [] if starter.app else ["run"]
    return (*missing, *(() if starter.database else ("the database's variable in [app.env]",)))
