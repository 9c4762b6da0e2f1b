"""What a target takes from its environment: the pool's settings and the database's address.

Every variable starts with `POOLSTORM_`. A value that is not valid is a one-line error that names its variable.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

PREFIX = "POOLSTORM_"
DATABASE_URL_VARIABLE = f"{PREFIX}DATABASE_URL"
REPLICA_URL_VARIABLE = f"{PREFIX}REPLICA_URL"
DATABASE_URL_FORM = "postgresql://user:password@host:port/database"
SSL_OPTIONS = frozenset({"sslmode", "sslrootcert", "sslcert", "sslkey"})
EXIT_USAGE = 2

_Loaded = TypeVar("_Loaded")


class SettingsError(ValueError):
    """A variable is missing or not valid; the text is one line, names it and shows no password."""


class PoolSettings(BaseModel):
    """How a target holds its connections. What SQLAlchemy and the drivers take is taken, and means the same.

    A target without a pool takes only `connect_timeout_s`, `slow_query_ms` and `threadpool_tokens` from here.
    Values have the type of their field: neither `true` nor `"1"` is a number, except in the environment.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    pool_size: int = Field(default=10, ge=0, le=10_000)
    """Connections that stay open; 0 is no limit to them, whatever `max_overflow` says."""
    max_overflow: int = Field(default=20, ge=-1, le=10_000)
    """Connections opened above `pool_size` under load, and closed when they come back; -1 is no limit."""
    pool_timeout_s: float = Field(default=30.0, ge=0, le=3600)
    """How long a request waits in the pool's queue, 0 is not at all. It bounds neither pre-ping nor connect."""
    pool_recycle_s: int = Field(default=3600, ge=-1, le=10**9)
    """Age at which a connection is replaced when next taken; -1 is never."""
    pre_ping: bool = True
    """Whether a pooled connection is tested with a round trip each time that it is taken."""
    use_lifo: bool = False
    """Whether the connection returned last is taken first, so that surplus ones fall idle."""
    connect_timeout_s: int | None = Field(default=None, ge=1, le=3600)
    """Bound on opening a connection, whole seconds (libpq knows no others); None is the driver's own default."""
    slow_query_ms: float = Field(default=100.0, ge=0, le=1e9)
    """Statements that take longer are logged."""
    threadpool_tokens: int | None = Field(default=None, ge=1, le=10_000)
    """Threads for `def` endpoints; None leaves AnyIO's 40."""

    @property
    def limit(self) -> int | None:
        """The most connections that the pool may have open; None for no limit."""
        return None if self.pool_size == 0 or self.max_overflow < 0 else self.pool_size + self.max_overflow

    @classmethod
    def from_environment(cls, defaults: PoolSettings, environ: Mapping[str, str] | None = None) -> PoolSettings:
        """`defaults`, with what the environment sets instead. An empty variable counts as not set.

        Raises SettingsError, which names the first variable that is not valid.
        """
        variables = os.environ if environ is None else environ
        given = {name: variables.get(_variable(name), "") for name in cls.model_fields}
        changes = {name: _from_text(text) for name, text in given.items() if text}
        try:
            return cls.model_validate({**defaults.model_dump(), **changes}, strict=False)
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0])
            raise SettingsError(f"{_variable(name)}={given[name]!r} is not valid: {first['msg']}") from None

    def to_environment(self) -> dict[str, str]:
        """Inverse of `from_environment`: every setting as a variable."""
        return {_variable(name): _to_text(value) for name, value in self.model_dump().items()}

    def with_overrides(self, overrides: Mapping[str, Any]) -> Self:
        """These settings with some replaced, validated. Raises pydantic.ValidationError, a ValueError."""
        return type(self).model_validate({**self.model_dump(), **overrides})

    def psycopg2_connect_args(self) -> dict[str, int]:
        """What psycopg2's connect is to be given beside the address."""
        return {} if self.connect_timeout_s is None else {"connect_timeout": self.connect_timeout_s}

    def psycopg_connect_args(self) -> dict[str, int]:
        """What psycopg's connect is to be given beside the address: libpq's words, as psycopg2's."""
        return self.psycopg2_connect_args()

    def asyncpg_connect_args(self) -> dict[str, int]:
        """What asyncpg's connect is to be given beside the address."""
        return {} if self.connect_timeout_s is None else {"timeout": self.connect_timeout_s}


