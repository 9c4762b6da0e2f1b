"""One request at a time over a ladder of injected latencies: how often does a request wait for the database?

The slope of p50 over the latency is the number of sequential round trips. It does not depend on how fast the
machine is, and hardly on how busy.
"""

from scenarios.model import Check, FaultSpec, Phase, Scenario, under_locust

LADDER_MS = (2, 6, 10, 18, 26)
"""Without 0: a link that is not slowed lacks what slowing costs beside the latency, and the slope is too steep."""
_RUNG_S = 2.0
_SETTLE_S = 0.1


def _rung(latency_ms: int) -> Phase:
    """One user who reads, under one latency."""
    fault = FaultSpec(
        kind="latency", at_s=0.0, duration_s=_RUNG_S - _SETTLE_S, settings={"latency_ms": latency_ms}
    )
    return Phase(
        name=f"latency-{latency_ms}-ms",
        duration_s=_RUNG_S,
        users=1,
        behaviour="prober",
        faults=(fault,),
    )


SCENARIO = Scenario(
    name="round-trips",
    title="Round trips",
    question="How many times in a row does one request wait for the database?",
    phases=(
        Phase(name="warm-up", duration_s=0.6, users=1, behaviour="prober", warmup=True),
        *(_rung(latency_ms) for latency_ms in LADDER_MS),
    ),
    checks=(Check(kind="no-errors-outside-faults"), Check(kind="no-leaked-connections")),
)

if under_locust():
    from scenarios import users

    class RoundTripsUser(users.Prober):
        """`locust -f scenarios/round_trips.py -H URL -u 1`; raise the latency by hand (see `poolstorm serve`)."""
