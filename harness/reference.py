"""docs/reference.md, made from what the program itself goes by: `python -m harness.reference` writes it anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from typer.main import get_command

from harness.apps.places import OF_DATABASE, OF_SOCKET
from harness.apps.wish import AppWish
from harness.cli import app
from harness.environment.parts import KNOWN_PARTS, Link
from harness.errors import EXIT_INCONCLUSIVE, EXIT_INTERRUPTED, EXIT_INVALID, EXIT_USAGE, EXIT_WORSE
from harness.faults import FAULTS, Fault
from harness.faults.base import FaultSettings
from scenarios.limits import Limits
from scenarios.model import CheckKind
from scenarios.registry import SCENARIOS
from targets.drivers.registry import DRIVERS
from targets.planted.registry import PLANTED
from targets.registry import TARGETS, Target
from targets.tutorial.registry import TUTORIAL

PLACE = Path("docs/reference.md")
_CHECKS = {
    "no-errors-outside-faults": "every request sent outside a fault succeeds",
    "recovers-within": "`limit` in ms, from the healing of each fault to steady success",
    "fails-fast": "`limit` in ms, the p99 of failed requests while the proxy is down",
    "exhausts": "at some step of a ladder requests are refused, or the whole pool is out",
    "money-is-conserved": "the bank's total after the trial is that before it",
    "no-leaked-connections": "nothing is checked out after the load",
    "sessions-at-base": "no session is at work or in a transaction after the load that was not so before it",
    "answers-unchanged": "what is only read answers after the load as it did before",
}
_APP = {
    "run": "`MODULE:NAME` of an ASGI app, which uvicorn runs, or a command that holds `{port}`",
    "name": "what it is called in the report",
    "directory": "the folder that its commands run in, from that of the plan file",
    "env": "its variables; in them stand the placeholders below",
    "ready": "a path that answers 200 once it is up; without it, any answer will do",
    "ready_within_s": "seconds that it may take for that",
    "setup": "a command that fills its database, once before the trials",
    "get": "paths to read; without them, those of its OpenAPI document that need no parameter",
    "locustfile": "its own users, in place of reading paths",
    "tags": "of its tasks only those with one of these tags; `exclude_tags` leaves tasks out",
    "exclude_tags": "see `tags`",
    "user_classes": "of its user classes only these",
    "rate_per_s": "requests a second that are usual; without it, a fifth of what it is seen to bear",
    "users": "the most users of a phase of closed users; without it, as the scenarios say",
    "probe": "whether a probe may look on inside its Python processes",
    "variants": "`[app.variants.NAME]` with `env` or `run`: the same app otherwise, a subject of its own",
    "matrix": "values for some variables; each combination is a variant",
}
_LIMITS = {
    "phases": "the phases in which the next eight hold; without it, all that are not warm-up",
    "p50_ms": "median latency of all routes, of successes and of all answers",
    "p90_ms": "the same, 90 %",
    "p99_ms": "the same, 99 %",
    "p999_ms": "the same, 99.9 %",
    "max_ms": "the slowest",
    "error_share": "failures among all requests, from 0 to 1",
    "completed_per_s_min": "successes a second, at least",
    "recovery_ms": "from each healing to steady success",
    "checked_out_max": "connections out at once, by the pool's account",
    "sessions_max": "PostgreSQL's sessions at once",
    "statements_per_request": "under load, and of each route by itself where that is asked",
    "checkouts_per_request": "the same",
    "opened_per_request": "connections opened, the same",
    "pings_per_request": "pre-pings, the same",
    "round_trips_per_request": "of each route by itself",
    "cpu_ms_per_request": "processor time of the service under load",
}
_PLACEHOLDERS = {
    "database_url": "`postgresql://user:password@host:port/database`",
    "database_url+asyncpg": "the same as `postgresql+asyncpg://`",
    "database_url+psycopg": "the same as `postgresql+psycopg://`",
    "database_url+psycopg2": "the same as `postgresql+psycopg2://`",
    "jdbc_url": "the same as `jdbc:postgresql://`",
    "database_host": "its host, that of the proxy",
    "database_port": "its port, that of the proxy",
    "database_user": "the role",
    "database_password": "its password",
    "database_name": "the database",
    "host": "the address that the app is to listen at",
    "port": "the port that the app is to listen at",
}
_EXITS = {
    0: "done",
    1: "the output could not be shown",
    EXIT_USAGE: "a wrong command line or plan, something essential missing, or a run that was cut short",
    EXIT_INCONCLUSIVE: "an open verdict: neither worse nor not, or nothing to hold it against",
    EXIT_WORSE: "worse: than the base, than the baseline on file, or beyond a limit of the plan's",
    EXIT_INVALID: "no trial can be used",
    EXIT_INTERRUPTED: "Ctrl-C",
}


def reference() -> str:
    """The whole page. Raises KeyError for a check, a field or a placeholder that nothing is said of here."""
    checks: Sequence[str] = get_args(get_args(CheckKind)[0])
    sections = (
        _title(),
        _section("Commands", _commands()),
        _targets("Targets", TARGETS),
        _targets("Targets on other drivers", DRIVERS),
        _targets("Targets of the tutorial", TUTORIAL),
        _targets("Targets with something planted", PLANTED),
        _table("Scenarios", ("scenario", "asks"), ((f"`{one.name}`", one.question) for one in SCENARIOS.values())),
        _faults(),
        _table("Checks", ("kind", "holds where"), ((f"`{name}`", _CHECKS[name]) for name in checks)),
        _table("[app]", ("field", "default", ""), _fields(AppWish, _APP)),
        _table("[limits.SCENARIO]", ("field", "default", "holds for"), _fields(Limits, _LIMITS)),
        _table(
            "Placeholders",
            ("place", "stands for"),
            ((f"`{{{name}}}`", _PLACEHOLDERS[name]) for name in (*OF_DATABASE, *OF_SOCKET)),
        ),
        _table("Exit codes", ("code", "meaning"), ((str(code), text) for code, text in sorted(_EXITS.items()))),
    )
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def _title() -> Iterator[str]:
    yield "# Reference"
    yield ""
    yield "Made from the program by `python -m harness.reference`; what all this is for stands in the"
    yield "[README](../README.md), and how to begin in the [tutorial](tutorial.md)."


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield from lines


def _table(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    return _section(title, _rows(headings, rows))


def _rows(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * len(headings)}"
    for row in rows:
        yield f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in row)} |"


def _commands() -> Iterator[str]:
    for name, command in _named("poolstorm", get_command(app)):
        context = command.make_context(name, [], resilient_parsing=True)
        words = " ".join(piece for piece in command.collect_usage_pieces(context))
        yield f"### {name} {words}"
        yield ""
        yield " ".join((command.help or "").split())
        yield ""
        records = [record for parameter in command.params if (record := parameter.get_help_record(context))]
        yield from _rows(("option", ""), ((f"`{words}`", text) for words, text in records))
        yield ""


def _named(name: str, group: Any) -> Iterator[tuple[str, Any]]:
    """All commands of a group, those of its groups in their places."""
    for own, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _named(f"{name} {own}", command)
        else:
            yield f"{name} {own}", command


def _targets(title: str, targets: Mapping[str, Target]) -> Iterator[str]:
    return _table(title, ("target", "shows"), ((f"`{name}`", one.teaches) for name, one in targets.items()))


def _faults() -> Iterator[str]:
    def settings(model: type[FaultSettings]) -> str:
        return (
            ", ".join(f"`{name}`{_default(field.default)}" for name, field in model.model_fields.items()) or "none"
        )

    rows = (
        (f"`{fault.kind}`", _done_to(fault), fault.teaches, settings(fault.Settings)) for fault in FAULTS.values()
    )
    return _table("Faults", ("kind", "done to", "shows", "settings"), rows)


def _done_to(fault: type[Fault]) -> str:
    if fault.needs is Link:
        return "links"
    return ", ".join(f"`{part}`" for part, abilities in KNOWN_PARTS.items() if fault.needs in abilities)


def _fields(model: type[BaseModel], said: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        needed = field.is_required()
        default = (
            "needed" if needed else "" if field.default in (None, PydanticUndefined, ()) else f"`{field.default}`"
        )
        yield f"`{name}`", default, said[name]


def _default(value: object) -> str:
    return " (needed)" if value is PydanticUndefined else f" ({value})"


if __name__ == "__main__":
    PLACE.write_text(reference(), encoding="utf-8")
