"""The tutorial's systems as `poolstorm claims --quick` runs and rules on them, with real parts."""

from __future__ import annotations

import pytest

from reports.claims import ClaimsReport, Figure, RulingVerdict
from tests.integration.command import poolstorm

pytestmark = [pytest.mark.integration, pytest.mark.slow]

CLAIMS = (
    "session-takes-connection",
    "session-closed-returns",
    "leak",
    "shared-session",
    "slow-query-log",
    "prewarm",
    "exhaustion-error",
    "async-def-sync-session",
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> ClaimsReport:
    folder = tmp_path_factory.mktemp("claims") / "out"
    chosen = [word for claim in CLAIMS for word in ("--only", claim)]
    ended = poolstorm("claims", *chosen, "--quick", "-o", folder, timeout_s=400)
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False), ended.stderr
    return ClaimsReport.model_validate_json((folder / "rulings.json").read_text())


def figures(report: ClaimsReport, claim: str, where: str = "") -> dict[str, Figure]:
    (ruling,) = (ruling for ruling in report.rulings if ruling.claim == claim)
    return {figure.name: figure for figure in ruling.figures if figure.where == where}


def verdict(report: ClaimsReport, claim: str) -> tuple[RulingVerdict, str]:
    (ruling,) = (ruling for ruling in report.rulings if ruling.claim == claim)
    return ruling.verdict, ruling.said


def test_a_session_takes_no_connection_before_its_first_statement(report: ClaimsReport) -> None:
    found = verdict(report, "session-takes-connection")
    assert found[0] is RulingVerdict.REFUTED, found
    before = figures(report, "session-takes-connection", "no statement yet")
    after = figures(report, "session-takes-connection", "after one statement")
    assert (before["connections taken"].value, before["connections out at once"].value) == (0, 0)
    assert before["at once"].value == 20
    assert after["connections taken"].value == after["requests with a Session"].value
    assert after["connections out at once"].value == 20


def test_closing_in_a_finally_block_gives_every_connection_back(report: ClaimsReport) -> None:
    found = verdict(report, "session-closed-returns")
    assert found[0] is RulingVerdict.SUPPORTED, found
    assert figures(report, "session-closed-returns")["connections out at the end"].value == 0


def test_an_error_leaks_for_good_only_where_nothing_collects_it(report: ClaimsReport) -> None:
    found = verdict(report, "leak")
    assert found[0] is RulingVerdict.REFUTED, found
    for form in ("the same, last exceptions kept", "the same, garbage collection off"):
        kept = figures(report, "leak", form)
        assert (kept["errors raised"].value, kept["connections out at the end"].value) == (30, 30)
        assert kept["reads served afterwards"].value == 0
    plain = figures(report, "leak", "closed only on success")
    assert plain["requests refused"].value == 0
    assert 1 <= (plain["connections out at most"].value or 0) < 30
    for cure in ("closed in a finally block", "closed by a with block"):
        assert figures(report, "leak", cure)["connections out at the end"].value == 0


def test_one_session_for_all_answers_wrongly_and_one_for_each_does_not(report: ClaimsReport) -> None:
    found = verdict(report, "shared-session")
    assert found[0] is RulingVerdict.SUPPORTED, found
    own = figures(report, "shared-session", "a session for each request")
    wrong = ("another user than asked for", "balances that were wrong", "transfers acknowledged and not stored")
    assert [own[name].value for name in wrong] == [0, 0, 0]
    shared = figures(report, "shared-session", "one session for all")
    assert sum(shared[name].value or 0 for name in wrong) > 0
    assert (shared["connections at once"].value or 0) <= 2  # one, and one that an error has spoilt


def test_the_slow_query_log_misses_what_fails_and_what_is_streamed(report: ClaimsReport) -> None:
    found = verdict(report, "slow-query-log")
    assert found[0] is RulingVerdict.REFUTED, found
    tutorial = figures(report, "slow-query-log", "as the tutorial writes it")
    with_errors = figures(report, "slow-query-log", "with a listener for errors")
    for kind in ("300 ms, then an error", "300 ms, then the server's timeout"):
        assert tutorial[f"reported of {kind}"].value == 0
        assert with_errors[f"reported of {kind}"].value == with_errors[f"statements of {kind}"].value
    assert tutorial["reported of 300 ms"].value == tutorial["statements of 300 ms"].value
    assert tutorial["reported of 300 ms, fetched row by row"].value == 0


def test_warming_the_pool_to_its_size_spares_the_first_requests_their_connects(report: ClaimsReport) -> None:
    found = verdict(report, "prewarm")
    assert found[0] is RulingVerdict.SUPPORTED, found
    opened = "opened by 10 first requests at once"
    assert figures(report, "prewarm", "cold start")[opened].value == 10
    assert figures(report, "prewarm", "one SELECT 1 at the start")[opened].value == 9
    assert figures(report, "prewarm", "pool_size connections at the start")[opened].value == 0


def test_beyond_the_last_connection_requests_are_refused_by_the_pool_s_timeout(report: ClaimsReport) -> None:
    found = verdict(report, "exhaustion-error")
    assert found[0] is RulingVerdict.SUPPORTED, found
    assert figures(report, "exhaustion-error", "30 at once, def endpoints in 40 threads")["refused"].value == 0
    assert "Of all refusals 100 % were the pool's own error" in found[1]


def test_a_synchronous_session_in_coroutines_serves_one_at_a_time(report: ClaimsReport) -> None:
    found = verdict(report, "async-def-sync-session")
    assert found[0] is RulingVerdict.REFUTED, found
    at_once = figures(report, "async-def-sync-session", "8, then 80 users, async def, Session")
    assert at_once["statements in the database at once"].value == 1
