"""A rising ladder of users who each hold a connection: where does the pool run out, and how does it say so?"""

from scenarios.model import Check, Phase, Scenario, under_locust

STEPS = (10, 20, 30, 40, 60, 80, 110)

SCENARIO = Scenario(
    name="exhaustion",
    title="Exhaustion",
    question="At how many requests at once does the pool run out, and what do clients see then?",
    phases=(
        Phase(name="warm-up", duration_s=0.6, users=2, behaviour="holder", warmup=True),
        *(Phase(name=f"users-{users}", duration_s=1.0, users=users, behaviour="holder") for users in STEPS),
    ),
    # Held for 500 ms each: with the usual timeout of 30 s nothing would be refused within the trial.
    pool={"pool_timeout_s": 0.1},
    checks=(Check(kind="exhausts"), Check(kind="no-leaked-connections")),
)

if under_locust():
    from scenarios import users
    from scenarios.shape import PhaseShape

    class ExhaustionUser(users.Holder):
        """`locust -f scenarios/exhaustion.py -H URL` climbs the same ladder."""

    class ExhaustionLadder(PhaseShape):
        abstract = False
        scenario = SCENARIO
