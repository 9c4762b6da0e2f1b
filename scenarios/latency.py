"""A slower network between service and database: how many round trips does a request take?"""

from scenarios.model import Arrivals, Check, FaultSpec, Phase, Scenario, under_locust

STEADY = Arrivals(rate_per_s=60)

SCENARIO = Scenario(
    name="latency",
    title="Latency between service and database",
    question="What does each millisecond between service and database add to a request?",
    phases=(
        Phase(name="warm-up", duration_s=0.8, arrivals=STEADY, behaviour="reader", warmup=True),
        Phase(name="near", duration_s=1.8, arrivals=STEADY, behaviour="reader"),
        Phase(
            name="far",
            duration_s=2.6,
            arrivals=STEADY,
            behaviour="reader",
            faults=(
                FaultSpec(kind="latency", at_s=0.0, duration_s=2.4, settings={"latency_ms": 10, "jitter_ms": 0}),
            ),
        ),
        Phase(
            name="jittery",
            duration_s=1.8,
            arrivals=STEADY,
            behaviour="reader",
            faults=(
                FaultSpec(kind="latency", at_s=0.0, duration_s=1.6, settings={"latency_ms": 10, "jitter_ms": 8}),
            ),
        ),
    ),
    checks=(
        Check(kind="no-errors-outside-faults"),
        Check(kind="recovers-within", limit=1000),
        Check(kind="no-leaked-connections"),
    ),
)

if under_locust():
    from scenarios import users

    class LatencyUser(users.Reader):
        """`locust -f scenarios/latency.py -H URL`; add the latency toxic by hand (`poolstorm serve` says how)."""
