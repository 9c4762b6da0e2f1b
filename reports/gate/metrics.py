"""Every metric that a verdict can be on, by the name that acceptances call it by."""

from __future__ import annotations

from reports.gate.seeing import ANSWERS_RIGHT, SAFETY
from reports.oracles.cases import ORACLES
from scenarios.limits import LIMIT_NAMES

OF_ROUTES = ("p50", "p99", "p50-of-all", "p99-of-all", "error-share", "errors")
OF_PHASES = ("cpu", "throughput", "generator-lag", "recovery", "exhaustion-onset")
COUNTS = ("statements", "checkouts", "opened", "pings", "round trips", "transactions")
LIMIT = "limit-"
"""Begins the metric of an absolute limit."""


def metrics() -> frozenset[str]:
    """All of them."""
    limits = (f"{LIMIT}{name}" for name in LIMIT_NAMES)
    return frozenset((*OF_ROUTES, *OF_PHASES, *COUNTS, "crashes", *SAFETY, *ORACLES, ANSWERS_RIGHT, *limits))
