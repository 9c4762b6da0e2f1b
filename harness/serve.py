"""The environment stays up: one target behind Toxiproxy, to explore by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.environment.parts import REPLICA
from harness.environment.postgres import TrialDatabase
from harness.environment.replica import ReplicaOfTrial
from harness.environment.stack import Stack, StackOptions, running_stack
from harness.environment.target import RunningTarget, target_process
from harness.environment.toxiproxy import Proxy
from harness.errors import TrialFailedError
from harness.planning.checks import require_known, with_overrides
from harness.planning.wish import parse_pool_options
from harness.subject import Subject, standard_subject
from targets.known import KNOWN_TARGETS
from targets.settings import DATABASE_URL_VARIABLE, REPLICA_URL_VARIABLE

PROXY_NAME = "postgres"
_SLOW = """curl -d '{"type":"latency","name":"slow","attributes":{"latency":50}}'"""
_GONE = """curl -d '{"enabled":false}'"""
_BACK = """curl -d '{"enabled":true}'"""


def serve_target(
    name: str, *, port: int | None, pool_options: list[str], options: StackOptions, say: Callable[[str], None]
) -> None:
    """Bring up PostgreSQL, Toxiproxy and the target, say how to use them, and wait for Ctrl-C.

    Raises PlanError for an unknown target or setting, EnvironmentSetupError where a part is not to be had, and
    TrialFailedError when the target ends by itself.
    """
    require_known("target", name, KNOWN_TARGETS)
    subject = standard_subject(KNOWN_TARGETS[name])
    settings = with_overrides(subject.settings, parse_pool_options(pool_options))
    with (
        running_stack(options, say, subject.needs_parts) as stack,
        stack.database.fresh_database() as database,
        stack.proxy_to_database(PROXY_NAME) as proxy,
        _replica(stack, subject, database) as replica,
        target_process(
            stack.leash,
            launch=subject.launch,
            name=name,
            environment={
                **settings.to_environment(),
                DATABASE_URL_VARIABLE: database.url_through(proxy.host, proxy.port),
                **({REPLICA_URL_VARIABLE: replica.url} if replica else {}),
            },
            log_path=stack.leash.temporary_folder() / "target.log",
            port=port,
        ) as target,
    ):
        for line in _introduction(name, target, stack, proxy, replica):
            say(line)
        try:
            while target.child.alive():
                threading.Event().wait(0.5)
        except KeyboardInterrupt:
            say("stopping")
            return
        raise TrialFailedError(f"{name} ended by itself: {target.child.end_description()}")


@contextmanager
def _replica(stack: Stack, subject: Subject, database: TrialDatabase) -> Iterator[ReplicaOfTrial | None]:
    if REPLICA not in subject.needs_parts:
        yield None
        return
    with stack.replica_for(PROXY_NAME, database) as replica:
        yield replica


def _introduction(
    name: str, target: RunningTarget, stack: Stack, link: Proxy, replica: ReplicaOfTrial | None
) -> Iterator[str]:
    """What is up, and the commands that a person wants next."""
    proxies = f"http://{stack.toxiproxy.host}:{stack.toxiproxy.port}/proxies"
    yield ""
    yield f"{name} is up at {target.url}  (interactive documentation: {target.url}/docs)"
    yield f"  its pool:         curl {target.url}/health/db"
    yield f"  load by hand:     locust -f scenarios/baseline.py -H {target.url}"
    yield f"  50 ms more:       {_SLOW} {proxies}/{link.name}/toxics"
    yield f"  and healed:       curl -X DELETE {proxies}/{link.name}/toxics/slow"
    yield f"  database gone:    {_GONE} {proxies}/{link.name}"
    yield f"  and back:         {_BACK} {proxies}/{link.name}"
    if replica is not None:
        replication = replica.replica.replication
        yield f"  replica late:     {_SLOW} {proxies}/{replication.name}/toxics"
        yield f"  and healed:       curl -X DELETE {proxies}/{replication.name}/toxics/slow"
        yield f"  replica gone:     {_GONE} {proxies}/{replica.link.name}"
        yield f"  and back:         {_BACK} {proxies}/{replica.link.name}"
    yield "Ctrl-C ends everything."
