"""The appendix: settings, what could tilt the comparison, and where the run was done."""

from __future__ import annotations

from collections.abc import Mapping

from reports.summary import Ledger, Summary

SettingValue = int | float | str | bool | None
SettingRow = tuple[str, tuple[SettingValue, ...], bool]


def setting_rows(summary: Summary) -> tuple[SettingRow, ...]:
    """Setting, its value for each target of the run, and whether the targets differ.

    Values are those of the first scenario that overrode nothing; overrides are told beside their scenario.
    """
    chosen: dict[str, Mapping[str, SettingValue]] = {}
    for scenario in sorted(summary.scenarios, key=lambda scenario: bool(scenario.pool_overrides)):
        for target in scenario.targets:
            if target.settings:
                chosen.setdefault(target.target, target.settings)
    names = dict.fromkeys(name for settings in chosen.values() for name in settings)
    rows = []
    for name in names:
        values = tuple(chosen.get(target, {}).get(name) for target in summary.run.targets)
        rows.append((name, values, len({repr(value) for value in values}) > 1))
    return tuple(rows)


def ledgers(summary: Summary) -> tuple[tuple[tuple[str, ...], Ledger], ...]:
    """Each distinct ledger of fairness, with the titles of the scenarios for which it holds."""
    found: list[tuple[list[str], Ledger]] = []
    for scenario in summary.scenarios:
        if scenario.ledger is None or not scenario.ledger.rows:
            continue
        same = next((titles for titles, ledger in found if ledger == scenario.ledger), None)
        if same is None:
            found.append(([scenario.title], scenario.ledger))
        else:
            same.append(scenario.title)
    return tuple((tuple(titles), ledger) for titles, ledger in found)


_GROUPS = (("package.", "Packages"), ("postgres.", "PostgreSQL's settings"))


def environment_groups(environment: Mapping[str, str]) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Heading and facts: the machine first, then what has a group of its own by its name's beginning."""
    rest = tuple(
        (name, value) for name, value in environment.items() if not name.startswith(tuple(p for p, _ in _GROUPS))
    )
    groups = [("Machine and versions", rest)]
    for prefix, heading in _GROUPS:
        facts = ((n.removeprefix(prefix), v) for n, v in environment.items() if n.startswith(prefix))
        groups.append((heading, tuple(facts)))
    return tuple((heading, facts) for heading, facts in groups if facts)
