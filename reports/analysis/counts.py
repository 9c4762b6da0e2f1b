"""What one request costs in statements, connections, transactions and processor time: figures without jitter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.records import HostReading, Outcome, PoolReading
from reports.analysis.folding import ALL, Observed
from reports.analysis.spread import spread_of, within
from reports.read import Trial
from reports.summary import Count, Counts

_PROCESSORS = {
    "app": "target_cpu_ms",
    "generator": "generator_cpu_ms",
    "proxy": "proxy_cpu_ms",
    "primary": "database_cpu_ms",
}
"""Part -> field of `Counts`."""
_TOTALS = {
    "statements": "statements_total",
    "checkouts": "checkouts_total",
    "opened": "opened_total",
    "invalidated": "invalidated_total",
    "pings": "pings_total",
}


@dataclass(frozen=True, slots=True)
class _Share:
    """So many of something, for so many requests, in one trial."""

    amount: float
    requests: int


def counts(observed: Sequence[Observed]) -> Counts | None:
    """All repetitions together; None where no target counted its requests and no processor time is known."""
    per_trial = [_trial_shares(one) for one in observed]
    names = dict.fromkeys(name for shares in per_trial for name in shares)
    if not names:
        return None
    found = {name: _count([shares[name] for shares in per_trial if name in shares]) for name in names}
    requests = sum(shares["statements"].requests for shares in per_trial if "statements" in shares)
    return Counts(requests=requests, **found)


def _count(shares: Sequence[_Share]) -> Count:
    return Count(
        per_request=sum(share.amount for share in shares) / sum(share.requests for share in shares),
        interval=within(spread_of([share.amount / share.requests for share in shares]), 0),
    )


def _trial_shares(one: Observed) -> dict[str, _Share]:
    shares: dict[str, _Share] = {}
    trial, record = one.trial, one.trial.record
    before, after = _before_load(trial), record.pool_at_end
    if before is not None and after is not None and after.requests_total > before.requests_total:
        requests = after.requests_total - before.requests_total
        for name, field in _TOTALS.items():
            shares[name] = _Share(getattr(after, field) - getattr(before, field), requests)
    # Both sides count from the target's start to its end; runs recorded without the one have no other figure.
    served = record.requests_served or (after.requests_total if after is not None else None)
    if record.transactions is not None and served:
        shares["transactions"] = _Share(record.transactions, served)
    ended = sum(
        fold.outcomes.total() - fold.outcomes[Outcome.ABORTED.value]
        for (_, operation), fold in one.fold.phases.items()
        if operation == ALL
    )
    if ended:
        spent_s = processor_s(trial)
        shares.update(
            {field: _Share(1000 * spent_s[part], ended) for part, field in _PROCESSORS.items() if part in spent_s}
        )
    return shares


def _before_load(trial: Trial) -> PoolReading | None:
    """The last account before the first request; failing that the first of all."""
    readings = trial.readings_of(PoolReading)
    return next(
        (reading for reading in reversed(readings) if reading.t_ns <= 0), readings[0] if readings else None
    )


def processor_s(trial: Trial) -> Mapping[str, float]:
    """Seconds that each part used during the load: as recorded, else between the first and last host reading.

    A part that was not watched, such as a database elsewhere, is recorded as 0 and left out.
    """
    spent_s = trial.record.cpu_s
    if not spent_s:
        host = trial.readings_of(HostReading)
        if len(host) > 1:
            first, last = host[0].cpu_s, host[-1].cpu_s
            spent_s = {part: last[part] - first[part] for part in last if part in first}
    return {name: seconds for name, seconds in spent_s.items() if seconds > 0}
