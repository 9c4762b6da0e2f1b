"""What stands in an app's command and environment for what is only known when a trial is set up."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from harness.errors import PlanError, unknown_name
from targets.settings import DatabaseUrl

OF_DATABASE = (
    *("database_url", "database_url+asyncpg", "database_url+psycopg", "database_url+psycopg2", "jdbc_url"),
    *("database_host", "database_port", "database_user", "database_password", "database_name"),
)
OF_SOCKET = ("host", "port")
ALIKE = 0.7
"""So like one of ours a name is taken for it: `{databas_url}` is, and `{message}` of a log's format is not."""
_PLACE = re.compile(r"\{([a-z][a-z0-9_+]*)\}")


def check_places(text: str, where: str) -> None:
    """Raises PlanError for a `{name}` that is most likely one of ours misspelt; others are left to the app."""
    known = (*OF_DATABASE, *OF_SOCKET)
    for name in _PLACE.findall(text):
        if name not in known and difflib.get_close_matches(name, known, n=1, cutoff=ALIKE):
            raise PlanError(f"{where}: {unknown_name('placeholder', name, known)}")


def has_place(text: str, *names: str) -> bool:
    """Whether one of these stands in the text."""
    return any(found in names for found in _PLACE.findall(text))


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with each `{name}` that has a value replaced by it; the rest stays as it is."""
    return _PLACE.sub(lambda match: values.get(match[1], match[0]), text)


def fill_all(texts: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Each of them filled, by the same name."""
    return {name: fill(text, values) for name, text in texts.items()}


def of_database(url: str) -> dict[str, str]:
    """What a `postgresql://user:password@host:port/database` is in each spelling, whole and in parts.

    They hold the password.
    """
    parts = urlsplit(url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    host, port, name = parts.hostname or "", str(parts.port or 5432), unquote(parts.path.lstrip("/"))
    place = f"[{host}]" if ":" in host else host
    login = f"user={quote(user, safe='')}&password={quote(password, safe='')}"
    options = f"&{parts.query}" if parts.query else ""
    by_driver = DatabaseUrl.parse(url)
    return {
        "database_url": url,
        "database_url+asyncpg": by_driver.asyncpg(),
        "database_url+psycopg": by_driver.psycopg(),
        "database_url+psycopg2": by_driver.psycopg2(),
        "jdbc_url": f"jdbc:postgresql://{place}:{port}/{quote(name, safe='')}?{login}{options}",
        "database_host": host,
        "database_port": port,
        "database_user": user,
        "database_password": password,
        "database_name": name,
    }
