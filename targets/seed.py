"""Prepare the database that `POOLSTORM_DATABASE_URL` names: `python -m targets.seed`.

For a stack that starts its parts by itself, such as docker-compose.yml. It may run again and again: tables that
exist stay as they are, and users that exist are not touched.
"""

from __future__ import annotations

import sys

from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from targets.schema import User, create_schema, seed
from targets.settings import EXIT_USAGE, DatabaseUrl, SettingsError

CONNECT_TIMEOUT_S = 10


def prepare(engine: Engine) -> int:
    """Create what tables are missing, and seed `users` where it is empty; returns how many users there are.

    Raises sqlalchemy.exc.DBAPIError.
    """
    create_schema(engine)
    count = _count_users(engine)
    if count:
        return count
    seed(engine)
    return _count_users(engine)


def main() -> int:
    """Prepare the database and say so in one line. 2 where it is not named right or cannot be prepared."""
    try:
        address = DatabaseUrl.from_environment()
        connect_args = {"connect_timeout": CONNECT_TIMEOUT_S}
        engine = create_engine(address.psycopg2(), poolclass=NullPool, connect_args=connect_args)
        users = prepare(engine)
    except SettingsError as error:
        sys.stderr.write(f"error: {error}\n")
        return EXIT_USAGE
    except DBAPIError as error:
        # The driver names host, port and role here, never the password.
        gist = next(iter(str(error.orig).strip().splitlines()), type(error.orig).__name__)
        sys.stderr.write(f"error: {address} cannot be prepared: {gist}\n")
        return EXIT_USAGE
    sys.stdout.write(f"{address} is ready with {users} users\n")
    return 0


def _count_users(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(User)).scalar_one()


if __name__ == "__main__":
    sys.exit(main())
