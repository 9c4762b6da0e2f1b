"""A target of poolstorm's behind Toxiproxy and a fresh database, as in a trial."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fidelity.base import Bench
from harness.environment.stack import Stack
from harness.environment.target import target_process
from harness.environment.toxiproxy import Proxy
from harness.subject import standard_launch
from scenarios.model import PoolOverrides
from targets.registry import TARGETS
from targets.settings import DATABASE_URL_VARIABLE


@dataclass(frozen=True, slots=True)
class Served:
    """A target that answers on `url`; `proxy` stands between it and PostgreSQL."""

    url: str
    pid: int
    proxy: Proxy


Front = Callable[[str, int], AbstractContextManager[int]]
"""Stands before an address; gives the port on loopback where it listens."""


@contextmanager
def serving(
    bench: Bench,
    stack: Stack,
    name: str,
    *,
    app: str | None = None,
    front: Front | None = None,
    pool: PoolOverrides | None = None,
    probed_in: Path | None = None,
) -> Iterator[Served]:
    """The target called `name`, with `pool` before its own settings.

    `app` replaces its application, `front` stands between it and the proxy; with `probed_in` a probe in it tells
    into that folder.
    """
    target = TARGETS[name]
    with ExitStack() as exits:
        database = exits.enter_context(stack.database.fresh_database())
        proxy = exits.enter_context(stack.proxy_to_database(name))
        port = exits.enter_context(front(proxy.host, proxy.port)) if front else proxy.port
        process = exits.enter_context(
            target_process(
                bench.leash,
                launch=standard_launch(app or target.app),
                environment={
                    **target.defaults.with_overrides(pool or {}).to_environment(),
                    DATABASE_URL_VARIABLE: database.url_through(proxy.host, port),
                },
                log_path=bench.folder / f"{name}.log",
                probed_in=probed_in,
            )
        )
        yield Served(process.url, process.pid, proxy)
