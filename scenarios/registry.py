"""Name -> scenario. Reads declarations only; nothing here imports Locust."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from scenarios import (
    baseline,
    bookkeepers,
    concurrency,
    cut_transfers,
    dropped_connections,
    exhaustion,
    exhaustion_30s,
    exhaustion_open,
    first_requests,
    gate,
    idle_sessions,
    latency,
    monitoring,
    own_writes,
    raised,
    remedies,
    remedies_busy,
    request_life,
    round_trips,
    rw_split,
    slow_statements,
    spike,
    tellers,
    troubled,
)
from scenarios.model import Scenario

SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        module.SCENARIO.name: module.SCENARIO
        for module in (
            baseline,
            latency,
            dropped_connections,
            exhaustion,
            spike,
            exhaustion_open,
            round_trips,
            request_life,
            rw_split,
            tellers,
            cut_transfers,
            bookkeepers,
            idle_sessions,
            troubled,
            raised,
            exhaustion_30s,
            own_writes,
            concurrency,
            slow_statements,
            first_requests,
            remedies,
            remedies_busy,
            monitoring,
            gate,
        )
    }
)

DEFAULT_SCENARIOS = ("baseline", "latency", "dropped-connections", "exhaustion", "spike")
"""What runs where no scenario is named; the others answer a narrower question."""
