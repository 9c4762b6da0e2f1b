"""Requests that end in errors of every kind, then the same while connections are cut. What comes home?"""

from scenarios.model import Arrivals, Check, FaultSpec, Phase, Scenario, under_locust

SCENARIO = Scenario(
    name="troubled",
    title="Errors of every kind",
    question="Does every connection come back, however the request ends that had it?",
    phases=(
        Phase(name="warm-up", duration_s=0.4, arrivals=Arrivals(rate_per_s=20), behaviour="reader", warmup=True),
        Phase(name="errors", duration_s=4.0, arrivals=Arrivals(rate_per_s=90), behaviour="troubled"),
        Phase(
            name="cut",
            duration_s=3.0,
            arrivals=Arrivals(rate_per_s=90),
            behaviour="troubled",
            faults=(
                FaultSpec(kind="reset-peer", at_s=0.4, duration_s=0.8),
                FaultSpec(kind="proxy-down", at_s=1.6, duration_s=0.8),
            ),
        ),
        # Sessions without a statement: requests go on, and nobody needs a connection.
        Phase(name="rest", duration_s=1.6, users=2, behaviour="idler"),
    ),
    checks=(Check(kind="money-is-conserved"), Check(kind="no-leaked-connections")),
)

if under_locust():
    from scenarios import users

    class TroubledUser(users.Troubled):
        """`locust -f scenarios/troubled.py -H URL`, on a target of `targets/tutorial` that has /trouble."""
