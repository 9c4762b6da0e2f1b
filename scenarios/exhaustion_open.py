"""A rising ladder of arrivals that each hold a connection, whatever became of the ones before: an open workload.

The closed ladder (`scenarios.exhaustion`) slows down with the target, as its users wait for their answers. These
arrivals do not, so that a queue which cannot be worked off shows as what it is: by Little's law a pool of P
connections, each held for h seconds, serves P / h requests a second and no more.
"""

from scenarios.model import Arrivals, Check, Phase, Scenario, under_locust

RATES_PER_S = (20, 40, 55, 70, 90, 130, 200)
"""Held for 0.5 s each, that is 10 to 100 connections at once."""

SCENARIO = Scenario(
    name="exhaustion-open",
    title="Exhaustion under open arrivals",
    question="At which rate does the pool run out, and what do clients see when the load does not give way?",
    phases=(
        Phase(name="warm-up", duration_s=0.8, arrivals=Arrivals(rate_per_s=4), behaviour="holder", warmup=True),
        *(
            Phase(name=f"rate-{rate}", duration_s=1.5, arrivals=Arrivals(rate_per_s=rate), behaviour="holder")
            for rate in RATES_PER_S
        ),
    ),
    # As in the closed ladder: with the usual timeout of 30 s nothing would be refused within the trial.
    pool={"pool_timeout_s": 0.1},
    checks=(Check(kind="exhausts"), Check(kind="no-leaked-connections")),
    drain_s=5.0,  # what waits for a thread at the end is worked off at 80 a second
)

if under_locust():
    from scenarios import users

    class ExhaustionOpenUser(users.Holder):
        """`locust -f scenarios/exhaustion_open.py -H URL`: raise the number of users by hand in the web UI."""
