"""loop-blocked: the event loop itself waits for the database, and all requests with it."""

from __future__ import annotations

from reports.diagnosis.evidence import Evidence, Source
from reports.diagnosis.figures import STARVED, app_cores, at, in_flight, load_s, not_starved, told, under_load
from reports.diagnosis.rule import CannotTell, Rule, Seen
from reports.summary import Sureness

CALLS_EACH = 0.1
"""So many synchronous calls in the loop for each request: one at the start is no habit."""
SHARE = 0.02
"""So much of the time the loop has to stand still for them."""
ONE_AT_WORK = 0.95
OVERLAPPING = 0.25
"""Without a probe: so often several requests are under way while a statement runs, and never a second one."""
FEW_FAILURES = 0.05
NOT_ITS_OWN = 0.5
"""A route that takes less than this share of another's time, at its fastest, does not do the other's work."""


def look(evidence: Evidence) -> Seen | CannotTell | None:
    """The probe counts the calls; without it one statement at a time and slow routes without any tell."""
    if evidence.has(Source.INSIDE) and told(evidence, "in_loop") is not None:
        return _by_probe(evidence)
    if evidence.has(Source.SESSIONS, Source.PROCESS):
        return _from_outside(evidence)
    return CannotTell("this probe does not tell of synchronous calls in an event loop")


def _by_probe(evidence: Evidence) -> Seen | None:
    calls = told(evidence, "in_loop") or 0
    still_ms = told(evidence, "in_loop_ms") or 0
    share = still_ms / 1000 / load_s(evidence)
    if calls < CALLS_EACH * evidence.requests or share < SHARE:
        return None
    said = [
        f"{calls} synchronous calls to the database in {evidence.requests} requests were made in the event "
        f"loop's own thread, and it stood still for them for {share:.0%} of the time",
    ]
    if lag_ms := max((one.lag_max_ms or 0 for one in under_load(evidence, evidence.inside)), default=0):
        said.append(f"the loop was late by up to {lag_ms:.0f} ms, and with it every request")
    if evidence.pool:
        said.append(f"never more than {max(one.checked_out_max for one in evidence.pool)} connections were out")
    return Seen(said=tuple(said), ruled_out=not_starved(evidence))


def _from_outside(evidence: Evidence) -> Seen | CannotTell | None:
    readings = under_load(evidence, evidence.sessions)
    moments = in_flight(evidence)
    cores = app_cores(evidence)
    if not readings or cores is None or cores > STARVED:
        return None
    alone = sum(one.active <= 1 for one in readings) / len(readings)
    waited_for = sum(one.active == 1 and at(moments, one.t_ns) >= 2 for one in readings) / len(readings)
    if alone < ONE_AT_WORK or waited_for < OVERLAPPING:
        return None
    if evidence.failures().total > FEW_FAILURES * evidence.requests:
        return None
    times = {name: evidence.successes(operation=name).quantiles_ms(100, 900) for name in evidence.operations}
    whole = {name: (low, high) for name, (low, high) in times.items() if low is not None and high is not None}
    if len(whole) < 2:
        return CannotTell("there is only one route, and a pool of one connection would look the same")
    quick = min(whole, key=lambda name: whole[name][0])
    slow = max(whole, key=lambda name: whole[name][0])
    (quick_ms, waits_ms), (slow_ms, _) = whole[quick], whole[slow]
    if quick_ms > NOT_ITS_OWN * slow_ms or waits_ms < NOT_ITS_OWN * slow_ms:
        return None
    return Seen(
        said=(
            f"never more than one statement was at work, and in {waited_for:.0%} of the readings one was "
            "while several requests were under way",
            f"{quick} takes {quick_ms:.0f} ms at its best (p10), and {waits_ms:.0f} ms (p90) among requests "
            f"of {slow}, which takes {slow_ms:.0f} ms itself",
        ),
        sure=Sureness.LIKELY,
        ruled_out=not_starved(evidence),
    )


RULE = Rule(
    id="loop-blocked",
    title="The event loop waits for the database: a synchronous session in `async def`",
    needs=(frozenset({Source.INSIDE}), frozenset({Source.SESSIONS, Source.PROCESS})),
    remedy=(
        "Declare the endpoints and dependencies that use a synchronous session as `def`, so that threads "
        "wait; or use AsyncSession with an asynchronous driver and await every call"
    ),
    look=look,
)
