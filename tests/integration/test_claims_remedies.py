"""The remedies for an exhausted pool as `poolstorm claims` runs and rules on them, with real parts."""

from __future__ import annotations

import pytest

from reports.claims import ClaimsReport, Figure, RulingVerdict
from tests.integration.command import poolstorm

pytestmark = [pytest.mark.integration, pytest.mark.slow]

CLAIMS = ("remedy-bigger-pool", "remedy-shorter-hold", "remedy-cache", "recommended")
WIDE = "wide rows on a narrow link"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> ClaimsReport:
    folder = tmp_path_factory.mktemp("claims") / "out"
    chosen = [word for claim in CLAIMS for word in ("--only", claim)]
    ended = poolstorm("claims", *chosen, "--quick", "-o", folder, timeout_s=400)
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False), ended.stderr
    return ClaimsReport.model_validate_json((folder / "rulings.json").read_text())


def figures(report: ClaimsReport, claim: str, where: str) -> dict[str, Figure]:
    (ruling,) = (ruling for ruling in report.rulings if ruling.claim == claim)
    found = {figure.name: figure for figure in ruling.figures if figure.where == where}
    assert found, ruling.said
    return found


def test_no_remedy_cures_statements_that_come_faster_than_threads_serve_them(report: ClaimsReport) -> None:
    verdicts = {ruling.claim: (ruling.verdict, ruling.said) for ruling in report.rulings}
    for claim in ("remedy-bigger-pool", "remedy-shorter-hold", "remedy-cache"):
        verdict, said = verdicts[claim]
        assert verdict is RulingVerdict.REFUTED, said
        assert "slow statements, 140/s" in said.partition("did not cure")[2]


def test_a_connection_is_held_for_less_time_where_fewer_columns_are_fetched(report: ClaimsReport) -> None:
    whole = figures(report, "remedy-shorter-hold", f"{WIDE}; 10+20")
    fewer = figures(report, "remedy-shorter-hold", f"{WIDE}; 10+20, fewer columns")
    assert (fewer["connection held, median"].value or 0) < (whole["connection held, median"].value or 0) / 4
    assert (fewer["refused"].value, (whole["refused"].value or 0) > 0) == (0, True)
    assert (fewer["connections out at most"].value or 0) < (whole["connections out at most"].value or 0)


def test_only_the_cache_shows_old_balances(report: ClaimsReport) -> None:
    stale = "reads of the old balance after an own acknowledged write"
    assert (figures(report, "remedy-cache", "10+20, cached reads")[stale].value or 0) > 0
    assert figures(report, "remedy-cache", "10+20")[stale].value == 0
