"""One trial as it is set up: what load, faults, gauges and witnesses need to know of it, and who sets it up."""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from harness.environment.limits import ConnectionLimits
from harness.environment.own_traffic import OwnTraffic
from harness.environment.parts import Parts
from harness.environment.totals import Totals
from harness.journal import Journal
from harness.load.messages import LoadAccount
from harness.processes import ProcessMap
from harness.records import TrialRecord
from harness.sampling import Sampled, Times
from harness.sampling.gauges import Gauge
from harness.store import TrialFolder
from harness.subject import Capability, Subject
from scenarios.model import Scenario
from targets.settings import PoolSettings


class Database(Protocol):
    """The trial's own database on the primary. URLs hold a password and lead past the proxy."""

    @property
    def name(self) -> str: ...

    @property
    def url(self) -> str: ...

    @property
    def admin_url(self) -> str: ...

    def transactions(self) -> int: ...

    def totals(self) -> Totals | None: ...

    def connection_limits(self) -> ConnectionLimits: ...


class Load(Protocol):
    """A load generator that is ready to begin."""

    @property
    def phase_ends(self) -> queue.SimpleQueue[str]: ...

    def start(self, origin_ns: int) -> None: ...

    def wait_drained(self) -> None: ...

    def wait(self) -> LoadAccount: ...


@dataclass(frozen=True)
class Setup:
    """What has to be set up for a trial."""

    trial_id: str
    subject: Subject
    scenario: Scenario
    settings: PoolSettings
    seed: int
    counts_routes: bool = False


@dataclass(frozen=True)
class Scene:
    """What is up. `url` is the subject's; `subject_ended` tells how it ended by itself, empty while
    it runs; `end_subject` ends it while all else stays.
    """

    setup: Setup
    url: str
    load: Load
    database: Database
    parts: Parts
    processes: ProcessMap
    gauges: Sequence[Sampled]
    journal: Journal
    subject_ended: Callable[[], str]
    end_subject: Callable[[], None]
    log_path: Path  # what the subject prints
    starting_s: dict[str, float]  # how long each part took to be ready
    paths: Sequence[str] = ()  # what visitors of an app read
    open_pool: Callable[[], Gauge] | None = None  # the pool's own account, where there is one
    open_times: Callable[[], Times] | None = None  # how long connections were held, likewise
    notes: tuple[str, ...] = ()  # what is to be remarked of the trial from the start
    own: OwnTraffic = field(default_factory=OwnTraffic)
    counted_before: Totals | None = None  # in its database, before the subject was started

    @property
    def subject(self) -> Subject:
        """What is measured."""
        return self.setup.subject


class Witness:
    """Whoever is asked before a trial and after it, and adds to its record; each overrides what it needs.

    `needs` is the capability that a subject must have, if any. Every method may raise TrialFailedError, which ends
    the trial.
    """

    needs: ClassVar[Capability | None] = None

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    @classmethod
    def is_for(cls, subject: Subject) -> bool:
        """Whether it has something to ask of a subject."""
        return cls.needs is None or subject.can(cls.needs)

    def before(self) -> None:
        """All is up; the load has not begun."""

    def drained(self) -> None:
        """The last answer is in; faults are healed or about to be."""

    def after(self, account: LoadAccount) -> None:
        """The load is over and every fault healed; the subject still runs."""

    def ended(self) -> None:
        """The subject has ended; its database is still there."""

    def tell(self, record: TrialRecord) -> TrialRecord:
        """The record with what was seen."""
        return record

    def close(self) -> None:
        """Let go of what is held; called however the trial ended."""


class Stage(Protocol):
    """Sets a trial up and takes it down again: `harness.staging` with real parts, tests with others."""

    def set(self, setup: Setup, folder: TrialFolder, journal: Journal) -> AbstractContextManager[Scene]: ...

    def witnesses(self, scene: Scene) -> Sequence[Witness]: ...
