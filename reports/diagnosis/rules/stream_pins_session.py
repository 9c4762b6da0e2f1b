"""stream-pins-session: connections are out while responses are sent, for as long as clients listen."""

from __future__ import annotations

from statistics import fmean

from reports.diagnosis.evidence import Evidence, Source
from reports.diagnosis.figures import mean_told, moments_of, sessions_of, under_load
from reports.diagnosis.rule import CannotTell, Rule, Seen

OF_THOSE_OUT = 0.5
"""So many of the connections that are out belong to responses that have begun."""
OF_THE_POOL = 0.5
"""So much of the pool they take at their most."""


def look(evidence: Evidence) -> Seen | CannotTell | None:
    """Seen where most of what is out is out for responses that are on their way."""
    pinned, streaming = mean_told(evidence, "out_after_response"), mean_told(evidence, "streaming")
    if pinned is None or streaming is None:
        return CannotTell("this probe does not tell of responses that have begun")
    out = fmean([one.checked_out for one in under_load(evidence, evidence.pool)] or [0])
    most = max((one.out_after_response or 0 for one in under_load(evidence, evidence.inside)), default=0)
    limit = evidence.limit
    if pinned < OF_THOSE_OUT * out or pinned < OF_THOSE_OUT or streaming < OF_THOSE_OUT * pinned:
        return None
    if most < (2 if limit is None else OF_THE_POOL * limit):
        return None
    said = [
        f"{pinned:.1f} of the {out:.1f} connections that were out on average belonged to responses that had "
        "begun, "
        f"up to {most}" + ("" if limit is None else f" of the {limit} that may be out"),
        f"{streaming:.1f} responses were being sent on average",
    ]
    if (sessions := sessions_of(evidence)) and sessions.busy:
        share = sessions.idle_in_transaction / sessions.busy
        said.append(f"PostgreSQL saw {share:.0%} of the sessions in use wait in a transaction, with no statement")
    return Seen(
        said=tuple(said),
        moments=moments_of(
            evidence.inside,
            lambda one: (one.out_after_response or 0) >= OF_THE_POOL * (limit or 2),
            "out for responses that are being sent",
        ),
        ruled_out=("no leak: these requests had not ended",),
    )


RULE = Rule(
    id="stream-pins-session",
    title="A streamed response keeps its connection for as long as its client listens",
    needs=(frozenset({Source.POOL, Source.INSIDE}),),
    remedy=(
        "Read what is to be sent, and close the session, before the response begins: "
        '`Depends(get_db, scope="function")`, or a session opened and closed within the endpoint or generator for '
        "each page"
    ),
    look=look,
    explained_by=("leak-on-error", "leak-feedback"),
)
