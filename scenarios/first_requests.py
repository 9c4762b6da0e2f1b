"""Ten requests at once to a service that has just started, then twenty: which of them have to connect?"""

from scenarios.model import Check, Phase, Scenario, under_locust

FIRST_USERS, BEYOND_USERS = 10, 20

SCENARIO = Scenario(
    name="first-requests",
    title="First requests",
    question="How many of the first requests open a connection, and what does that cost them?",
    phases=(
        Phase(name="first", duration_s=1.4, users=FIRST_USERS, behaviour="holder"),
        Phase(name="beyond", duration_s=1.4, users=BEYOND_USERS, behaviour="holder"),
    ),
    checks=(Check(kind="no-errors-outside-faults"), Check(kind="no-leaked-connections")),
)

if under_locust():
    from scenarios import users

    class FirstRequestsUser(users.Holder):
        """`locust -f scenarios/first_requests.py -H URL -u 10`, right after the service's start."""
