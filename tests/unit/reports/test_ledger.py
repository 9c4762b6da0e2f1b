"""The ledger lists what could tilt the comparison, and marks what differs among the compared targets."""

from __future__ import annotations

from pathlib import Path

from reports.analyse import analyse
from reports.formats import terminal
from reports.read import read_run
from reports.summary import Ledger, Summary
from scenarios.model import Scenario
from tests.unit.reports.builder import (
    ENVIRONMENT,
    Request,
    TrialBuilder,
    one_phase,
    reseal,
    target_info,
    write_run,
)

SCENARIO = Scenario(name="plain", title="Plain", question="?", phases=(one_phase(duration_s=4),))
Settings = dict[str, int | float | str | bool | None]
POOL: Settings = {
    "pool_size": 10,
    "max_overflow": 20,
    "pool_timeout_s": 30.0,
    "pre_ping": True,
    "connect_timeout_s": None,
    "threadpool_tokens": 40,
}
NO_POOL: Settings = {**dict.fromkeys(POOL), "threadpool_tokens": 40}


def summary_of(path: Path, settings: dict[str, Settings], twins: dict[str, str] | None = None) -> Summary:
    built = []
    for name, own in settings.items():
        trial = TrialBuilder(SCENARIO, target_info(name, own, (twins or {}).get(name)))
        trial.mark_phases()
        trial.requests.append(Request("steady", 1, 10))
        built.append(trial)
    return analyse(read_run(write_run(path / "run", built)))


def ledger_of(summary: Summary) -> Ledger:
    found = summary.scenarios[0].ledger
    assert found is not None
    return found


def values(ledger: Ledger, name: str) -> tuple[dict[str, str | None], bool]:
    row = next(row for row in ledger.rows if row.name == name)
    return row.values, row.differs


def test_how_targets_log_in_is_among_what_differs(tmp_path: Path) -> None:
    built = []
    for name, login in (("a", "trust"), ("b", "tls")):
        trial = TrialBuilder(SCENARIO, target_info(name, POOL).model_copy(update={"login": login}))
        trial.mark_phases()
        trial.requests.append(Request("steady", 1, 10))
        built.append(trial)

    ledger = ledger_of(analyse(read_run(write_run(tmp_path / "run", built))))

    assert values(ledger, "login") == ({"a": "trust", "b": "tls"}, True)


def test_connections_allowed_are_those_of_all_processes(tmp_path: Path) -> None:
    ledger = ledger_of(summary_of(tmp_path, {"a": POOL, "b": {**POOL, "processes": 4}, "c": NO_POOL}))

    assert values(ledger, "connections allowed") == ({"a": "30", "b": "120", "c": "no limit"}, True)
    assert values(ledger, "server processes") == ({"a": "1", "b": "4", "c": "1"}, True)


def test_setting_that_does_not_apply_is_no_difference(tmp_path: Path) -> None:
    ledger = ledger_of(summary_of(tmp_path, {"a": POOL, "c": NO_POOL}))

    assert values(ledger, "pool timeout (s)") == ({"a": "30", "c": None}, False)
    assert values(ledger, "pre ping") == ({"a": "on", "c": None}, False)


def test_timeout_that_is_not_set_is_the_drivers(tmp_path: Path) -> None:
    ledger = ledger_of(summary_of(tmp_path, {"a": POOL, "b": {**POOL, "connect_timeout_s": 3}}))

    assert values(ledger, "connect timeout (s)") == ({"a": "driver's own", "b": "3"}, True)


def test_driver_comes_with_its_version_where_it_is_known(tmp_path: Path) -> None:
    built = TrialBuilder(SCENARIO, target_info("a", POOL))
    built.mark_phases()
    run = write_run(tmp_path / "run", [built])
    environment = ENVIRONMENT.model_copy(update={"packages": {"psycopg2-binary": "2.9.13"}})
    reseal(run / "manifest.json", environment=environment.model_dump(mode="json"))

    assert values(ledger_of(analyse(read_run(run))), "driver") == ({"a": "psycopg2 2.9.13"}, False)


def test_repeated_target_is_not_compared(tmp_path: Path) -> None:
    ledger = ledger_of(summary_of(tmp_path, {"a": POOL, "a-again": {**POOL, "pool_size": 11}}, {"a-again": "a"}))

    assert values(ledger, "pool size") == ({"a": "10", "a-again": "11"}, False)


def test_terminal_lists_what_differs_and_nothing_else(tmp_path: Path) -> None:
    text = terminal.render(summary_of(tmp_path, {"a": POOL, "b": {**POOL, "pool_timeout_s": 5.0}}))

    _, _, after = text.partition("What differs among the targets\n")
    assert after.splitlines()[:2] == ["  pool timeout (s): 30 in a; 5 in b", ""]
