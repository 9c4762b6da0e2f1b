"""Users who look at once for what they have written, first with the replica at hand, then with it 50 ms behind."""

from scenarios.model import REPLICATION_LINK, Check, FaultSpec, Phase, Scenario, under_locust

FOLLOWERS = 4
LATE_MS = 50
_LATE_S = 3.5

SCENARIO = Scenario(
    name="own-writes",
    title="Own writes",
    question="Does a client find what it has just written, and if not at once, when?",
    phases=(
        Phase(name="warm-up", duration_s=0.4, users=2, behaviour="follower", warmup=True),
        Phase(name="near", duration_s=2.5, users=FOLLOWERS, behaviour="follower"),
        Phase(
            name="late",
            duration_s=_LATE_S,
            users=FOLLOWERS,
            behaviour="follower",
            faults=(
                FaultSpec(
                    kind="latency",
                    part=REPLICATION_LINK,
                    at_s=0.0,
                    duration_s=_LATE_S - 0.1,
                    settings={"latency_ms": LATE_MS},
                ),
            ),
        ),
    ),
    checks=(Check(kind="money-is-conserved"), Check(kind="no-leaked-connections")),
)

if under_locust():
    from scenarios import users

    class OwnWritesUser(users.Follower):
        """`locust -f scenarios/own_writes.py -H URL`; make the replica late by hand (see `poolstorm serve`)."""
