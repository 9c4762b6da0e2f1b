"""Whether a load's two accounts agree: what the generator began, and what the recorder wrote. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from harness.load.messages import Done
from harness.records import Outcome


def unaccounted(account: Done) -> str:
    """In words, for the user, which requests are missing from the record and why; empty where none is.

    Every request that was started must have been recorded with an outcome, or still be under way.
    """
    return "; ".join(_complaints(account))


def _complaints(account: Done) -> Iterator[str]:
    if account.failure:
        yield account.failure
    ended, recorded = sum(account.requests.values()), sum(account.recorded.values())
    if account.started != ended + account.under_way:
        yield (
            f"{account.started} requests were started, of which {ended} ended and {account.under_way} were still "
            "under way"
        )
    if recorded != ended:
        yield f"{ended} requests ended and {recorded} are in the record"
    elif _nonzero(account.requests) != _nonzero(account.recorded):
        yield f"requests ended as {_told(account.requests)} and are recorded as {_told(account.recorded)}"


def _nonzero(counts: dict[Outcome, int]) -> dict[Outcome, int]:
    return {outcome: count for outcome, count in counts.items() if count}


def _told(counts: dict[Outcome, int]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(_nonzero(counts).items())) or "none"
