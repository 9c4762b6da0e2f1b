"""A pool is exhausted for three reasons, one after the other: which remedy cures which?

Slow statements at a rising rate; wide rows on a narrow link; hot reads from afar. (`scenarios.remedies_busy` has a
fourth, which takes the processors from the generator as well where all share them.) By Little's law a pool of P
connections, each held for h seconds, serves P / h requests a second: with 30 of them and 0.4 s each, that is 75.
"""

from scenarios.model import Arrivals, Check, FaultSpec, Phase, Scenario, under_locust

BEYOND_30_PER_S = 88
"""Above what 30 connections serve, below what AnyIO's 40 threads do."""
BEYOND_40_PER_S = 140
"""Above what 40 threads serve, below what 60 do."""
USUAL_THREADS, MORE_THREADS = 40, 60
"""That AnyIO has unless it is told otherwise, and that one of the remedies has."""
HOT_PER_S = 100
NARROW_KB_PER_S = 160
FAR_MS = 100
DEADLINE_MS = 800
"""What is answered later is not served: twice as long as a connection is held."""
_LOAD_S = 1.6


def _rest(number: int) -> Phase:
    """What is queued is worked off, so that no reason takes over the requests of the one before. Hot users are
    read meanwhile: what is hot is in a cache already.
    """
    reads = Arrivals(rate_per_s=30)
    return Phase(name=f"rest-{number}", duration_s=1.0, arrivals=reads, behaviour="hot-reader", warmup=True)


def _fault(kind: str, **settings: int) -> FaultSpec:
    """For all of a phase but its end, at which the answers under way are the next phase's affair."""
    return FaultSpec(kind=kind, at_s=0.0, duration_s=_LOAD_S, settings=settings)


_BEYOND_30 = Arrivals(rate_per_s=BEYOND_30_PER_S)

SCENARIO = Scenario(
    name="remedies",
    title="Three reasons for an exhausted pool",
    question="Which remedy cures which reason for exhaustion?",
    phases=(
        Phase(
            name="warm-up",
            duration_s=0.8,
            arrivals=Arrivals(rate_per_s=60),
            behaviour="slow-caller",
            warmup=True,
        ),
        Phase(name="slow", duration_s=_LOAD_S, arrivals=_BEYOND_30, behaviour="slow-caller"),
        Phase(
            name="slower",
            duration_s=_LOAD_S,
            arrivals=Arrivals(rate_per_s=BEYOND_40_PER_S),
            behaviour="slow-caller",
        ),
        _rest(1),
        Phase(
            name="wide",
            duration_s=_LOAD_S,
            arrivals=_BEYOND_30,
            behaviour="browser",
            faults=(_fault("bandwidth", rate_kb_per_s=NARROW_KB_PER_S),),
        ),
        _rest(2),
        Phase(
            name="far",
            duration_s=_LOAD_S,
            arrivals=Arrivals(rate_per_s=HOT_PER_S),
            behaviour="hot-reader",
            faults=(_fault("latency", latency_ms=FAR_MS),),
        ),
        _rest(3),
        # Who knows what each answer must be finds each stale one.
        Phase(name="books", duration_s=1.2, users=4, behaviour="bookkeeper"),
    ),
    # As in the scenario exhaustion: with the usual timeout of 30 s nothing would be refused within the trial.
    pool={"pool_timeout_s": 0.1},
    checks=(Check(kind="money-is-conserved"), Check(kind="no-leaked-connections")),
    drain_s=5.0,
)

if under_locust():
    from scenarios import users

    class RemediesUser(users.SlowCaller):
        """`locust -f scenarios/remedies.py -H URL`: raise the number of users by hand in the web UI."""
