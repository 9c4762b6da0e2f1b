"""Statements of known durations, which end in different ways: which of them does a slow-query log report?"""

from scenarios.model import Check, FaultSpec, Phase, Scenario, under_locust

LATENCY_MS = 40
_FAR_S = 2.5

SCENARIO = Scenario(
    name="slow-statements",
    title="Slow statements",
    question="Does the log report each statement of more than 100 ms, and no other?",
    phases=(
        Phase(name="warm-up", duration_s=0.4, users=2, behaviour="reader", warmup=True),
        Phase(name="near", duration_s=5.0, users=8, behaviour="slow-asker"),
        Phase(
            name="far",
            duration_s=_FAR_S,
            users=4,
            behaviour="far-asker",
            faults=(
                FaultSpec(kind="latency", at_s=0.0, duration_s=_FAR_S - 0.1, settings={"latency_ms": LATENCY_MS}),
            ),
        ),
    ),
    checks=(Check(kind="no-leaked-connections"),),
)

if under_locust():
    from scenarios import users

    class SlowStatementsUser(users.SlowAsker):
        """`locust -f scenarios/slow_statements.py -H URL`, on a target of `targets/tutorial` that has /slow."""
