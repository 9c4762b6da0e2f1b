"""The life of one request over a ladder of latencies: what taking a connection, a query and returning it cost.

One request at a time, so that nothing waits but for the database. Durations that people quote hold for the
distance to the database at which they were measured; here that distance is what changes.
"""

from scenarios.model import Check, FaultSpec, Phase, Scenario, under_locust

LADDER_MS = (0, 1, 2, 5, 10, 20, 40)
"""From the same machine to another continent's edge; 0 is a rung that nothing is done to."""
_RUNG_S = 2.0
_FOR_EACH_MS_S = 0.12
"""Of latency: a request without a pool waits for about eight round trips, and a dozen of them make a median."""
_SETTLE_S = 0.1


def _rung(latency_ms: int) -> Phase:
    """One user who reads, under one latency; longer where requests are."""
    duration_s = max(_RUNG_S, _FOR_EACH_MS_S * latency_ms)
    fault = FaultSpec(
        kind="latency", at_s=0.0, duration_s=duration_s - _SETTLE_S, settings={"latency_ms": latency_ms}
    )
    return Phase(
        name=f"latency-{latency_ms}-ms",
        duration_s=duration_s,
        users=1,
        behaviour="prober",
        faults=(fault,) if latency_ms else (),
    )


SCENARIO = Scenario(
    name="request-life",
    title="Life of a request",
    question="What do a connection, a query and its return cost, by the distance of the database?",
    phases=(
        Phase(name="warm-up", duration_s=0.6, users=1, behaviour="prober", warmup=True),
        *(_rung(latency_ms) for latency_ms in LADDER_MS),
    ),
    checks=(Check(kind="no-errors-outside-faults"), Check(kind="no-leaked-connections")),
)

if under_locust():
    from scenarios import users

    class RequestLifeUser(users.Prober):
        """`locust -f scenarios/request_life.py -H URL -u 1`; raise the latency by hand (see `poolstorm serve`)."""
