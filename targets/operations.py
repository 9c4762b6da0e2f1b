"""The routes that never touch the database: liveness, the pool's gauges, the settings in force.

All are coroutines, so that they answer while every connection and every worker thread is taken.
"""

from __future__ import annotations

import anyio.to_thread
from fastapi import APIRouter

from targets.contract import EffectivePool, EffectiveSettings, Live, PoolHealth, TimesTaken
from targets.gauges import Gauges, JointGauges
from targets.registry import Target
from targets.settings import PoolSettings

_POOL_ONLY = ("pool_size", "max_overflow", "pool_timeout_s", "pool_recycle_s", "pre_ping", "use_lifo")


def set_threadpool_tokens(tokens: int | None) -> None:
    """Give `def` endpoints this many threads; None leaves AnyIO's default. Call it on the running event loop."""
    if tokens is not None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = tokens


def operations_router(
    target: Target, settings: PoolSettings, gauges: Gauges | JointGauges, *, with_health: bool = True
) -> APIRouter:
    """Health and settings of `target`. Without health for a target that has a `/health/db` of its own."""
    router = APIRouter()

    @router.get("/health/live", response_model=Live)
    async def live() -> Live:
        return Live()

    if with_health:

        @router.get("/health/db", response_model=PoolHealth)
        async def pool_health() -> PoolHealth:
            return PoolHealth.model_validate(gauges.read())

    @router.post("/health/times/take", response_model=TimesTaken)
    async def take_times() -> TimesTaken:
        return gauges.take_times()

    @router.get("/settings", response_model=EffectiveSettings)
    async def effective_settings() -> EffectiveSettings:
        shown = settings.model_dump(exclude={"threadpool_tokens"}) | dict.fromkeys(target.ignores)
        if not gauges.pooled:
            shown.update(dict.fromkeys(_POOL_ONLY))
        return EffectiveSettings(
            target=target.name,
            driver=target.driver,
            pool=EffectivePool.model_validate(shown),
            threadpool_tokens=int(anyio.to_thread.current_default_thread_limiter().total_tokens),
        )

    return router
