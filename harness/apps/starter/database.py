"""Which variables tell a project its database, and in which spelling. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.apps.starter.project import Project
from harness.apps.starter.variables import Variable

BY_SCHEME = {
    "postgresql": "{database_url}",
    "postgres": "{database_url}",
    "postgresql+asyncpg": "{database_url+asyncpg}",
    "postgresql+psycopg": "{database_url+psycopg}",
    "postgresql+psycopg_async": "{database_url+psycopg}",
    "postgresql+psycopg2": "{database_url+psycopg2}",
}
_IN_PARTS = "://{database_user}:{database_password}@{database_host}:{database_port}/{database_name}"

_ADDRESS = re.compile(
    r"(?:DATABASE|DB|POSTGRES|POSTGRESQL|PG|SQL|SQLALCHEMY)\w*_?(?:URL|URI|DSN)(?:_?A?SYNC)?$|^DSN$"
)
_OF_SOMETHING_ELSE = re.compile(
    r"TEST|REDIS|MONGO|RABBIT|AMQP|CELERY|BROKER|ELASTIC|CLICKHOUSE|MYSQL|SQLITE|NEO4J"
)
_OWN = {"DATABASE_URL": 0, "DB_URL": 1, "SQLALCHEMY_DATABASE_URL": 1, "SQLALCHEMY_DATABASE_URI": 1}
_PARTS = {
    "{database_host}": ("HOST", "SERVER", "HOSTNAME"),
    "{database_port}": ("PORT",),
    "{database_user}": ("USER", "USERNAME"),
    "{database_password}": ("PASSWORD", "PASS", "PWD"),
    "{database_name}": ("DB", "NAME", "DATABASE", "DB_NAME", "DBNAME"),
}
_PREFIXES = re.compile(r"(?:\w*_)?(?:POSTGRES|POSTGRESQL|PG|DATABASE|DB|SQL)_+")
_NAMED_SCHEME = re.compile(r"\b(postgres(?:ql)?(?:\+[a-z0-9_]+)?)(?=://|[\"'])")
_REWRITES = re.compile(r"(?:replace|re\.sub|removeprefix|startswith)\(\s*[rf]?[\"']\^?postgres(?:ql)?(?::|[\"'])")


@dataclass(frozen=True)
class Told:
    """A variable with what the app is to be told in it."""

    name: str
    value: str
    where: str


def tell_database(project: Project, variables: Sequence[Variable]) -> tuple[Told, ...]:
    """Each variable that names the database; an address where there is one, else its parts. None was found: ()."""
    addresses = sorted(
        (v for v in variables if _is_address(v)), key=lambda v: (v.rank, _OWN.get(v.name.upper(), 2))
    )
    if addresses:
        surest = addresses[0].rank
        spoken = _Spelling(project)
        return tuple(Told(v.name, spoken.of(v), v.where) for v in addresses if v.rank in (surest, 0, 1))
    return tuple(_in_parts(variables))


def _is_address(variable: Variable) -> bool:
    name = variable.name.upper()
    if _OF_SOMETHING_ELSE.search(name):
        return False
    if variable.scheme and not variable.scheme.startswith(("postgres", "sqlite", "asyncpg")):
        return False
    return variable.is_address or variable.scheme.startswith("postgres") or _ADDRESS.search(name) is not None


def _in_parts(variables: Sequence[Variable]) -> Iterator[Told]:
    """Host, name and what else there is of one prefix, such as POSTGRES_: the most complete one."""
    by_name = {v.name.upper(): v for v in variables}
    prefixes = {match[0] for name in by_name if (match := _PREFIXES.match(name))} | {"PG"}
    most: list[Told] = []
    for prefix in sorted(prefixes):
        found = [] if _OF_SOMETHING_ELSE.search(prefix) else list(_parts_of(by_name, prefix))
        if len(found) > len(most) and {"{database_host}", "{database_name}"} <= {told.value for told in found}:
            most = found
    yield from most


def _parts_of(by_name: Mapping[str, Variable], prefix: str) -> Iterator[Told]:
    for place, endings in _PARTS.items():
        variable = next((by_name[prefix + ending] for ending in endings if prefix + ending in by_name), None)
        if variable is not None:
            yield Told(variable.name, place, variable.where)


class _Spelling:
    """How the project writes addresses of PostgreSQL."""

    def __init__(self, project: Project) -> None:
        written = [text for path, text in project.texts.items() if not path.endswith((".lock", "package.json"))]
        self._seen = {scheme for text in written for scheme in _NAMED_SCHEME.findall(text)}
        self._rewrites = any(_REWRITES.search(text) for text in written)
        self._is_async = any(
            "create_async_engine" in text or "async_engine_from_config" in text for text in written
        )
        self._libraries = {
            name for name in ("asyncpg", "psycopg") if any(re.search(rf"\b{name}\b", text) for text in written)
        }
        self._is_sqlalchemy = any("sqlalchemy" in text or "sqlmodel" in text for text in written)

    def of(self, variable: Variable) -> str:
        """The placeholder for it, or an address in parts for a driver that has none."""
        return place_of(self._scheme(variable))

    def _scheme(self, variable: Variable) -> str:
        own, name = variable.scheme, variable.name.upper()
        drivers = sorted(scheme for scheme in self._seen if "+" in scheme)
        if own.startswith(("postgres", "asyncpg")):
            return own
        if "ASYNC" in name and "postgresql+asyncpg" in drivers:
            return "postgresql+asyncpg"
        if "ASYNC" not in name and "SYNC" in name:
            return next((one for one in drivers if "asyncpg" not in one), "postgresql")
        if self._rewrites:  # it makes of a plain address what its driver wants
            return "postgresql"
        return self._usual(drivers)

    def _usual(self, drivers: Sequence[str]) -> str:
        """What the project's own addresses or libraries tell, where the variable itself does not."""
        if drivers:
            return "postgresql+asyncpg" if self._is_async and "postgresql+asyncpg" in drivers else drivers[0]
        if self._is_async and self._is_sqlalchemy:
            return "postgresql+asyncpg" if "asyncpg" in self._libraries else "postgresql+psycopg"
        return "postgresql"


def place_of(scheme: str) -> str:
    """What stands for the trial's database in addresses of that scheme."""
    return BY_SCHEME.get(scheme, f"{scheme}{_IN_PARTS}")
