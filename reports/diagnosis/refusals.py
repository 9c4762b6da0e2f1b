"""How often PostgreSQL refused a connection, from whoever tells of it."""

from __future__ import annotations

from reports.diagnosis.evidence import Evidence

TOO_MANY = "53300"


def refused_by_server(evidence: Evidence) -> int | None:
    """Connections that it had no room for; None where neither the app nor its log is known."""
    if evidence.server_errors is not None:
        return evidence.server_errors.get(TOO_MANY, 0)
    told = [one.errors.get(TOO_MANY, 0) for one in evidence.inside if one.errors is not None]
    return max(told) if told else None
