"""When does a Session take its connection, and does it come back however the request ends?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records import DatabaseReading, GeneratorReading, PoolReading
from reports.claims.base import Figure, RulingVerdict
from reports.claims.evidence import Evidence, MissingEvidenceError
from reports.claims.rules import Found, rules_on
from reports.claims.trials import (
    between,
    count_of,
    figure_over,
    pool_at_end,
    pool_before,
    requests_of,
    span_ns,
    within,
)
from reports.read import Trial

EXPERIMENT, TARGET = "sessions", "get-db"
IDLE, TROUBLED = "idle-sessions", "troubled"
FEWEST_REQUESTS = 20
"""In a phase of a trial; fewer show nothing."""
FEWEST_READINGS = 3
"""Of the pool in a phase; and the last of them in its last part, for what came later is in none."""
LAST_PART = 0.5
FEWEST_OF_A_KIND = 5
"""Errors of each kind in a trial."""
KINDS = {
    "raised": "the endpoint raised",
    "read_nobody": "404",
    "overdraw": "refused within a transaction",
    "taken_address": "refused by a constraint",
    "bad_statement": "a statement failed",
    "bad_input": "input refused after a dependency's read",
    "hang_up": "the client hung up",
}
"""What ended in an error, by operation."""
ENDED_AS = {
    "raised": "internal-error",
    "read_nobody": "not-found",
    "overdraw": "insufficient-funds",
    "taken_address": "conflict",
    "bad_statement": "internal-error",
    "bad_input": "invalid-input",
    "hang_up": "client-timeout",
}
"""How: whoever was refused a connection, or met a service that was gone, had no such error."""
LOST = "the connection was lost"


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Requests of one phase, and the connections that were taken and out meanwhile."""

    requests: int
    at_once: int
    taken: int
    out: int
    backends: int


@rules_on("session-takes-connection")
def session_takes_connection(evidence: Evidence) -> Found:
    """Refuted where requests had a Session and none took a connection, as long as none had executed anything."""
    measured = evidence.of(EXPERIMENT)
    trials = measured.require_trials(IDLE, TARGET)
    created = [_created(trial) for trial in trials]
    used = [_used(trial) for trial in trials]
    figures = (
        *_figures(created, "no statement yet"),
        *_figures(used, "after one statement"),
    )
    held, taken = [part.requests for part in created], [part.taken for part in created]
    if any(part.taken < 0 for part in (*created, *used)):
        raise MissingEvidenceError("the count of connections taken went back within a trial")
    if any(part.out and not part.taken for part in created):
        said = "Connections were out that nobody had taken by the pool's account, so that it cannot be believed."
        return Found(RulingVerdict.INCONCLUSIVE, said, figures=figures)
    if any(part.taken < part.requests for part in used):
        said = "Not even with a statement did each request take a connection, so that nothing can be told."
        return Found(RulingVerdict.INCONCLUSIVE, said, figures=figures)
    if not any(taken):
        return Found(
            RulingVerdict.REFUTED,
            f"{between(held)} requests had a Session, {between([part.at_once for part in created])} at once, and "
            "took no connection; after its first statement each had one.",
            condition=(
                "A Session takes its connection at its first statement, and has it from then on while it does "
                f"nothing: {between([part.out for part in used])} were out at once."
            ),
            figures=figures,
        )
    said = f"{between(held)} requests that had a Session and no statement took {between(taken)} connections."
    every = all(part.taken >= part.requests for part in created)
    return Found(RulingVerdict.SUPPORTED if every else RulingVerdict.INCONCLUSIVE, said, figures=figures)


def _created(trial: Trial) -> _Stretch:
    after = within(trial, "created", PoolReading, FEWEST_READINGS)[-1]
    start_ns, end_ns = span_ns(trial, "created")
    if after.t_ns < start_ns + LAST_PART * (end_ns - start_ns):
        raise MissingEvidenceError(f"the pool was not read in the last part of created of {trial.record.spec.id}")
    taken = after.checkouts_total - pool_before(trial, "created").checkouts_total
    return _stretch(trial, "created", taken)


