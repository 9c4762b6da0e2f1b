"""Eight tellers on eight accounts: transfers that meet each other. Is any money made or lost?"""

from scenarios.model import Check, Phase, Scenario, under_locust

TELLERS = 8

SCENARIO = Scenario(
    name="tellers",
    title="Tellers on few accounts",
    question="Is money made or lost where transfers meet on the same accounts?",
    phases=(
        Phase(name="warm-up", duration_s=0.5, users=2, behaviour="crowded-teller", warmup=True),
        Phase(name="crowded", duration_s=4.0, users=TELLERS, behaviour="crowded-teller"),
    ),
    checks=(Check(kind="money-is-conserved"), Check(kind="no-leaked-connections")),
)

if under_locust():
    from scenarios import users

    class TellersUser(users.CrowdedTeller):
        """`locust -f scenarios/tellers.py -H URL -u 8`."""
