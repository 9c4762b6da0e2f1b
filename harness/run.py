"""A whole run, and a whole trial, read from top to bottom."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Protocol

from harness.asking import fetch
from harness.bank import count_bank
from harness.conformance import conform, failed
from harness.environment.facts import describe_environment
from harness.environment.stack import Stack
from harness.environment.target import RunningTarget, target_process
from harness.errors import PoolstormError, TrialFailedError
from harness.injection import injecting
from harness.load.client import load_process
from harness.plan import Plan, load_seed
from harness.records import (
    Bank,
    Manifest,
    PoolReading,
    RunState,
    TargetInfo,
    TrialRecord,
    TrialSpec,
    TrialState,
    reading_every_s,
)
from harness.sampling import PoolGauge, Watched, processor_time_s, sampling
from harness.store import RunStore, TrialFolder
from harness.timeline import fault_steps
from targets.settings import DATABASE_URL_VARIABLE

HEAD_START_NS = 150_000_000
"""From the word to the first request: time for the word to arrive and for the samplers to be up."""
OWN_TRANSACTIONS = 2
"""Those of ours in the trial's database: the money is counted twice, in one transaction each."""
SETTLE_S = 3.0
"""How long connections may take to come back to the pool after the last answer."""


class Observer(Protocol):
    """Whoever watches the run: a progress display, or nobody."""

    def trial_started(self, spec: TrialSpec) -> None: ...

    def trial_ended(self, record: TrialRecord) -> None: ...


@dataclass
class _Stopwatch:
    """How long each part of the preparations took."""

    laps_s: dict[str, float] = field(default_factory=dict)
    _since_s: float = field(default_factory=time.monotonic)

    def lap(self, name: str) -> None:
        now_s = time.monotonic()
        self.laps_s[name] = round(now_s - self._since_s, 3)
        self._since_s = now_s


def run_plan(plan: Plan, run_id: str, store: RunStore, stack: Stack, observer: Observer) -> Manifest:
    """Run every trial of the plan; a trial that fails is recorded as such and the run goes on.

    On KeyboardInterrupt the trial under way is dropped, the finished ones stay, and the manifest returned has
    the state `interrupted`.
    """
    manifest = Manifest(
        run_id=run_id,
        created_at=datetime.now(UTC),
        poolstorm_version=version("poolstorm"),
        state=RunState.RUNNING,
        seed=plan.seed,
        repetitions=plan.repetitions,
        control=plan.control,
        scenarios=plan.scenarios,
        targets=tuple(_target_info(plan, name, plan.target(name).defaults.model_dump()) for name in plan.targets),
        trials=plan.trials,
        environment=describe_environment(stack.database, stack.toxiproxy),
    )
    store.write_manifest(manifest)
    state = RunState.FINISHED
    try:
        for spec in plan.trials:
            observer.trial_started(spec)
            with store.trial(spec.id) as folder:
                record = _guarded_trial(plan, spec, stack, folder)
                store.keep(folder, record)
            observer.trial_ended(record)
    except KeyboardInterrupt:
        state = RunState.INTERRUPTED
    finished = manifest.model_copy(update={"state": state, "finished_at": datetime.now(UTC)})
    store.write_manifest(finished)
    return finished


def _guarded_trial(plan: Plan, spec: TrialSpec, stack: Stack, folder: TrialFolder) -> TrialRecord:
    """One trial; whatever goes wrong becomes its record, in one line without secrets."""
    started_at, started_s = datetime.now(UTC), time.monotonic()
    try:
        return run_trial(plan, spec, stack, folder)
    except Exception as error:
        known = isinstance(error, PoolstormError)
        reason = str(error) if known else f"{type(error).__name__}: {error}"
        return TrialRecord(
            spec=spec,
            state=TrialState.FAILED,
            reason=" ".join(stack.database.redact(reason).split()),
            started_at=started_at,
            duration_s=time.monotonic() - started_s,
            origin_monotonic_ns=0,
            target=_target_info(plan, spec.target, {}),
        )


