"""What the fixture `poolstorm` is: apps on fresh databases, each held to what must be so."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self

from harness.apps.places import of_database
from harness.apps.setup import set_up
from harness.apps.subjects import app_subject
from harness.apps.wish import AppWish
from harness.environment.bounded_log import bounded_log
from harness.environment.leash import Leash, ending
from harness.environment.parts import PRIMARY, Parts
from harness.environment.postgres import TrialDatabase, database_server
from harness.environment.stack import Stack
from harness.environment.target import RunningTarget, target_process
from harness.environment.toxiproxy import toxiproxy_server
from harness.faults import FAULTS
from harness.inside.channel import Channel
from harness.planning.checks import require_known
from harness.records import DatabaseReading
from harness.sampling.gauges import DatabaseGauge, UnreadableError
from harness.subject import Subject
from harness.testing.driving import Answer, Driven, asked_once, drive
from scenarios.model import PRIMARY_LINK, Scalar

DATABASE_VARIABLE = "POOLSTORM_DATABASE_URL"
LOOK_EVERY_S = 0.05
PROVED_WITHIN_S = 5.0
IN_A_ROW = 5


class Apps:
    """Starts apps; with the first PostgreSQL (embedded, or that at `POOLSTORM_DATABASE_URL`) and Toxiproxy."""

    def __init__(self) -> None:
        self._exits = ExitStack()
        self._stack: Stack | None = None
        self._filled: dict[str, str] = {}
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    @contextmanager
    def app(
        self,
        run: str,
        *,
        env: Mapping[str, str],
        setup: str | None = None,
        ready: str | None = None,
        directory: str | Path | None = None,
        ready_within_s: float = 60.0,
    ) -> Iterator[App]:
        """The app until the end of the block, on a database that its `setup` filled once for the session.

        `run`, `env` and the rest are as in `[app]` of a plan file. Raises PlanError and EnvironmentSetupError,
        which say in a line what is wrong.
        """
        wish = AppWish(
            run=run,
            env=dict(env),
            setup=setup,
            ready=ready,
            ready_within_s=ready_within_s,
            directory=None if directory is None else str(directory),
        )
        subject, stack = app_subject(wish), self._running()
        holding = self._filled_for(subject, stack)
        self._number += 1
        folder = stack.leash.temporary_folder()
        with (
            ending(lambda: stack.leash.remove_folder(folder)),
            stack.database.fresh_database(holding) as database,
            stack.proxy_to_database(f"test-{self._number}") as proxy,
            stack.parts(database, proxy) as parts,
            closing(Channel(folder)) as channel,
            bounded_log(folder / "app.log"),
            target_process(
                stack.leash,
                launch=subject.launch,
                name=subject.name,
                environment=of_database(database.url_through(proxy.host, proxy.port)),
                log_path=folder / "app.log",
                probed_in=folder,
            ) as running,
        ):
            yield App(running, database, parts, channel, _sessions(database))

    def _running(self) -> Stack:
        if self._stack is None:
            leash = self._exits.enter_context(Leash())
            toxiproxy = self._exits.enter_context(
                toxiproxy_server(leash, url=None, allow_remote=False, progress=_silent)
            )
            database = self._exits.enter_context(
                database_server(leash, url=os.environ.get(DATABASE_VARIABLE), allow_remote=False, progress=_silent)
            )
            self._stack = Stack(leash, database, toxiproxy)
        return self._stack

    def _filled_for(self, subject: Subject, stack: Stack) -> str:
        """The name of the template that this set-up made; it is run once."""
        launch = subject.launch
        key = repr((launch.setup, str(launch.directory), sorted(launch.setup_environment.items())))
        if key not in self._filled:
            name = f"test-{len(self._filled)}"
            stack.database.create_template(partial(set_up, stack.leash, launch), name)
            self._filled[key] = name
        return self._filled[key]


def _silent(_: str) -> None:
    """Nobody reads progress in a test."""


def _sessions(database: TrialDatabase) -> DatabaseReading | None:
    try:
        with closing(DatabaseGauge(PRIMARY, database.admin_url, database.name)) as gauge:
            return gauge.read()
    except UnreadableError:
        return None


@dataclass
class App:
    """A running app of a test. What `require_...` finds raises AssertionError, in a line."""

    _running: RunningTarget
    database: TrialDatabase
    _parts: Parts
    _channel: Channel
    _base: DatabaseReading | None
    _outside_faults: list[Answer] = field(default_factory=list)
    _faults: int = 0

    @property
    def url(self) -> str:
        """Where it answers."""
        return self._running.url

    def drive(self, path: str | Sequence[str], *, users: int = 10, requests: int = 100) -> Driven:
        """Reads of one path or of several by turns: `requests` in all, `users` at once, every answer kept."""
        paths = [path] if isinstance(path, str) else list(path)
        before = self._counted()
        answers = drive(self.url, paths, users, requests)
        if not self._faults:
            self._outside_faults += answers
        if before is None:
            return Driven(answers)
        after = self._counted()
        assert after is not None
        return Driven(answers, statements=after[0] - before[0], checkouts=after[1] - before[1])

    @contextmanager
    def fault(self, kind: str, *, part: str = PRIMARY_LINK, **settings: Scalar) -> Iterator[None]:
        """Break the link to the database (or another `part`) during the block: `fault("latency", latency_ms=50)`.

        It is proved to be there before the block, and healed after it however that ends. Raises PlanError for a
        kind that there is not, and pydantic.ValidationError for settings that it has not.
        """
        require_known("fault", kind, FAULTS)
        fault = FAULTS[kind](settings)
        broken: object = self._parts.require(part, fault.needs)
        self._faults += 1
        try:
            fault.inject(broken)
            try:
                deadline_s = time.monotonic() + PROVED_WITHIN_S
                while not (proof := fault.prove(broken, LOOK_EVERY_S * 5)).shown:
                    if time.monotonic() > deadline_s:
                        raise AssertionError(f"the fault {kind} took no effect: {proof.seen}")
                yield
            finally:
                fault.heal(broken)
        finally:
            self._faults -= 1

    def require_no_errors(self) -> None:
        """Every request outside faults so far had a success."""
        Driven(tuple(self._outside_faults)).require_success()

    def require_drained(self, within_s: float = 10.0) -> None:
        """Every connection is back in its pool, and no session is at work or inside a transaction but for those
        that were so from the start.
        """
        deadline_s = time.monotonic() + within_s
        while problem := self._not_drained():
            if time.monotonic() > deadline_s:
                raise AssertionError(f"{problem}, {within_s:g} s after the last answer")
            time.sleep(LOOK_EVERY_S)

    def require_recovery(self, path: str, within_s: float = 10.0) -> None:
        """The path is answered with a success again, several times in a row, before `within_s` are over."""
        deadline_s, succeeded, last = time.monotonic() + within_s, 0, Answer(path, 0, "nothing was asked")
        while succeeded < IN_A_ROW:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise AssertionError(f"no recovery within {within_s:g} s: {last}")
            last = asked_once(self.url, path, left_s)
            succeeded = succeeded + 1 if last.succeeded else 0
            if not last.succeeded:
                time.sleep(LOOK_EVERY_S)

    def printed(self) -> str:
        """The last lines that it printed."""
        return self._running.child.tail_of_log(20)

    def _counted(self) -> tuple[int, int] | None:
        if not self._channel.is_told_into():
            return None
        now = self._channel.read()
        return now["STATEMENTS"], now["CHECKOUTS"]

    def _not_drained(self) -> str:
        if self._channel.is_told_into():
            now = self._channel.read()
            if now["OUT"] or now["WAITING"]:
                where = f", the longest since {now.oldest_place}" if now.oldest_place else ""
                return f"{now['OUT']} connections are out and {now['WAITING']} requests wait for one{where}"
        found, base = _sessions(self.database), self._base
        if found is None or base is None:
            return "PostgreSQL's sessions could not be counted"
        if found.idle_in_transaction > base.idle_in_transaction:
            return f"{found.idle_in_transaction} sessions are idle inside a transaction"
        return f"{found.active} sessions are at work" if found.active > base.active else ""
