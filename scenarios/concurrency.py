"""Few and then many users who each hold a connection, on a pool wide enough for all: what else is a limit?"""

from scenarios.model import Check, Phase, Scenario, under_locust

FEW, MANY = 8, 80

SCENARIO = Scenario(
    name="concurrency",
    title="Requests at once",
    question="How many requests hold a connection at the same time, and what do they cost in threads?",
    phases=(
        Phase(name="few", duration_s=1.6, users=FEW, behaviour="holder"),
        Phase(name="many", duration_s=2.4, users=MANY, behaviour="holder"),
    ),
    # Wide enough for all, so that something else is the limit.
    pool={"pool_size": 90, "max_overflow": 0},
    checks=(Check(kind="no-leaked-connections"),),
)

if under_locust():
    from scenarios import users

    class ConcurrencyUser(users.Holder):
        """`locust -f scenarios/concurrency.py -H URL -u 80`, on a pool of as many."""
