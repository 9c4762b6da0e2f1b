"""Twelve users who know what each answer must be: transfers between accounts of their own, read back at once."""

from scenarios.model import Check, Phase, Scenario, under_locust

BOOKKEEPERS = 12

SCENARIO = Scenario(
    name="bookkeepers",
    title="Bookkeepers",
    question="Is every answer right, to the user asked for and to the cent?",
    phases=(
        Phase(name="warm-up", duration_s=0.4, users=2, behaviour="bookkeeper", warmup=True),
        Phase(name="books", duration_s=5.0, users=BOOKKEEPERS, behaviour="bookkeeper"),
    ),
    checks=(Check(kind="money-is-conserved"),),
)

if under_locust():
    from scenarios import users

    class BookkeepersUser(users.Bookkeeper):
        """`locust -f scenarios/bookkeepers.py -H URL -u 12`."""
