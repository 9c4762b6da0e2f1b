"""A load that grows beyond what 10+20 connections serve, then one that is there at once: who tells first?

By Little's law 30 connections held for 0.4 s each serve 75 requests a second. The usual load needs twenty of them.
"""

from scenarios.model import Arrivals, Check, Phase, Scenario, under_locust

USUAL_PER_S, RISEN_PER_S, BURST_PER_S = 50, 150, 200

SCENARIO = Scenario(
    name="monitoring",
    title="Exhaustion, foreseen or not",
    question="Do the pool's gauges tell of exhaustion before users do?",
    phases=(
        Phase(
            name="warm-up",
            duration_s=0.8,
            arrivals=Arrivals(rate_per_s=USUAL_PER_S),
            behaviour="slow-caller",
            warmup=True,
        ),
        Phase(name="usual", duration_s=2.0, arrivals=Arrivals(rate_per_s=USUAL_PER_S), behaviour="slow-caller"),
        Phase(
            name="rising",
            duration_s=4.0,
            arrivals=Arrivals(process="ramp", rate_per_s=USUAL_PER_S, to_rate_per_s=RISEN_PER_S),
            behaviour="slow-caller",
        ),
        # What is queued is worked off, so that the burst meets a pool with places left.
        Phase(name="rest", duration_s=3.0, arrivals=Arrivals(rate_per_s=10), behaviour="slow-caller", warmup=True),
        Phase(name="burst", duration_s=1.2, arrivals=Arrivals(rate_per_s=BURST_PER_S), behaviour="slow-caller"),
    ),
    # As in the scenario exhaustion: with the usual timeout of 30 s nothing would be refused within the trial.
    pool={"pool_timeout_s": 0.5},
    checks=(Check(kind="exhausts"), Check(kind="no-leaked-connections")),
    in_flight_cap=1000,  # more than are sent in all, so that none is kept back by a service that stands still
    drain_s=5.0,
)

if under_locust():
    from scenarios import users

    class MonitoringUser(users.SlowCaller):
        """`locust -f scenarios/monitoring.py -H URL`: raise the number of users by hand in the web UI."""
