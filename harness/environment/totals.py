"""What PostgreSQL counts of a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

TOTALS_QUERY = """
    SELECT to_jsonb(d), (SELECT stats_reset FROM pg_stat_bgwriter),
           (SELECT count(*) FROM pg_stat_activity WHERE datname = d.datname AND backend_type = 'client backend')
    FROM pg_stat_database AS d
    WHERE datname = %s
"""
"""As JSON, since older servers have fewer columns."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Counters of one database as they stand; they only grow, unless they were begun anew."""

    counters: Mapping[str, int | float | str | None]
    server_since: datetime | None  # when those of the whole server were begun: a crash loses them all
    open_sessions: int  # whose last doings are not in them

    def follows(self, earlier: Totals) -> bool:
        """Whether it goes on from an earlier count, and was not begun anew since then."""
        reset = "stats_reset"
        return (self.server_since, self.counters.get(reset)) == (earlier.server_since, earlier.counters.get(reset))

    def since(self, earlier: Totals, name: str) -> float | None:
        """By how much a counter has grown; None where this server has none of that name."""
        now, before = self.counters.get(name), earlier.counters.get(name)
        if isinstance(now, int | float) and isinstance(before, int | float):
            return max(0, now - before)
        return None
