"""phantom-success: a COMMIT fails after the client was told that all is well."""

from __future__ import annotations

from reports.diagnosis.evidence import Evidence, Source
from reports.diagnosis.figures import told
from reports.diagnosis.rule import CannotTell, Rule, Seen


def look(evidence: Evidence) -> Seen | CannotTell | None:
    """One is enough: a write was acknowledged that is not there."""
    lost, late = told(evidence, "commits_failed_late"), told(evidence, "commits_late") or 0
    if lost is None:
        return CannotTell("this probe does not tell when transactions are committed")
    if not lost:
        return None
    failed = told(evidence, "commits_failed") or lost
    return Seen(
        said=(
            f"{late} COMMITs began after their request's response had, and {lost} of these failed: their "
            "clients had been told that it was done",
            f"{failed} COMMITs failed in all",
        ),
        ruled_out=("no failed request: these were answered before",),
    )


RULE = Rule(
    id="phantom-success",
    title="Writes are acknowledged before they are committed, and some are not there",
    needs=(frozenset({Source.INSIDE}),),
    remedy=(
        "Commit in the endpoint, before it returns; or have the dependency that commits end before the "
        "response is "
        'sent (`Depends(get_db, scope="function")`)'
    ),
    look=look,
)
