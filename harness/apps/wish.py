"""An app as a person describes it, in a plan file or on the command line, and the subject that it becomes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from harness.errors import PlanError, shown
from harness.locustfile import USUAL_USERS, Locustfile, require_file
from scenarios.model import Flag, Name, Number, Whole

MOST_PATHS = 100
MOST_VARIANTS = 50
"""Of one app, a matrix's among them."""
_Number = TypeVar("_Number", int, float)
_Line = Annotated[str, Field(min_length=1, max_length=2000)]


def _as_written(value: object) -> object:
    """Variables are texts; a number in a plan file is meant as it stands there."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


_Value = Annotated[str, BeforeValidator(_as_written), Field(max_length=2000)]
_Names = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(max_length=100)]
_Variables = Annotated[Mapping[str, _Value], Field(max_length=200)]


class _Wish(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class VariantWish(_Wish):
    """`[app.variants.NAME]`: the same app with other variables, or another command; a subject of its own."""

    env: _Variables = Field(default_factory=dict)
    run: _Line | None = None


class AppWish(_Wish):
    """`[app]` in a plan file, or `[apps.NAME]` where there are several.

    `run` is `MODULE:NAME` of an ASGI app, which uvicorn runs, or a command that holds `{port}`. In it, in `setup`
    and in the values of `env`, `{database_url}` and its like stand for the trial's database
    (`harness.apps.places`). `ready` is a path that answers 200 once the app is up; without it any answer will do.
    `setup` fills the database once, such as `alembic upgrade head`. `get` are paths to read; without them those
    are read that the app's OpenAPI document names and that need nothing. `rate_per_s` is the load that is usual
    for it, by default a share of what it was seen to bear; `users` is the most that any phase of closed users has.
    Without `probe` nothing of ours runs in its processes. `variants` are the same app under other settings, each a
    subject beside it; a `matrix` names values for some variables, and each combination is such a variant.
    `directory` is where all its commands run.
    The users of a `locustfile` put the load on in place of reads of paths; `tags`, `exclude_tags` and
    `user_classes` choose among its tasks and classes as Locust's options do.
    """

    run: _Line
    name: Name = "app"
    directory: _Line | None = None
    env: _Variables = Field(default_factory=dict)
    ready: _Line | None = None
    ready_within_s: Annotated[Number, Field(gt=0, le=600)] = 30.0
    setup: _Line | None = None
    get: Annotated[tuple[_Line, ...], Field(max_length=MOST_PATHS)] = ()
    rate_per_s: Annotated[Number, Field(gt=0, le=10_000)] | None = None
    users: Annotated[Whole, Field(ge=1, le=10_000)] | None = None
    probe: Flag = True
    locustfile: _Line | None = None
    tags: _Names = ()
    exclude_tags: _Names = ()
    user_classes: _Names = ()
    variants: Annotated[Mapping[Name, VariantWish], Field(max_length=MOST_VARIANTS)] = Field(default_factory=dict)
    matrix: Annotated[
        Mapping[str, Annotated[tuple[_Value, ...], Field(min_length=1, max_length=MOST_VARIANTS)]],
        Field(max_length=10),
    ] = Field(default_factory=dict)

    def beside(self, folder: Path) -> AppWish:
        """The same, of a plan file in that folder: from there its directory is found, and it is the usual one; and
        its locustfile.
        """
        changes = {"directory": str(folder / (self.directory or "."))}
        if self.locustfile is not None:
            changes["locustfile"] = str(folder / self.locustfile)
        return self.model_copy(update=changes)


def merged(in_file: AppWish | None, said: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the command line said before what the file does; None where neither speaks of an app."""
    if in_file is None and not said:
        return None
    before = in_file.model_dump(exclude_unset=True) if in_file else {}
    found = {**before, **said}
    if "env" in said:
        found["env"] = {**before.get("env", {}), **variables(said["env"])}
    if "run" not in found:
        raise PlanError(
            "--env, --ready, --setup, --get, --rate, --users and --locustfile with what chooses from it belong to "
            "an app; name it with --app"
        )
    return found


def settled_apps(app: AppWish | None, apps: Mapping[str, AppWish]) -> dict[str, AppWish]:
    """Each under its table's name. Raises PlanError for what a plan cannot say of several at once."""
    if app is not None and apps:
        raise PlanError("there are both app and apps; write each app as a table of its own, [apps.NAME]")
    for name, one in apps.items():
        if "name" in one.model_fields_set and one.name != name:
            raise PlanError(f"apps.{name}.name: the table has the name already; leave it out")
    return {name: one.model_copy(update={"name": name}) for name, one in apps.items()}


def rate_of(apps: Sequence[AppWish]) -> float | None:
    """The one rate at which all of them are loaded; None where it is to be found out. Raises PlanError."""
    return _one({app.rate_per_s for app in apps if app.rate_per_s is not None}, "rate_per_s")


def users_of(apps: Sequence[AppWish]) -> int | None:
    """The most users of a phase, the same for all; None for the scenarios' own numbers. Raises PlanError."""
    return _one({app.users for app in apps if app.users is not None}, "users")


def locustfile_of(apps: Sequence[AppWish], length_s: float | None = None) -> Locustfile | None:
    """The one locustfile that puts the load on all of them; None where paths are read. `length_s` is how long it
    was asked to run. Raises PlanError.
    """
    users = users_of(apps)
    chosen = {choice for app in apps if any(choice := _choice(app))}
    if len(chosen) > 1:
        raise PlanError("apps: all are compared under the same load; give locustfile once, or the same for each")
    if not chosen:
        return None
    ((path, tags, exclude_tags, user_classes),) = chosen
    if path is None:
        raise PlanError("tags and user classes are chosen from a locustfile; name it with --locustfile")
    if any(app.get for app in apps):
        raise PlanError("the load comes either from a locustfile or from paths (--get); leave one out")
    return Locustfile(
        path=require_file(Path(path)),
        tags=tags,
        exclude_tags=exclude_tags,
        user_classes=user_classes,
        users=users or USUAL_USERS,
        length_s=length_s,
    )


def _choice(app: AppWish) -> tuple[str | None, tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    return app.locustfile, app.tags, app.exclude_tags, app.user_classes


def _one(said: set[_Number], field: str) -> _Number | None:
    if len(said) > 1:
        raise PlanError(f"apps: all are compared under the same load; give {field} once, or the same for each")
    return next(iter(said), None)


def variables(options: Iterable[str]) -> dict[str, str]:
    """`NAME=VALUE` each, as a mapping. Raises PlanError for one without a value."""
    found: dict[str, str] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            raise PlanError(f"--env {shown(option)} has no value; write it as NAME=VALUE")
        found[name] = value
    return found
