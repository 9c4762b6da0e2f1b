"""Endpoints that raise while a connection is out, then plain reads: does an error take its connection along?"""

from scenarios.model import Arrivals, Check, Phase, Scenario, under_locust

SCENARIO = Scenario(
    name="raised",
    title="Errors in endpoints",
    question="How many connections do errors leave out, and is anything left for the requests after them?",
    phases=(
        Phase(name="warm-up", duration_s=0.4, arrivals=Arrivals(rate_per_s=20), behaviour="reader", warmup=True),
        Phase(name="errors", duration_s=3.2, arrivals=Arrivals(rate_per_s=60), behaviour="raiser"),
        Phase(name="reads", duration_s=1.6, arrivals=Arrivals(rate_per_s=40), behaviour="reader"),
    ),
    # With the usual timeout of 30 s nothing would be refused within the trial.
    pool={"pool_timeout_s": 0.2},
    checks=(Check(kind="no-leaked-connections"),),
)

if under_locust():
    from scenarios import users

    class RaisedUser(users.Raiser):
        """`locust -f scenarios/raised.py -H URL`, on a target of `targets/tutorial` that has /trouble."""
