"""The stage with real parts: a fresh database, a fresh proxy before it, the subject in a process of its own, a
load.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, field

from harness.apps.openapi import paths_of
from harness.apps.places import of_database
from harness.environment.bounded_log import bounded_log
from harness.environment.children import locustfile_environment
from harness.environment.leash import ending
from harness.environment.logins import logging_in
from harness.environment.own_traffic import OwnTraffic
from harness.environment.parts import APP, BROUGHT_BY, PRIMARY, REPLICA, Parts
from harness.environment.postgres import TrialDatabase
from harness.environment.replica import ReplicaOfTrial
from harness.environment.stack import Stack
from harness.environment.target import target_process
from harness.faults import FAULTS
from harness.inside.channel import Channel
from harness.journal import Journal
from harness.load.client import load_process
from harness.load.workers import Workers
from harness.locustfile import Locustfile
from harness.processes import Processes, ProcessMap, Working
from harness.records import reading_every_s
from harness.sampling import BANK_EVERY_S, HOST_EVERY_S, Sampled, TargetTimes, Times
from harness.sampling.errors import NOT_OUR_LOG, ErrorsGauge, Untold
from harness.sampling.gauges import BankGauge, DatabaseGauge, Gauge, HostGauge, PoolGauge, ReplicationGauge
from harness.sampling.inside import InsideGauge, ProbedPoolGauge, ProbedTimes
from harness.scene import Scene, Setup, Witness
from harness.store import TrialFolder
from harness.subject import Capability, Visits, Workload
from harness.witnesses import witnesses_of
from harness.witnesses.bank import needs_history
from harness.witnesses.processor import GENERATOR
from harness.witnesses.totals import settled_totals
from scenarios.model import Scenario
from targets.settings import DATABASE_URL_VARIABLE, REPLICA_URL_VARIABLE

PROXY = "proxy"
FAR_AWAY = "far-away"
"""The toxic of a subject whose database is not near by."""
NOT_SEEN = (
    "the inside of the app was not seen, as no process of it is a Python that took the probe in: its pools, event "
    "loops and threads are missing, and PostgreSQL's sessions, processor times and the client's figures serve"
)


@dataclass
class _Stopwatch:
    """How long each part of the preparations took."""

    laps_s: dict[str, float] = field(default_factory=dict)
    _since_s: float = field(default_factory=time.monotonic)

    def lap(self, name: str) -> None:
        now_s = time.monotonic()
        self.laps_s[name] = round(now_s - self._since_s, 3)
        self._since_s = now_s


@dataclass(frozen=True)
class RealStage:
    """Sets trials up on a running stack; `workers` share the load."""

    stack: Stack
    workers: Workers

    @contextmanager
    def set(self, setup: Setup, folder: TrialFolder, journal: Journal) -> Iterator[Scene]:
        """Everything up and ready to begin; gone at the end of the block. Raises PoolstormError."""
        stack, watch, own = self.stack, _Stopwatch(), OwnTraffic()
        with (
            load_process(
                stack.leash,
                scenario=setup.scenario,
                folder=folder,
                journal=journal,
                workers=self.workers,
                record_writes=needs_history(setup),
                environment=locustfile_environment() if _locustfile(setup.subject.workload) else None,
            ) as load,
            stack.database.fresh_database(setup.subject.schema) as database,
            logging_in(database, setup.subject.login) as address,
            stack.proxy_to_database(setup.trial_id) as proxy,
            stack.parts(database, proxy, own) as own_parts,
            ExitStack() as replica_ends,
            _channel(stack, setup) as channel,
            nullcontext() if setup.subject.launch.is_ours else bounded_log(folder.log_file("target")),
            ExitStack() as subject_ends,
        ):
            if setup.subject.link_latency_ms:
                proxy.add_toxic("latency", "downstream", {"latency": setup.subject.link_latency_ms}, FAR_AWAY)
            watch.lap("database")
            parts, replica = own_parts, None
            if _needs_replica(setup):
                replica = replica_ends.enter_context(stack.replica_for(setup.trial_id, database))
                parts = Parts({**own_parts.by_name, **replica.parts})
                watch.lap(REPLICA)
            _require_breakable(setup.scenario, parts)
            counted_before = settled_totals(database)
            target = subject_ends.enter_context(
                target_process(
                    stack.leash,
                    launch=setup.subject.launch,
                    name=setup.subject.name,
                    environment=_told(setup, address.url(database.name, proxy.host, proxy.port), replica),
                    log_path=folder.log_file("target"),
                    host=self.workers.host,
                    probed_in=None if channel is None else channel.folder,
                )
            )
            watch.lap("target")
            paths, locustfile = _paths(setup, target.url), _locustfile(setup.subject.workload)
            load.prepare(target.url, seed=setup.seed, paths=paths, locustfile=locustfile)
            watch.lap("load")
            subjects_own = Processes((target.pid,), family=not setup.subject.launch.is_ours)
            processes = _processes(stack, replica, subjects_own, load.pids)
            inside = _Inside.of(setup, target.url, channel)
            yield Scene(
                setup=setup,
                url=target.url,
                load=load,
                database=database,
                parts=parts,
                processes=processes,
                gauges=tuple(_gauges(setup, inside, database, replica, processes, own)),
                journal=journal,
                subject_ended=lambda: "" if target.child.alive() else target.child.end_description(),
                end_subject=subject_ends.close,
                log_path=folder.log_file("target"),
                starting_s=watch.laps_s,
                paths=paths,
                open_pool=inside.open_pool,
                open_times=inside.open_times,
                notes=inside.notes,
                own=own,
                counted_before=counted_before,
            )

    def witnesses(self, scene: Scene) -> Sequence[Witness]:
        """Those that the subject has what they need for."""
        return witnesses_of(scene)


@contextmanager
def _channel(stack: Stack, setup: Setup) -> Iterator[Channel | None]:
    """For what the probe in an app's processes tells; None of a subject without one."""
    if not setup.subject.launch.probe:
        yield None
        return
    folder = stack.leash.temporary_folder()
    with ending(lambda: stack.leash.remove_folder(folder)), closing(Channel(folder)) as channel:
        yield channel


