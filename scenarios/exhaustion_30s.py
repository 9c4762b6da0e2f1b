"""Thirty connections held for longer than the usual timeout of 30 s, and five users more: what do those get?"""

from scenarios.model import Check, Phase, Scenario, under_locust

USERS = 35

SCENARIO = Scenario(
    name="exhaustion-30s",
    title="Exhaustion with a timeout of 30 s",
    question="After how long is a request refused that finds no connection?",
    phases=(Phase(name="held", duration_s=34.0, users=USERS, behaviour="long-holder"),),
    checks=(Check(kind="exhausts"), Check(kind="no-leaked-connections")),
    request_timeout_s=90.0,
    drain_s=45.0,  # those that took the places of the first hold theirs as long again
)

if under_locust():
    from scenarios import users

    class LongExhaustionUser(users.LongHolder):
        """`locust -f scenarios/exhaustion_30s.py -H URL -u 35`."""
