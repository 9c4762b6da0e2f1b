"""Steady load, nothing broken: what each pool costs when all is well."""

from scenarios.model import Arrivals, Check, Phase, Scenario, under_locust

SCENARIO = Scenario(
    name="baseline",
    title="Steady load",
    question="What does a request cost in each target when nothing is wrong?",
    phases=(
        Phase(name="warm-up", duration_s=1.2, arrivals=Arrivals(rate_per_s=60), warmup=True),
        Phase(name="steady", duration_s=4.0, arrivals=Arrivals(process="poisson", rate_per_s=60)),
    ),
    checks=(
        Check(kind="no-errors-outside-faults"),
        Check(kind="money-is-conserved"),
        Check(kind="no-leaked-connections"),
    ),
)

if under_locust():
    from scenarios import users

    class BaselineUser(users.Mixed):
        """`locust -f scenarios/baseline.py -H URL`: each user sends five requests a second."""
