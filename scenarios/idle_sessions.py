"""Twenty users who each have a Session, first without a statement, then after one: who has a connection?"""

from scenarios.model import Check, Phase, Scenario, under_locust

USERS = 20

SCENARIO = Scenario(
    name="idle-sessions",
    title="Sessions that do nothing",
    question="Does a Session have a connection from its creation on, or from its first statement?",
    phases=(
        Phase(name="warm-up", duration_s=0.4, users=2, behaviour="idler", warmup=True),
        Phase(name="created", duration_s=2.0, users=USERS, behaviour="idler"),
        Phase(name="used", duration_s=2.0, users=USERS, behaviour="late-idler"),
    ),
    checks=(Check(kind="no-leaked-connections"),),
)

if under_locust():
    from scenarios import users

    class IdleSessionsUser(users.Idler):
        """`locust -f scenarios/idle_sessions.py -H URL -u 20`, on one of `targets/tutorial` that has /idle."""
