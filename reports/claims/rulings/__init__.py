"""Rulings: one system a file, one function a statement. A file under this folder is found by itself."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence

from reports.claims.base import ClaimsReport, Ruling, RulingVerdict
from reports.claims.evidence import Evidence, MissingEvidenceError
from reports.claims.rules import RULES, Found
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
    own = evidence.afresh()
    try:
        found = _found(statement, own)
    except MissingEvidenceError as error:
        said = str(error)
        found = Found(RulingVerdict.INCONCLUSIVE, f"{said[:1].upper()}{said[1:]}.")
        own = evidence.afresh()  # what there is, is told whole where it was too little
    behind = [own.measured[name] for name in statement.experiments if name in own.measured]
    counted = [measured.counted() for measured in behind]
    return Ruling(
        claim=statement.id,
        statement=statement.text,
        verdict=found.verdict,
        said=found.said,
        condition=" ".join(filter(None, (found.condition, _not_tried(statement, own)))),
        figures=found.figures,
        turns=found.turns,
        runs=tuple(measured.name for measured in behind),
        trials=sum(usable for usable, _ in counted),
        planned=sum(planned for _, planned in counted),
    )


def _found(statement: Statement, evidence: Evidence) -> Found:
    """What the rule says. Raises MissingEvidenceError, also where an experiment of the statement's is lost."""
    rule = RULES.get(statement.id)
    if rule is None:
        return Found(RulingVerdict.INCONCLUSIVE, UNMEASURED)
    for name in statement.experiments:
        if name in evidence.missing:
            raise MissingEvidenceError(_lost(name, evidence.missing[name]))
    try:
        return rule(evidence)
    except MissingEvidenceError:
        raise
    except Exception as error:  # no rule takes the others down
        said = f"The rule could not be applied ({type(error).__name__}: {reason_of(error)})."
        return Found(RulingVerdict.INCONCLUSIVE, said)


def _lost(name: str, why: str) -> str:
    return why if why.startswith(f"the experiment {name} ") else f"the experiment {name} cannot be used: {why}"


def _not_tried(statement: Statement, evidence: Evidence) -> str:
    """Experiments that nobody planned, beside others that were carried out."""
    planned = evidence.record.planned
    left_out = [name for name in statement.experiments if name not in planned]
    if not left_out or len(left_out) == len(statement.experiments):
        return ""
    by_quick = ", which --quick leaves out" if evidence.record.quick else ""
    return f"Not tried: the experiment {', '.join(left_out)}{by_quick}."