def _used(trial: Trial) -> _Stretch:
    """Up to the end: what was sent in this phase may be answered after it."""
    taken = pool_at_end(trial).checkouts_total - pool_before(trial, "used").checkouts_total
    return _stretch(trial, "used", taken)


def _stretch(trial: Trial, phase: str, taken: int) -> _Stretch:
    requests = count_of(requests_of(trial), lambda ended: (ended.phase, ended.outcome) == (phase, "ok"))
    if requests < FEWEST_REQUESTS:
        raise MissingEvidenceError(f"only {requests} requests in {phase}, of {FEWEST_REQUESTS} at least")
    return _Stretch(
        requests=requests,
        at_once=max(reading.in_flight for reading in within(trial, phase, GeneratorReading)),
        taken=taken,
        out=max(reading.checked_out for reading in within(trial, phase, PoolReading)),
        backends=max(reading.total for reading in within(trial, phase, DatabaseReading)),
    )


def _figures(stretches: Sequence[_Stretch], where: str) -> tuple[Figure, ...]:
    return (
        figure_over("requests with a Session", [part.requests for part in stretches], where=where),
        figure_over("at once", [part.at_once for part in stretches], where=where),
        figure_over("connections taken", [part.taken for part in stretches], where=where),
        figure_over("connections out at once", [part.out for part in stretches], where=where),
        figure_over("sessions in PostgreSQL", [part.backends for part in stretches], where=where),
    )


@rules_on("session-closed-returns")
def session_closed_returns(evidence: Evidence) -> Found:
    """Supported where nothing is out after errors of every kind, in the pool's account and in PostgreSQL's."""
    measured = evidence.of(EXPERIMENT)
    trials = measured.require_trials(TROUBLED, TARGET)
    errors = [_errors(trial) for trial in trials]
    ends = [pool_at_end(trial) for trial in trials]
    backends = [within(trial, "rest", DatabaseReading)[-1] for trial in trials]
    out, kept = [end.checked_out for end in ends], [end.opened_total - end.closed_total for end in ends]
    if not all(end.opened_total for end in ends) or min(kept) < 0:
        raise MissingEvidenceError(
            "the pool's account has no connection that was opened, or more closed than that"
        )
    busy = [backend.total - backend.idle for backend in backends]
    figures = (
        *(figure_over(f"errors: {kind}", [found[kind] for found in errors]) for kind in (*KINDS.values(), LOST)),
        figure_over("connections out at the end", out),
        figure_over("PostgreSQL's sessions at work or in a transaction at rest", busy),
        figure_over("PostgreSQL's sessions at rest", [backend.total for backend in backends]),
        figure_over("connections opened", [end.opened_total for end in ends]),
        figure_over("connections kept open", kept),
    )
    total = between([sum(found.values()) for found in errors])
    if any(out) or any(busy) or any(count > end.size for count, end in zip(kept, ends, strict=True)):
        said = f"After {total} errors {between(out)} connections were out, and {between(busy)} in a transaction."
        return Found(RulingVerdict.REFUTED, said, figures=figures)
    said = (
        f"After {total} errors of {len(KINDS) + 1} kinds no connection was out, nor was a transaction left open."
    )
    condition = (
        "A Session of a def endpoint. A lost connection does not come back, but its place does: another is opened."
    )
    return Found(RulingVerdict.SUPPORTED, said, condition, figures)


def _errors(trial: Trial) -> dict[str, int]:
    requests = requests_of(trial)
    found = {
        kind: count_of(
            requests,
            lambda ended, operation=operation: (  # type: ignore[misc]
                (ended.phase, ended.operation, ended.kind) == ("errors", operation, ENDED_AS[operation])
                and ended.outcome != "ok"
            ),
        )
        for operation, kind in KINDS.items()
    }
    found[LOST] = count_of(requests, lambda ended: (ended.phase, ended.kind) == ("cut", "database-unavailable"))
    for kind, count in found.items():
        if count < FEWEST_OF_A_KIND:
            raise MissingEvidenceError(f"only {count} errors of the kind {kind!r}, of {FEWEST_OF_A_KIND} at least")
    return found
