"""The steady load under which a gate sets base and head side by side: so little that both fit on a machine."""

from scenarios.model import Arrivals, Check, Phase, Scenario, under_locust

SCENARIO = Scenario(
    name="gate",
    title="Side by side",
    question="Does the head answer as fast as the base, at the same cost?",
    phases=(
        Phase(name="warm-up", duration_s=2.0, arrivals=Arrivals(rate_per_s=60), warmup=True),
        Phase(name="steady", duration_s=8.0, arrivals=Arrivals(rate_per_s=60)),
    ),
    checks=(
        Check(kind="no-errors-outside-faults"),
        Check(kind="money-is-conserved"),
        Check(kind="no-leaked-connections"),
    ),
)

if under_locust():
    from scenarios import users

    class GateUser(users.Mixed):
        """`locust -f scenarios/gate.py -H URL`: each user sends five requests a second."""
