"""What all trials share: the leash, PostgreSQL and Toxiproxy, nested, each owning its own end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from harness.environment.database import BANK_SCHEMA
from harness.environment.leash import Leash, ending
from harness.environment.own_traffic import OwnTraffic
from harness.environment.parts import PRIMARY, REPLICA, Parts
from harness.environment.postgres import DatabaseServer, TrialDatabase, database_server
from harness.environment.primary import primary_of
from harness.environment.replica import Replica, ReplicaOfTrial, replica_of, running_replica
from harness.environment.toxiproxy import Proxy, Toxiproxy, toxiproxy_server
from harness.errors import EnvironmentSetupError, ReplicaUnavailableError
from scenarios.model import PRIMARY_LINK
from targets.schema import create_schema, seed
from targets.settings import DatabaseUrl


@dataclass(frozen=True)
class StackOptions:
    """Where the parts come from; None is the embedded one. URLs may hold a password and are not shown."""

    database_url: str | None = None
    toxiproxy_url: str | None = None
    allow_remote_database: bool = False

    def __repr__(self) -> str:
        return "StackOptions(...)"


@dataclass(frozen=True)
class Stack:
    """PostgreSQL with a seeded template, and Toxiproxy, both up; and a replica where one is needed.

    `replica` is why there is none where it could not be made.
    """

    leash: Leash
    database: DatabaseServer
    toxiproxy: Toxiproxy
    replica: Replica | ReplicaUnavailableError | None = None

    def require_alive(self) -> None:
        """Raises EnvironmentSetupError where PostgreSQL, Toxiproxy or the guard has gone, which no further trial
        would survive.
        """
        self.leash.require_guard()
        self.database.require_alive()
        self.toxiproxy.require_alive()

    @contextmanager
    def proxy_to_database(self, name: str) -> Iterator[Proxy]:
        """A fresh proxy before PostgreSQL, gone with everything on it at the end of the block."""
        proxy = self.toxiproxy.create_proxy(name, self.database.host, self.database.port)
        with ending(proxy.destroy):  # a Toxiproxy that has gone must not hide Ctrl-C
            yield proxy

    @contextmanager
    def replica_for(self, name: str, database: TrialDatabase) -> Iterator[ReplicaOfTrial]:
        """The replica for a trial on that database, once it has come there.

        Raises ReplicaUnavailableError where there is none; only those trials fail that ask for it.
        """
        if not isinstance(self.replica, Replica):
            raise self.replica or ReplicaUnavailableError("this run was not set up with a replica")
        with replica_of(self.replica, database, self.toxiproxy, name) as replica:
            yield replica

    @contextmanager
    def parts(self, database: TrialDatabase, link: Proxy, own: OwnTraffic | None = None) -> Iterator[Parts]:
        """The named parts of a trial on its database and behind its proxy; whole again when the block ends.

        `own` is told of the sessions that faults open in that database.
        """
        with primary_of(database, own) as primary:
            yield Parts({PRIMARY: primary, PRIMARY_LINK: link})


Fill = Callable[[Leash, str], None]
"""Fills the database at a URL."""


@contextmanager
def running_stack(
    options: StackOptions,
    progress: Callable[[str], None],
    needs: Collection[str] = (),
    fills: Mapping[str, Fill] | None = None,
) -> Iterator[Stack]:
    """Bring everything up, or raise EnvironmentSetupError with what is missing and how to get it.

    `needs` names parts beyond the primary and its link; without them the rest is brought up all the same. `fills`
    make what trials begin with, each in the database at a URL, by the name of what it then holds; by default the
    one schema of the standard targets.
    """
    replicated = REPLICA in needs
    with (
        Leash() as leash,
        toxiproxy_server(
            leash, url=options.toxiproxy_url, allow_remote=options.allow_remote_database, progress=progress
        ) as toxiproxy,
        database_server(
            leash,
            url=options.database_url,
            allow_remote=options.allow_remote_database,
            progress=progress,
            replicated=replicated,
        ) as database,
        ExitStack() as made,
    ):
        progress("seeding the database")
        for holding, fill in (fills or {BANK_SCHEMA: fill_bank}).items():
            database.create_template(partial(fill, leash), holding)
        replica: Replica | ReplicaUnavailableError | None = None
        if replicated:
            try:
                replica = made.enter_context(running_replica(leash, database, toxiproxy, progress))
            except ReplicaUnavailableError as error:
                replica = error
                progress(database.redact(str(error)))
        yield Stack(leash, database, toxiproxy, replica)


def fill_bank(_: Leash, url: str) -> None:
    """The one schema and its seed data, in the database at `url`."""
    engine = create_engine(DatabaseUrl.parse(url).psycopg2())
    try:
        create_schema(engine)
        seed(engine)
    except SQLAlchemyError as error:
        gist = next(iter(str(error.orig if isinstance(error, DBAPIError) else error).splitlines()), "")
        mend = "have the role's search_path lead to public" if "schema" in gist else "see the server's log"
        raise EnvironmentSetupError(f"the database cannot be seeded: {gist}; {mend}") from error
    finally:
        engine.dispose()