@dataclass(frozen=True)
class _Inside:
    """Who tells what a subject's pools do: the subject itself, a probe in it, or nobody."""

    open_pool: Callable[[], Gauge] | None = None
    open_times: Callable[[], Times] | None = None
    channel: Channel | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, setup: Setup, url: str, channel: Channel | None) -> _Inside:
        """The subject is up, and has told by now whether it has something to tell."""
        if channel is None:
            return cls(
                open_pool=(lambda: PoolGauge(url)) if setup.subject.can(Capability.GAUGES) else None,
                open_times=(lambda: TargetTimes(url)) if setup.subject.can(Capability.TIMES) else None,
            )
        if not channel.is_told_into():
            return cls(notes=(NOT_SEEN,))
        return cls(
            open_pool=lambda: ProbedPoolGauge(channel), open_times=lambda: ProbedTimes(channel), channel=channel
        )


def _processes(
    stack: Stack, replica: ReplicaOfTrial | None, target: Processes, generator: tuple[int, ...]
) -> dict[str, Working]:
    """All that works for the trial, by part."""
    found: dict[str, Working] = {
        APP: target,
        GENERATOR: Processes(generator),
        PROXY: _of(stack.toxiproxy.pid),
        PRIMARY: stack.database.embedded or Processes(),
    }
    return {**found, REPLICA: replica.replica} if replica else found


def _require_breakable(scenario: Scenario, parts: Parts) -> None:
    """Raises TrialFailedError, before any load, for a fault on a part that cannot take it here."""
    for phase in scenario.phases:
        for fault in phase.faults:
            parts.require(fault.part, FAULTS[fault.kind].needs)


def _needs_replica(setup: Setup) -> bool:
    """Whether the subject stands on one, or the scenario breaks one: the control beside it has the same trial."""
    broken = {BROUGHT_BY.get(fault.part) for phase in setup.scenario.phases for fault in phase.faults}
    return REPLICA in setup.subject.needs_parts | broken


def _told(setup: Setup, url: str, replica: ReplicaOfTrial | None) -> Mapping[str, str]:
    """What the subject gets to know: ours by variables, another's by what stands for its places."""
    if not setup.subject.launch.is_ours:
        return of_database(url)
    return {
        **setup.settings.to_environment(),
        DATABASE_URL_VARIABLE: url,
        **_replica_address(setup, replica),
    }


def _paths(setup: Setup, url: str) -> Sequence[str]:
    """What visitors read: what was named, or what the running app names itself."""
    workload = setup.subject.workload
    return (workload.paths or paths_of(url)) if isinstance(workload, Visits) else ()


def _locustfile(workload: Workload) -> Locustfile | None:
    return workload if isinstance(workload, Locustfile) else None


def _replica_address(setup: Setup, replica: ReplicaOfTrial | None) -> Mapping[str, str]:
    """A subject that needs none is not given one, even where its scenario breaks one."""
    if replica is None or REPLICA not in setup.subject.needs_parts:
        return {}
    return {REPLICA_URL_VARIABLE: replica.url}


def _gauges(
    setup: Setup,
    inside: _Inside,
    database: TrialDatabase,
    replica: ReplicaOfTrial | None,
    processes: ProcessMap,
    own: OwnTraffic,
) -> Iterator[Sampled]:
    """The pool is read as often as the record of latencies asks for, the rest less."""
    every_s = reading_every_s(setup.scenario)
    if inside.open_pool is not None:
        yield Sampled("pool", inside.open_pool, every_s)
    if (channel := inside.channel) is not None:
        yield Sampled("inside", lambda: InsideGauge(channel), every_s)
    yield Sampled("database", lambda: DatabaseGauge(PRIMARY, database.admin_url, database.name), 2 * every_s)
    yield errors_gauge(PRIMARY, database, 2 * every_s)
    if replica is not None:
        there, name = replica.database, replica.replica.name
        yield Sampled("database", lambda: DatabaseGauge(REPLICA, there.admin_url, there.name), 2 * every_s)
        yield errors_gauge(REPLICA, there, 2 * every_s)
        yield Sampled("replication", lambda: ReplicationGauge(REPLICA, database.admin_url, name), 2 * every_s)
    if needs_history(setup):
        yield Sampled("bank", lambda: BankGauge(database.url, own), max(BANK_EVERY_S, every_s))
    yield Sampled("host", lambda: HostGauge(processes), max(HOST_EVERY_S, every_s))


def errors_gauge(part: str, database: TrialDatabase, every_s: float) -> Sampled:
    """A given server's log is somebody else's: that is told once, so that nobody takes it for no errors."""
    server = database.server.embedded
    if server is None:
        return Sampled("errors", lambda: Untold(NOT_OUR_LOG), every_s=None)
    return Sampled("errors", lambda: ErrorsGauge(part, server.log, database.name), every_s, at_end=True)


def _of(pid: int | None) -> Processes:
    return Processes(() if pid is None else (pid,))
