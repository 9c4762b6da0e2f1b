"""The rulings on threads and coroutines, from synthetic runs."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from harness.records import DatabaseReading, GapReading, HostReading
from reports.claims.base import RulingVerdict
from reports.claims.evidence import Evidence, MissingEvidenceError
from reports.claims.rules import Rule
from reports.claims.rulings.concurrency import async_def_sync_session, async_more_concurrency
from scenarios.concurrency import SCENARIO
from tests.unit.reports.builder import Request, TrialBuilder, ns, pool_reading, target_info
from tests.unit.reports.claims.support import evidence_of


class Seen(NamedTuple):
    """Statements at once, threads, requests served and readings missed."""

    at_work: int
    threads: int | None
    served: int
    missed: int = 0


USUAL = {
    "sync-pool": Seen(40, 49, 200),
    "sync-pool-threads": Seen(80, 87, 390),
    "async-pool": Seen(80, 1, 340),
    "async-def-sync": Seen(1, 5, 0, 11),
}

USUAL_ORDER = list(USUAL)


def trial(target: str, seen: Seen, repetition: int, looks: int = 6) -> TrialBuilder:
    made = TrialBuilder(SCENARIO, target_info(target), repetition=repetition)
    made.mark_phases()
    made.requests += [Request("many", 2.0, 520.0, operation="hold") for _ in range(seen.served)]
    made.readings += [pool_reading(3.0, seen.at_work, limit=90)]
    for at_ns in (ns(2.0 + 0.2 * number) for number in range(looks)):
        made.readings += [
            DatabaseReading(t_ns=at_ns, active=seen.at_work, idle=0, idle_in_transaction=0, total=seen.at_work),
            HostReading(t_ns=at_ns, cpu_percent=10.0, steal_percent=0.0, app_threads=seen.threads),
        ]
    made.readings += [GapReading(t_ns=ns(3.0), of="pool", reason="no answer") for _ in range(seen.missed)]
    return made


def evidence(tmp_path: Path, looks: int = 6, **changes: Seen) -> Evidence:
    seen = {**USUAL, **{name.replace("_", "-"): each for name, each in changes.items()}}
    trials = [trial(target, each, number, looks) for target, each in seen.items() for number in (1, 2, 3)]
    return evidence_of(tmp_path, {"concurrency": trials})


def test_more_at_once_in_fewer_threads_supports_it_and_says_what_threads_could(tmp_path: Path) -> None:
    found = async_more_concurrency(evidence(tmp_path))
    assert found.verdict is RulingVerdict.SUPPORTED
    assert "Of 80 users 80 had a statement in the database at once with AsyncSession, and 40 with" in found.said
    assert "With 80 threads def endpoints had 80 at once, too, in 87 threads" in found.condition


@pytest.mark.parametrize("coroutines", [Seen(44, 1, 340), Seen(80, 30, 340)], ids=["no more", "as many threads"])
def test_one_half_alone_does_not(tmp_path: Path, coroutines: Seen) -> None:
    assert async_more_concurrency(evidence(tmp_path, async_pool=coroutines)).verdict is RulingVerdict.REFUTED


def test_one_statement_at_a_time_refutes_a_synchronous_session_in_coroutines(tmp_path: Path) -> None:
    found = async_def_sync_session(evidence(tmp_path))
    assert found.verdict is RulingVerdict.REFUTED
    assert (
        "With 80 users at most 1 had a statement in the database at once, and 0 requests were served" in found.said
    )
    assert "11 readings of /health/db were missing, 0 with def endpoints" in found.condition


def test_statements_side_by_side_support_it(tmp_path: Path) -> None:
    found = async_def_sync_session(evidence(tmp_path, async_def_sync=Seen(12, 5, 60)))
    assert found.verdict is RulingVerdict.SUPPORTED


def test_what_holds_in_one_repetition_only_is_not_settled(tmp_path: Path) -> None:
    odd = [trial(target, seen, number) for target, seen in USUAL.items() for number in (1, 2, 3)]
    odd[USUAL_ORDER.index("async-pool") * 3] = trial("async-pool", Seen(44, 1, 340), 1)
    odd[USUAL_ORDER.index("async-def-sync") * 3] = trial("async-def-sync", Seen(2, 5, 12), 1)
    of = evidence_of(tmp_path / "odd", {"concurrency": odd})
    assert async_more_concurrency(of).verdict is RulingVerdict.INCONCLUSIVE
    assert async_def_sync_session(of).verdict is RulingVerdict.INCONCLUSIVE


def test_a_control_that_served_nobody_and_threads_that_nobody_counted_show_nothing(tmp_path: Path) -> None:
    with pytest.raises(MissingEvidenceError, match="fewer than 10 requests were served by def endpoints"):
        async_def_sync_session(evidence(tmp_path / "idle", sync_pool=Seen(40, 49, 9)))
    with pytest.raises(MissingEvidenceError, match="threads were not read"):
        async_more_concurrency(evidence(tmp_path / "blind", async_pool=Seen(80, None, 340)))


NOBODY = Seen(0, 1, 0)


def test_a_side_on_which_nobody_was_served_compares_with_nothing(tmp_path: Path) -> None:
    for changed in (
        evidence(tmp_path / "threads", sync_pool=NOBODY),
        evidence(tmp_path / "more", sync_pool_threads=NOBODY),
        evidence(tmp_path / "coroutines", async_pool=NOBODY),
    ):
        with pytest.raises(MissingEvidenceError, match="fewer than 10 requests were served by"):
            async_more_concurrency(changed)


def test_nobody_served_on_any_side_shows_nothing(tmp_path: Path) -> None:
    with pytest.raises(MissingEvidenceError, match="fewer than 10 requests were served by def endpoints"):
        async_more_concurrency(evidence(tmp_path, sync_pool=NOBODY, sync_pool_threads=NOBODY, async_pool=NOBODY))


def test_statements_that_nobody_saw_are_no_fewer_at_once(tmp_path: Path) -> None:
    with pytest.raises(MissingEvidenceError, match="no statement of def endpoints was seen in the database"):
        async_more_concurrency(evidence(tmp_path, sync_pool=Seen(0, 49, 200)))


@pytest.mark.parametrize("rule", [async_more_concurrency, async_def_sync_session])
def test_the_most_of_a_few_looks_says_little(tmp_path: Path, rule: Rule) -> None:
    with pytest.raises(MissingEvidenceError, match="the database was read 4 times in many"):
        rule(evidence(tmp_path, looks=4))


def test_statements_side_by_side_that_served_nobody_support_nothing(tmp_path: Path) -> None:
    with pytest.raises(MissingEvidenceError, match="fewer than 10 requests were served by async def, Session"):
        async_def_sync_session(evidence(tmp_path, async_def_sync=Seen(12, 5, 3)))
