"""Rulings: one system a file, one function a statement. A file under this folder is found by itself."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence

from reports.claims.base import ClaimsReport, Ruling, RulingVerdict
from reports.claims.evidence import Evidence, MissingEvidenceError
from reports.claims.rules import RULES
from reports.claims.statements import STATEMENTS, Statement
from reports.files import reason_of

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

UNMEASURED = "No experiment of this version measures it."


def rule_all(evidence: Evidence, only: Sequence[str] | None = None) -> ClaimsReport:
    """Rule on every statement, or on those named. One that lacks evidence, or whose rule fails, is inconclusive
    and says why.
    """
    record = evidence.record
    first = next(iter(evidence.measured.values()), None)
    return ClaimsReport(
        claims_id=record.claims_id,
        created_at=record.created_at,
        poolstorm_version=record.poolstorm_version,
        quick=record.quick,
        state=record.state.value,
        reason=record.reason,
        environment=first.summary.run.environment if first else {},
        rulings=tuple(
            _ruled(statement, evidence) for statement in STATEMENTS.values() if not only or statement.id in only
        ),
    )


def _ruled(statement: Statement, evidence: Evidence) -> Ruling:
    behind = [name for name in statement.experiments if name in evidence.measured]
    ruling = Ruling(
        claim=statement.id,
        statement=statement.text,
        verdict=RulingVerdict.INCONCLUSIVE,
        said=UNMEASURED,
        runs=tuple(behind),
        trials=sum(evidence.measured[name].usable for name in behind),
    )
    rule = RULES.get(statement.id)
    if rule is None:
        return ruling
    try:
        found = rule(evidence)
    except MissingEvidenceError as error:
        said = str(error)
        return ruling.model_copy(update={"said": f"{said[:1].upper()}{said[1:]}."})
    except Exception as error:  # no rule takes the others down
        said = f"The rule could not be applied ({type(error).__name__}: {reason_of(error)})."
        return ruling.model_copy(update={"said": said})
    return ruling.model_copy(
        update={
            "verdict": found.verdict,
            "said": found.said,
            "condition": found.condition,
            "figures": found.figures,
            "turns": found.turns,
        }
    )
