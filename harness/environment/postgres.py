"""PostgreSQL for a run: a server of our own, or one that was given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import psycopg2

from harness.environment.address import (
    Address,
    connect,
    first_line,
    named_driver,
    parse_database_url,
    require_known,
)
from harness.environment.children import without_libpq_variables
from harness.environment.database import OLDEST_VERSION, DatabaseServer, TrialDatabase
from harness.environment.embedded import embedded_server
from harness.environment.leash import Leash, ending
from harness.environment.limits import REMEDIES, limit_met
from harness.environment.ports import is_loopback
from harness.environment.waits import bounded_waits
from harness.errors import EnvironmentSetupError

__all__ = ["DatabaseServer", "TrialDatabase", "database_server"]


@contextmanager
def database_server(
    leash: Leash,
    *,
    url: str | None,
    allow_remote: bool,
    progress: Callable[[str], None],
    replicated: bool = False,
) -> Iterator[DatabaseServer]:
    """A PostgreSQL server to create databases on: the one at `url`, else an embedded one.

    During the block libpq's own variables are not set in this process: what a user may say of the connection is
    part of `url`. `replicated` is for an embedded one that a replica is to follow. Raises EnvironmentSetupError,
    whose text never holds a password: no binaries, no account to run as, server not to be reached, not on
    this machine unless `allow_remote`, too old, or a role without CREATEDB.
    """
    with without_libpq_variables(), bounded_waits():
        if url is None:
            progress("starting PostgreSQL")
            with embedded_server(leash, replicated=replicated) as embedded:
                yield DatabaseServer(embedded.address, "embedded", embedded)
            return
        if driver := named_driver(url):
            progress(f"'+{driver}' of --database-url is left aside: each target chooses its own driver")
        server = _given_server(parse_database_url(url), allow_remote)
        with ending(server.drop_all):
            yield server


def _given_server(address: Address, allow_remote: bool) -> DatabaseServer:
    require_known(address.host)
    if not allow_remote and not is_loopback(address.host):
        raise EnvironmentSetupError(
            "the host of --database-url is not this machine and would be put under load; "
            "use a local server or add --allow-remote-database"
        )
    try:
        with closing(connect(address)) as connection, connection.cursor() as cursor:
            version = connection.server_version
            cursor.execute(
                "SELECT rolcreatedb OR rolsuper, pg_is_in_recovery(),"
                " current_setting('transaction_read_only')::bool"
                " FROM pg_roles WHERE rolname = current_user"
            )
            may_create, is_standby, is_read_only = cursor.fetchone() or (False, False, False)
    except psycopg2.Error as error:
        gist = first_line(error, address).removesuffix(".")
        limit = limit_met(gist)
        remedy = "start the server or correct --database-url" if limit is None else REMEDIES[limit]
        raise EnvironmentSetupError(f"no access to PostgreSQL at {address}: {gist}; {remedy}") from error
    if version < OLDEST_VERSION:
        raise EnvironmentSetupError(f"PostgreSQL at {address} is too old; give one of version 13 or later")
    if is_standby:
        raise EnvironmentSetupError(
            f"PostgreSQL at {address} is a standby, on which nothing is written; give its primary"
        )
    if is_read_only:
        raise EnvironmentSetupError(
            f"sessions of role {address.user!r} at {address} are read-only; have an administrator run: "
            f'ALTER ROLE "{address.user}" SET default_transaction_read_only = off'
        )
    if not may_create:
        raise EnvironmentSetupError(
            f"role {address.user!r} at {address} may not create databases; "
            f'have an administrator run: ALTER ROLE "{address.user}" CREATEDB'
        )
    return DatabaseServer(address, "given")
