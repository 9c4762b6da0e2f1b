"""A failure of the catalogue as a plan: its broken app and the cured one, run as anyone's apps are."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from harness.apps.locustfile import inspect_locustfile
from harness.environment.children import checkout
from harness.errors import PlanError, unknown_name
from harness.load.workers import SINGLE
from harness.locustfile import Inspected, Locustfile
from harness.plan import TRIAL_OVERHEAD_S, Plan, lay_out
from harness.planning.checks import check_parts, check_scenario, check_size
from harness.records import Place, Side
from harness.subject import OWN_SCHEMA, Launch, Readiness, Subject, Visits, Workload
from scenarios.failures import Failure, failures
from targets.settings import PoolSettings

TABLES = f"{OWN_SCHEMA}failures"
"""What all of them begin with."""


def chosen_failures(names: Iterable[str] | None) -> tuple[Failure, ...]:
    """Those named, each once, or all. Raises PlanError for a name that is not in the catalogue."""
    known = failures()
    for name in names or ():
        if name not in known:
            raise PlanError(unknown_name("failure", name, known))
    return tuple(known[name] for name in dict.fromkeys(names or known))


def plan_of_failure(failure: Failure, repetitions: int, seed: int, *, probe: bool = True) -> Plan:
    """Both apps under its scenario, so many times each, in an order of its own each time. Raises PlanError."""
    users = _users(failure)
    workload: Workload = Visits(failure.paths) if users is None else users.file
    subjects = tuple(
        replace(_subject(failure, side, probe=probe), workload=workload) for side in (Side.CURED, Side.BROKEN)
    )
    scenarios = (failure.scenario,)
    check_parts(scenarios, subjects)
    check_scenario(failure.scenario, SINGLE)
    check_size(scenarios, len(subjects) * repetitions, TRIAL_OVERHEAD_S)
    return Plan(
        scenarios=scenarios,
        subjects=subjects,
        repetitions=repetitions,
        seed=seed,
        control=Side.CURED.value,
        trials=lay_out(scenarios, subjects, repetitions, seed),
        locustfile=users,
    )


def _users(failure: Failure) -> Inspected | None:
    if not failure.has_own_users:
        return None
    file = Locustfile(path=_file_of(f"scenarios.failures.{failure.module}"))
    return Inspected(file=file, found=inspect_locustfile(file))


def _file_of(module: str) -> Path:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin)


def _subject(failure: Failure, side: Side, *, probe: bool) -> Subject:
    cured = side is Side.CURED
    own = {**failure.environment, **(failure.cure if cured else {})}
    root = checkout()
    environment = {
        "DATABASE_URL": "{database_url}",
        **({} if root is None else {"PYTHONPATH": str(root)}),
        **own,
    }
    return Subject(
        name=side.value,
        title=f"{failure.id}, {side.value}",
        teaches=failure.cured_by if cured else failure.scenario.question,
        driver="",
        launch=Launch(
            command=(
                *_python("uvicorn"),
                "--factory",
                f"targets.failures.{failure.module}:{side.value}",
                *_SOCKET,
            ),
            directory=Path.cwd(),
            environment=environment,
            readiness=Readiness(path=None, within_s=30.0),
            is_ours=False,
            setup=tuple(_python("targets.failures.tables")),
            setup_environment=environment,
            probe=probe,
        ),
        settings=PoolSettings(),
        schema=TABLES,
        place=Place(pair=failure.id, side=side, position=1),
    )


_SOCKET = ("--host", "{host}", "--port", "{port}", "--no-access-log", "--app-dir", "/dev/null")


def _python(module: str) -> Sequence[str]:
    """`-P`: a folder `targets/` in the working directory is not taken for ours."""
    return (sys.executable, "-P", "-m", module)
