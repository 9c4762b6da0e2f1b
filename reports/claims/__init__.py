"""The tutorial's statements, each ruled on by what was measured: runs in, rulings out. Pure but for reading."""

from __future__ import annotations

from reports.claims.base import ClaimsReport, Figure, Ruling, RulingVerdict, Turn
from reports.claims.evidence import read_evidence
from reports.claims.rulings import rule_all

__all__ = ["ClaimsReport", "Figure", "Ruling", "RulingVerdict", "Turn", "read_evidence", "rule_all"]
