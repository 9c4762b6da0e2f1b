"""Reads and writes while the replica is late, then gone, and then the primary: who still gets an answer, and what
is old?

Against a target without a replica the first two faults break nothing: that is what to compare with.
"""

from scenarios.model import (
    PRIMARY_LINK,
    REPLICA_LINK,
    REPLICATION_LINK,
    Arrivals,
    Check,
    FaultSpec,
    Phase,
    Scenario,
    under_locust,
)

STEADY = Arrivals(rate_per_s=60)
LATE_MS = 50

SCENARIO = Scenario(
    name="rw-split",
    title="Reads on a replica",
    question="How much does a replica relieve the primary, and what do clients see when it is late or gone?",
    phases=(
        Phase(name="warm-up", duration_s=0.8, arrivals=STEADY, warmup=True),
        Phase(name="healthy", duration_s=4.0, arrivals=STEADY),
        Phase(
            name="replica-late",
            duration_s=4.0,
            arrivals=STEADY,
            faults=(
                FaultSpec(
                    kind="latency",
                    part=REPLICATION_LINK,
                    at_s=0.0,
                    duration_s=3.8,
                    settings={"latency_ms": LATE_MS},
                ),
            ),
        ),
        Phase(
            name="replica-gone",
            duration_s=3.5,
            arrivals=STEADY,
            faults=(FaultSpec(kind="proxy-down", part=REPLICA_LINK, at_s=0.5, duration_s=1.5),),
        ),
        Phase(
            name="primary-gone",
            duration_s=3.5,
            arrivals=STEADY,
            faults=(FaultSpec(kind="proxy-down", part=PRIMARY_LINK, at_s=0.5, duration_s=1.5),),
        ),
    ),
    checks=(
        Check(kind="no-errors-outside-faults"),
        Check(kind="recovers-within", limit=1000),
        Check(kind="money-is-conserved"),
        Check(kind="no-leaked-connections"),
    ),
)

if under_locust():
    from scenarios import users

    class RwSplitUser(users.Mixed):
        """`locust -f scenarios/rw_split.py -H URL`; make the replica late by hand (`poolstorm serve` says how)."""
