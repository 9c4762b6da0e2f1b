"""Does one session for all requests return inconsistent data?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records import Outcome
from reports.claims.base import Figure, RulingVerdict
from reports.claims.evidence import Evidence, Measured, MissingEvidenceError
from reports.claims.rules import Found, rules_on
from reports.claims.trials import between, count_of, figure_over, pool_at_end, requests_of
from reports.read import Trial

EXPERIMENT, SCENARIO = "shared-session", "bookkeepers"
SHARED, OWN = "shared-session", "orm-transfer"
FEWEST_READS = 100
"""That were answered, in a trial; that none of fewer was wrong would show nothing."""
FEWEST_TRANSFERS = 20
"""That were acknowledged, in a trial without a wrong answer: where no balance changes, none can be wrong."""
READS = frozenset({"read_own", "read_user"})


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the bookkeepers of one trial saw."""

    answered: int
    wrong_users: int
    wrong_balances: int
    errors: int
    lost: int
    transfers: int
    moved_cents: int
    connections: int

    @property
    def wrong(self) -> int:
        """Answers that were not what they had to be, and transfers that were acknowledged and are not there."""
        return self.wrong_users + self.wrong_balances + self.lost


@rules_on("shared-session")
def shared_session(evidence: Evidence) -> Found:
    """Supported where answers were wrong with one session, each of which is a proof, and none was with a session
    for each request; refuted where none was in any trial.
    """
    measured = evidence.of(EXPERIMENT)
    shared, own = _seen(measured, SHARED), _seen(measured, OWN)
    figures = (*_figures(shared, "one session for all"), *_figures(own, "a session for each request"))
    condition = (
        "def endpoints, whose threads share the session. With a session for each request, and the same transfer, "
        "no answer was wrong and no request failed."
    )
    if any(seen.wrong or seen.errors or seen.moved_cents for seen in own):
        said = (
            "Answers were wrong or missing with a session for each request, too, so that sharing explains nothing."
        )
        return Found(RulingVerdict.INCONCLUSIVE, said, figures=figures)
    _require_transfers(OWN, own)
    errors = between([seen.errors for seen in shared])
    if all(seen.wrong for seen in shared):
        said = (
            f"Of {between([seen.answered for seen in shared])} reads answered by one session, with "
            f"{between([seen.connections for seen in shared])} connections out at most, "
            f"{between([seen.wrong_balances + seen.wrong_users for seen in shared])} were wrong; "
            f"{between([seen.lost for seen in shared])} acknowledged transfers were not stored, and {errors} "
            "requests failed."
        )
        return Found(RulingVerdict.SUPPORTED, said, condition, figures)
    if not any(seen.wrong for seen in shared):
        _require_transfers(SHARED, shared)
        said = f"No answer was wrong; {errors} requests failed."
        return Found(RulingVerdict.REFUTED, said, condition, figures)
    said = f"Answers were wrong in {sum(bool(seen.wrong) for seen in shared)} of {len(shared)} trials."
    return Found(RulingVerdict.SUPPORTED, said, condition, figures)


def _require_transfers(target: str, seen: Sequence[_Seen]) -> None:
    if (fewest := min(one.transfers for one in seen)) < FEWEST_TRANSFERS:
        raise MissingEvidenceError(
            f"only {fewest} transfers of {target} were acknowledged, of {FEWEST_TRANSFERS} at least"
        )


def _seen(measured: Measured, target: str) -> Sequence[_Seen]:
    return [_of(trial, target) for trial in measured.require_trials(SCENARIO, target)]


def _of(trial: Trial, target: str) -> _Seen:
    requests, bank = requests_of(trial), trial.record.bank
    if bank is None:
        raise MissingEvidenceError(f"the money was not counted in trial {trial.record.spec.id}")
    wrong_users, wrong_balances = (
        count_of(requests, lambda ended, kind=kind: ended.kind == kind)  # type: ignore[misc]
        for kind in ("wrong-user", "wrong-balance")
    )
    right = count_of(requests, lambda ended: ended.operation in READS and ended.outcome == Outcome.OK)
    answered = right + wrong_users + wrong_balances
    if answered < FEWEST_READS:
        raise MissingEvidenceError(f"only {answered} reads of {target} were answered, of {FEWEST_READS} at least")
    return _Seen(
        answered=answered,
        wrong_users=wrong_users,
        wrong_balances=wrong_balances,
        errors=count_of(
            requests,
            lambda ended: (
                ended.outcome not in (Outcome.OK, Outcome.ABORTED)
                and ended.kind not in ("wrong-user", "wrong-balance", "insufficient-funds")
            ),
        ),
        transfers=bank.transfers_acknowledged,
        lost=max(0, bank.transfers_acknowledged - bank.transfers_stored),
        moved_cents=bank.total_after_cents - bank.total_before_cents,
        connections=pool_at_end(trial).checked_out_max,
    )


def _figures(seen: Sequence[_Seen], where: str) -> tuple[Figure, ...]:
    return (
        figure_over("reads answered", [one.answered for one in seen], where=where),
        figure_over("another user than asked for", [one.wrong_users for one in seen], where=where),
        figure_over("balances that were wrong", [one.wrong_balances for one in seen], where=where),
        figure_over("transfers acknowledged", [one.transfers for one in seen], where=where),
        figure_over("requests that failed", [one.errors for one in seen], where=where),
        figure_over("transfers acknowledged and not stored", [one.lost for one in seen], where=where),
        figure_over("money made or lost", [one.moved_cents for one in seen], "cents", where=where),
        figure_over("connections at once", [one.connections for one in seen], where=where),
    )
