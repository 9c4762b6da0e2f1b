"""How many connections PostgreSQL lets a role have, and which limit it was that refused one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LimitOf = Literal["server", "role", "database"]

_REFUSALS: tuple[tuple[str, LimitOf], ...] = (  # SQLSTATE 53300, which a driver does not tell of a connect
    ("too many connections for role", "role"),
    ("too many connections for database", "database"),
    ("too many clients already", "server"),
    ("remaining connection slots are reserved", "server"),
    ("number of requested standby connections exceeds", "server"),
)
LIMITS_QUERY = """
SELECT current_setting('max_connections')::int
         - CASE WHEN r.rolsuper THEN 0 ELSE current_setting('superuser_reserved_connections')::int
             + CASE WHEN to_regrole('pg_use_reserved_connections') IS NULL
                      OR pg_has_role(r.oid, to_regrole('pg_use_reserved_connections')::oid, 'USAGE') THEN 0
                    ELSE coalesce(current_setting('reserved_connections', true), '0')::int END END,
       CASE WHEN r.rolsuper OR r.rolconnlimit < 0 THEN NULL ELSE r.rolconnlimit END,
       CASE WHEN r.rolsuper OR d.datconnlimit < 0 THEN NULL ELSE d.datconnlimit END,
       (SELECT count(*) FROM pg_stat_activity WHERE usesysid IS NOT NULL AND datid IS NOT NULL),
       (SELECT count(*) FROM pg_stat_activity WHERE usesysid = r.oid AND datid IS NOT NULL),
       (SELECT count(*) FROM pg_stat_activity WHERE datid = d.oid AND usesysid IS NOT NULL)
FROM pg_roles r, pg_database d WHERE r.rolname = current_user AND d.datname = %s
"""
"""One row, the arguments of `ConnectionLimits`; its parameter is the database."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What PostgreSQL allows the role, and the sessions that were there when it was asked, that one included.

    `server` is max_connections without what is reserved for others. A role's or a database's limit is None where
    there is none, as for every superuser.
    """

    server: int
    role: int | None
    database: int | None
    server_sessions: int
    role_sessions: int
    database_sessions: int

    def room(self) -> tuple[LimitOf, int]:
        """Which limit is met first, and how many sessions may still be opened up to it."""
        rooms: list[tuple[LimitOf, int]] = [("server", self.server - self.server_sessions)]
        if self.role is not None:
            rooms.append(("role", self.role - self.role_sessions))
        if self.database is not None:
            rooms.append(("database", self.database - self.database_sessions))
        name, room = min(rooms, key=lambda each: each[1])
        return name, max(0, room)

    def too_few_for(self, demand: int) -> str:
        """Why `demand` further connections cannot be had, with what to do; empty where they can."""
        name, room = self.room()
        if room >= demand:
            return ""
        limits = {"server": self.server, "role": self.role, "database": self.database}
        return (
            f"{demand} connections are asked for and PostgreSQL has room for {room}: "
            f"the {name}'s limit is {limits[name]}; {REMEDIES[name]}, or lower pool_size and max_overflow"
        )


REMEDIES: dict[LimitOf, str] = {
    "server": "raise max_connections",
    "role": "raise it (ALTER ROLE ... CONNECTION LIMIT)",
    "database": "raise it (ALTER DATABASE ... CONNECTION LIMIT)",
}


def limit_met(error_text: str) -> LimitOf | None:
    """Whose limit of connections it was, by what PostgreSQL said when it refused one; None for another reason."""
    return next((name for said, name in _REFUSALS if said in error_text), None)
