"""`poolstorm claims` as a user runs it, with real parts."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from reports.claims import ClaimsReport, RulingVerdict
from tests.integration.command import COMMAND, poolstorm, under_way

pytestmark = pytest.mark.integration

ONE = ("claims", "--only", "transfer-atomic", "--quick")


def rulings(folder: Path) -> ClaimsReport:
    return ClaimsReport.model_validate_json((folder / "rulings.json").read_text())


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("claims") / "out"
    ended = poolstorm(*ONE, "-o", folder)
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False), ended.stderr
    return folder


def test_the_tutorials_transfer_is_caught_and_the_locking_one_is_not(measured: Path) -> None:
    (ruling,) = rulings(measured).rulings
    assert (ruling.claim, ruling.verdict) == ("transfer-atomic", RulingVerdict.REFUTED)
    by_name = {figure.name: figure for figure in ruling.figures}
    assert by_name["money made or lost where rows are locked"].value == 0
    assert by_name["money made or lost by the tutorial's transfer"].value != 0
    assert (by_name["transfers by it"].value or 0) >= 400


def test_the_page_links_to_reports_that_are_there(measured: Path) -> None:
    page = (measured / "claims.html").read_text()
    assert 'href="transfers/report.html"' in page
    assert (measured / "transfers" / "report.html").is_file()


def test_what_was_measured_is_ruled_on_anew(measured: Path, tmp_path: Path) -> None:
    ended = poolstorm("claims", "--from", measured, "--only", "transfer-atomic", "-o", tmp_path / "again")
    assert ended.returncode == 0
    assert rulings(measured) == rulings(tmp_path / "again")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--only", "transfer-atomik"), "did you mean 'transfer-atomic'"),
        (("--from", "."), "no claims.json"),
        (("--from", "nowhere"), "no claims.json"),
    ],
)
def test_what_is_no_claim_is_one_line(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    ended = poolstorm("claims", *words, "-o", tmp_path / "out")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert said in ended.stderr
    assert not (tmp_path / "out").exists()


def test_an_interruption_keeps_what_had_been_measured(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with under_way([*COMMAND, *ONE, "-o", folder]) as process:
        deadline_s = time.monotonic() + 120
        while not list(folder.glob("transfers/trials/0*")):
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in said
    (ruling,) = rulings(folder).rulings
    assert ruling.verdict is RulingVerdict.INCONCLUSIVE
    assert ruling.trials == 1
