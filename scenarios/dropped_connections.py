"""Connections dropped in three ways: reset, swallowed without a word, and the database gone altogether."""

from scenarios.model import Arrivals, Check, FaultSpec, Phase, Scenario, under_locust

STEADY = Arrivals(rate_per_s=50)

SCENARIO = Scenario(
    name="dropped-connections",
    title="Dropped connections",
    question="What do clients see while connections are reset, swallowed or refused, and when is all well again?",
    phases=(
        Phase(name="warm-up", duration_s=1.0, arrivals=STEADY, warmup=True),
        Phase(
            name="reset",
            duration_s=2.0,
            arrivals=STEADY,
            faults=(FaultSpec(kind="reset-peer", at_s=0.2, duration_s=0.8),),
        ),
        Phase(
            name="blackhole",
            duration_s=2.6,
            arrivals=STEADY,
            faults=(FaultSpec(kind="timeout", at_s=0.2, duration_s=1.0),),
        ),
        Phase(
            name="outage",
            duration_s=2.2,
            arrivals=STEADY,
            faults=(FaultSpec(kind="proxy-down", at_s=0.2, duration_s=1.0),),
        ),
    ),
    checks=(
        Check(kind="recovers-within", limit=1000),
        Check(kind="fails-fast", limit=1000),
        Check(kind="money-is-conserved"),
        Check(kind="no-leaked-connections"),
    ),
)

if under_locust():
    from scenarios import users

    class DroppedConnectionsUser(users.Mixed):
        """`locust -f scenarios/dropped_connections.py -H URL`; break the proxy by hand (see `poolstorm serve`)."""
