"""What is measured, as one frozen value: a standard target, its twin, a base or head, anyone's app."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from harness.locustfile import Locustfile
from harness.records import Login, Place, Side, TargetInfo
from targets.registry import TARGETS, Target
from targets.settings import PoolSettings


class Capability(StrEnum):
    """What a subject can do beside answering requests; whoever needs one asks for it, and never for a name."""

    CONTRACT = "contract"  # the routes and answers of `targets.contract`, so that it can be asked for right ones
    ROUTES = "routes"  # its routes, by other statements: what they cost can be counted
    GAUGES = "gauges"  # `GET /health/db`: the pool's own account
    TIMES = "times"  # `POST /health/times/take`: how long connections were held
    SETTINGS = "settings"  # `GET /settings`: the pool as configured
    MONEY = "money"  # a bank whose sum must not change
    SERVER_TIMING = "server-timing"  # says in each answer where its time went
    SLOW_LOG = "slow-log"  # prints slow statements with their comments (`targets.tutorial.slow_statements`)


OWN_SCHEMA = "own:"
"""Begins the schema's name of a database that is filled by the set-up of the app that follows."""
ALL_CAPABILITIES = frozenset(Capability) - {Capability.ROUTES, Capability.SLOW_LOG}
"""Of a standard target."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """How to know that a subject is up: `path` answers 200 within `within_s` of its start; any answer does at `/`
    where it is None.
    """

    path: str | None = "/health/live"
    within_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Launch:
    """How a subject is started. In its command, `{fd}`, `{host}` and `{port}` stand for the listening socket; one
    without `{fd}` opens it itself.

    `interpreter` goes before the command; None is a program that needs none. `environment` holds what is its own,
    beside what every subject gets; it may hold secrets and is not shown. One that is not ours gets the user's
    environment, and the trial's database where `harness.apps.places` stand in command and environment; its `setup`
    fills a database before the first trial, with a `setup_environment` which is that of all variants of the app.
    With `probe` its Python processes tell what their pools do (`harness.inside`).
    """

    command: tuple[str, ...]
    interpreter: Path | None = None
    directory: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    readiness: Readiness = Readiness()
    is_ours: bool = True
    setup: tuple[str, ...] = ()
    setup_environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    probe: bool = False


@dataclass(frozen=True, slots=True)
class Visits:
    """A workload of paths to read; without any, those that the app names itself."""

    paths: tuple[str, ...] = ()


Workload = Visits | Locustfile | None
"""What is put on a subject: paths to read, somebody's own users, or, None, our behaviours on the bank."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing to measure. `name` is unique in a plan; nothing is read out of it.

    `schema` names what fills its database, `workload` what may be put on it; `settings` is the pool
    as configured, `login` how its connections log in, `given` what a record may tell of its
    command and variables. `needs_parts` names what it stands on beside the primary and
    its link, such as a replica. Each answer of the database comes `link_latency_ms` later, in every phase.
    """

    name: str
    title: str
    teaches: str
    driver: str
    launch: Launch
    settings: PoolSettings
    schema: str = "bank"
    workload: Workload = None
    capabilities: frozenset[Capability] = frozenset()
    place: Place | None = None
    login: Login = Login.SCRAM
    needs_parts: frozenset[str] = frozenset()
    given: Mapping[str, str] = field(default_factory=dict)
    link_latency_ms: int = 0

    @property
    def told_settings(self) -> Mapping[str, object]:
        """The pool as we configured it; nothing of a subject that configures its own."""
        return self.settings.model_dump() if self.launch.is_ours else {}

    def can(self, capability: Capability) -> bool:
        """Whether it has a capability."""
        return capability in self.capabilities

    def info(self, settings: Mapping[str, object] = MappingProxyType({})) -> TargetInfo:
        """Its record, with settings as they are or as it reported them itself."""
        return TargetInfo.model_validate(
            {
                "name": self.name,
                "title": self.title,
                "teaches": self.teaches,
                "driver": self.driver,
                "settings": dict(settings),
                "capabilities": sorted(self.capabilities),
                "given": dict(self.given),
                "place": self.place,
                "login": self.login,
            }
        )


def standard_subject(target: Target) -> Subject:
    """A registered target as a subject: a FastAPI app under uvicorn, with all that it does not lack."""
    return Subject(
        name=target.name,
        title=target.title,
        teaches=target.teaches,
        driver=target.driver,
        launch=standard_launch(target.app),
        settings=target.defaults,
        capabilities=(ALL_CAPABILITIES | {Capability(name) for name in target.also})
        - {Capability(name) for name in target.lacks},
        needs_parts=target.needs_parts,
    )


def standard_launch(app: str) -> Launch:
    """How a FastAPI app such as `targets.sync_pool:app` is started with this interpreter.

    By itself uvicorn searches the working directory first, where packages of the user's may bear the same names.
    """
    command = ("-P", *uvicorn_command(app), "--app-dir", "/dev/null")
    return Launch(command=command, interpreter=Path(sys.executable))


def uvicorn_command(app: str, keep_alive_s: int = 75, graceful_shutdown_s: int = 1) -> tuple[str, ...]:
    """The words after the interpreter that run a FastAPI app on an inherited socket."""
    return (
        *("-m", "uvicorn", app),
        *("--fd", "{fd}"),
        *("--loop", "uvloop", "--http", "httptools"),
        "--no-access-log",
        *("--timeout-keep-alive", str(keep_alive_s)),  # above any think time, so that it is not the target's doing
        *("--timeout-graceful-shutdown", str(graceful_shutdown_s)),
    )


def twins(subject: Subject) -> tuple[Subject, Subject]:
    """The same subject twice, for A/A: what differs between them is noise."""
    first = replace(subject, place=Place(pair=subject.name, side=Side.TWIN, position=1))
    second = replace(
        subject, name=f"{subject.name}-twin", place=Place(pair=subject.name, side=Side.TWIN, position=2)
    )
    return first, second


def login_ladder() -> tuple[Subject, ...]:
    """The synchronous targets with a pool and without one, each with every login: `sync-pool-trust` and so on."""
    return tuple(
        replace(subject, name=f"{target}-{login}", title=f"{subject.title}, {_LOGIN_TITLES[login]}", login=login)
        for login in Login
        for target in ("sync-pool", "no-pool")
        if (subject := standard_subject(TARGETS[target]))
    )


_LOGIN_TITLES = {Login.TRUST: "login by trust", Login.SCRAM: "login by SCRAM", Login.TLS: "SCRAM within TLS"}
