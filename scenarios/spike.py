"""A burst on a pool at rest: who opens connections in the request's own time, and how long is the queue?"""

from scenarios.model import Arrivals, Check, Phase, Scenario, under_locust

QUIET = Arrivals(rate_per_s=20)

SCENARIO = Scenario(
    name="spike",
    title="Spike",
    question="What does a sudden burst cost, and how long until it is forgotten?",
    phases=(
        Phase(name="warm-up", duration_s=1.0, arrivals=QUIET, warmup=True),
        Phase(name="before", duration_s=1.5, arrivals=QUIET),
        Phase(name="burst", duration_s=1.0, arrivals=Arrivals(process="poisson", rate_per_s=250)),
        Phase(name="after", duration_s=3.5, arrivals=QUIET),
    ),
    checks=(
        Check(kind="no-errors-outside-faults"),
        Check(kind="money-is-conserved"),
        Check(kind="no-leaked-connections"),
    ),
)

if under_locust():
    from scenarios import users

    class SpikeUser(users.Mixed):
        """`locust -f scenarios/spike.py -H URL`: raise and lower the number of users in the web UI."""