@dataclass(frozen=True, slots=True, repr=False)
class DatabaseUrl:
    """The database's address. Its text forms hold the password; `repr` and `str` do not."""

    _rest: str = field()
    _shown: str = field()
    _options: str = field(default="")

    @classmethod
    def parse(cls, text: str, variable: str = DATABASE_URL_VARIABLE) -> DatabaseUrl:
        """Read `postgresql://user:password@host:port/database`. Raises SettingsError without repeating it.

        `sslmode`, `sslrootcert`, `sslcert` and `sslkey` may follow as options. A driver that the scheme names is
        left aside: the target has its own.
        """
        scheme, _, rest = text.partition("://")
        try:
            parts = urlsplit(f"//{rest}")
            port = parts.port
        except ValueError:
            raise SettingsError(f"{variable} must have the form {DATABASE_URL_FORM}") from None
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        complete = parts.hostname and parts.username and parts.path.strip("/") and options.keys() <= SSL_OPTIONS
        if scheme.partition("+")[0] not in ("postgresql", "postgres") or not complete or parts.fragment:
            raise SettingsError(f"{variable} must have the form {DATABASE_URL_FORM}")
        address = parts.hostname if port is None else f"{parts.hostname}:{port}"
        return cls(
            rest.partition("?")[0], f"postgresql://{address}{parts.path}", urlencode(options, quote_via=quote)
        )

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str] | None = None, variable: str = DATABASE_URL_VARIABLE
    ) -> DatabaseUrl:
        """The address in `POOLSTORM_DATABASE_URL`. Raises SettingsError where it is missing or malformed."""
        text = (os.environ if environ is None else environ).get(variable, "")
        if not text:
            raise SettingsError(f"{variable} is not set; set it to {DATABASE_URL_FORM}")
        return cls.parse(text, variable)

    def libpq(self) -> str:
        """For libpq, psycopg and asyncpg themselves. Holds the password."""
        return f"postgresql://{self._rest}{'?' if self._options else ''}{self._options}"

    def psycopg2(self) -> str:
        """For `sqlalchemy.create_engine`. Holds the password."""
        return f"postgresql+psycopg2://{self._rest}{'?' if self._options else ''}{self._options}"

    def psycopg(self) -> str:
        """For `sqlalchemy.create_engine` and `create_async_engine`, which take the same. Holds the password."""
        return f"postgresql+psycopg://{self._rest}{'?' if self._options else ''}{self._options}"

    def asyncpg(self) -> str:
        """For `sqlalchemy.ext.asyncio.create_async_engine`. Holds the password.

        asyncpg knows libpq's names of the options in a `dsn` only, which SQLAlchemy hands on beside the rest.
        """
        options = f"?dsn={quote(f'postgresql://?{self._options}', safe='')}" if self._options else ""
        return f"postgresql+asyncpg://{self._rest}{options}"

    def __repr__(self) -> str:
        return f"DatabaseUrl({self._shown!r})"

    __str__ = __repr__


def load_or_exit(defaults: PoolSettings, *, bounded: bool = False) -> tuple[DatabaseUrl, PoolSettings]:
    """Address and settings from the environment; for a service's start. `bounded` for a pool that needs a limit.

    Where they are not valid, writes one line to standard error and leaves with exit code 2.
    """
    database, settings = _or_exit(
        lambda: (DatabaseUrl.from_environment(), PoolSettings.from_environment(defaults))
    )
    return database, _or_exit(lambda: _require_limit(settings)) if bounded else settings


def load_replica_or_exit() -> DatabaseUrl:
    """The replica's address in `POOLSTORM_REPLICA_URL`; likewise."""
    return _or_exit(lambda: DatabaseUrl.from_environment(variable=REPLICA_URL_VARIABLE))


def _require_limit(settings: PoolSettings) -> PoolSettings:
    if settings.limit is None:
        names = ", ".join(f"{_variable(name)}={getattr(settings, name)}" for name in ("pool_size", "max_overflow"))
        raise SettingsError(f"{names}: this pool cannot be without a limit; set them to 1 and 0 or above")
    return settings


def _or_exit(load: Callable[[], _Loaded]) -> _Loaded:
    try:
        return load()
    except SettingsError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 -- there is no logging yet
        raise SystemExit(EXIT_USAGE) from None


def _variable(name: str) -> str:
    return PREFIX + name.upper()


def _from_text(text: str) -> str | None:
    return None if text.strip().lower() == "none" else text


def _to_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "none" if value is None else str(value)