def run_trial(plan: Plan, spec: TrialSpec, stack: Stack, folder: TrialFolder) -> TrialRecord:
    """Fresh database, fresh proxy, fresh target, right answers; then load, faults and gauges on one clock."""
    scenario = plan.scenario(spec.scenario)
    settings = plan.pool_settings(spec.target, spec.scenario)
    started_at, started_s = datetime.now(UTC), time.monotonic()
    watch = _Stopwatch()
    with (
        load_process(stack.leash, scenario=scenario, folder=folder, workers=plan.workers) as load,
        stack.database.fresh_database() as database,
        stack.proxy_to_database(spec.id) as proxy,
    ):
        watch.lap("database")
        with target_process(
            stack.leash,
            app=plan.target(spec.target).app,
            environment={
                **settings.to_environment(),
                DATABASE_URL_VARIABLE: database.url_through(proxy.host, proxy.port),
            },
            log_path=folder.log_file("target"),
            host=plan.workers.host,
        ) as target:
            watch.lap("target")
            load.prepare(target.url, seed=load_seed(plan.seed, spec.repetition))
            watch.lap("load")
            conformance = conform(target.url, "before")
            if wrong := failed(conformance):
                raise TrialFailedError(f"the target answers wrongly: {wrong}")
            before = count_bank(database.url)
            watch.lap("verify")

            origin_ns = time.monotonic_ns() + HEAD_START_NS
            load.start(origin_ns)
            watched = Watched(
                target_url=target.url,
                database_url=stack.database.admin_url,
                database_name=database.name,
                target_pid=target.pid,
                generator_pids=load.pids,
                proxy_pid=stack.toxiproxy.pid,
                database_pid=stack.database_pid,
            )
            spent_before_s = processor_time_s(watched)
            with (
                sampling(watched, load.phase_ends, origin_ns, folder, reading_every_s(scenario)),
                injecting(fault_steps(scenario), proxy, origin_ns, folder) as injection,
            ):
                load.wait_drained()
                spent_after_s = processor_time_s(watched)
                done = load.wait()
                pool_at_end = _settled_pool(target, origin_ns)
            injection.check()
            after = count_bank(database.url)
            conformance += conform(target.url, "after")
            pool_after_all = _settled_pool(target, origin_ns)
            info = _target_info(plan, spec.target, fetch(f"{target.url}/settings")[2])
        transactions = stack.database.transactions(database.name) - OWN_TRANSACTIONS

    return TrialRecord(
        spec=spec,
        state=TrialState.INVALID if done.workers_lost else TrialState.COMPLETED,
        reason=f"{done.workers_lost} of {plan.workers.count} load workers died; run it again"
        if done.workers_lost
        else "",
        workers=plan.workers.count,
        started_at=started_at,
        duration_s=time.monotonic() - started_s,
        origin_monotonic_ns=origin_ns,
        target=info,
        pool_at_end=pool_at_end,
        bank=Bank(
            total_before_cents=before.total_cents,
            total_after_cents=after.total_cents,
            transfers_stored=after.transfers - before.transfers,
            transfers_acknowledged=done.acknowledged_transfers,
            negative_balances=after.negative_balances,
        ),
        conformance=conformance,
        transactions=transactions,
        requests_served=pool_after_all.requests_total if pool_after_all else None,
        cpu_s={name: round(spent_after_s[name] - spent_before_s[name], 2) for name in spent_after_s}
        | {"generator": round(done.cpu_s, 2)},  # attached workers' too, whose processes nothing here could watch
        starting_s=watch.laps_s,
    )


def _settled_pool(target: RunningTarget, origin_ns: int) -> PoolReading | None:
    """The pool once nothing is checked out, or as it is when patience ends; None if the target is silent."""
    deadline_s = time.monotonic() + SETTLE_S
    gauge = PoolGauge(target.url)
    reading = None
    try:
        while time.monotonic() < deadline_s:
            reading = gauge.read(origin_ns)
            if reading.checked_out == 0:
                break
            time.sleep(0.05)
    except (OSError, ValueError):
        return None
    finally:
        gauge.close()
    return reading


def _target_info(plan: Plan, name: str, reported: Mapping[str, object]) -> TargetInfo:
    """What is recorded of a target; `reported` is its own answer to `GET /settings`, flattened."""
    target = plan.target(name)
    pool = reported.get("pool", reported)
    settings = dict(pool) if isinstance(pool, dict) else {}
    if "threadpool_tokens" in reported:
        settings["threadpool_tokens"] = reported["threadpool_tokens"]
    return TargetInfo(
        name=name,
        title=target.title,
        teaches=target.teaches,
        same_as=plan.same_as(name),
        driver=target.driver,
        settings=settings,
    )
