"""A pool is exhausted by reports that the database's processors cannot keep up with: what no pool cures.

A scenario of its own: where the generator shares these processors it may start late, and its trial be invalid.
"""

from scenarios.model import Arrivals, Check, Phase, Scenario, under_locust

REPORTS_PER_S = 70

SCENARIO = Scenario(
    name="remedies-busy",
    title="Reports that keep the database busy",
    question="Does any pool serve more where the database's processors are what is short?",
    phases=(
        Phase(name="warm-up", duration_s=0.8, users=1, behaviour="reporter", warmup=True),
        Phase(name="busy", duration_s=1.6, arrivals=Arrivals(rate_per_s=REPORTS_PER_S), behaviour="reporter"),
    ),
    pool={"pool_timeout_s": 0.1},
    checks=(Check(kind="no-leaked-connections"),),
    drain_s=5.0,
)

if under_locust():
    from scenarios import users

    class RemediesBusyUser(users.Reporter):
        """`locust -f scenarios/remedies_busy.py -H URL`, on a target of `targets/tutorial` that has /report."""
