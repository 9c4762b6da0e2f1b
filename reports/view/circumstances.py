"""What could tilt the comparison: the ledger, the settings, and where the run was done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from reports.summary import Ledger, LedgerRow, Summary
from reports.view.numbers import DASH, setting
from reports.view.table import Column, Table, table

SettingValue = int | float | str | bool | None
_GROUPS = {"package.": "Packages", "postgres.": "PostgreSQL's settings"}
FIRST_FACTS = {
    "cpu_model": "{}",
    "cpu_count": "{} cores",
    "memory_mib": "{} MiB of memory",
    "postgres": "PostgreSQL {}",
    "toxiproxy": "Toxiproxy {}",
    "python": "Python {}",
    "kernel": "kernel {}",
}
"""What of the environment bears most on the figures, as short phrases."""


def ledger_table(ledger: Ledger | None) -> Table | None:
    """The whole ledger of a scenario; rows that differ are marked."""
    if ledger is None:
        return None
    columns = (
        Column("name", "", "Circumstance", "name"),
        Column("differs", "differs", kind="word"),
        *(Column(f"of {name}", name, kind="setting", of_target=True) for name in ledger.targets),
    )
    rows = (
        {
            "name": row.name,
            "differs": "yes" if row.differs else "",
            **{
                f"of {name}": DASH if (value := row.values.get(name)) is None else value for name in ledger.targets
            },
        }
        for row in ledger.rows
    )
    return _marked(table(columns, rows), [row.differs for row in ledger.rows])


def _marked(found: Table, marks: list[bool]) -> Table:
    return replace(
        found, rows=tuple(replace(row, marked=mark) for row, mark in zip(found.rows, marks, strict=True))
    )


@dataclass(frozen=True, slots=True)
class TitledTable:
    """A table and the scenarios for which it holds."""

    titles: tuple[str, ...]
    table: Table


def ledgers(summary: Summary) -> tuple[TitledTable, ...]:
    """Each distinct ledger of fairness, with the titles of the scenarios for which it holds."""
    found: dict[Table, list[str]] = {}
    for scenario in summary.scenarios:
        if (shown := ledger_table(scenario.ledger)) is not None and shown.rows:
            found.setdefault(shown, []).append(scenario.title)
    return tuple(TitledTable(tuple(titles), shown) for shown, titles in found.items())


def ledger_lines(summary: Summary) -> Iterator[str]:
    """What differs among the targets, each difference once; with its scenarios if it does not hold in all."""
    scenarios_of: dict[str, list[str]] = {}
    for scenario in summary.scenarios:
        for row in scenario.ledger.rows if scenario.ledger else ():
            if row.differs:
                scenarios_of.setdefault(_difference(row), []).append(scenario.name)
    for line, scenarios in scenarios_of.items():
        everywhere = len(scenarios) == sum(scenario.ledger is not None for scenario in summary.scenarios)
        yield line if everywhere else f"{line} (in {', '.join(scenarios)})"


def _difference(row: LedgerRow) -> str:
    holders: dict[str, list[str]] = {}
    for target, value in row.values.items():
        if value is not None:
            holders.setdefault(value, []).append(target)
    told = (f"{value} in {', '.join(targets)}" for value, targets in holders.items())
    return f"{row.name}: {'; '.join(told)}"


def setting_table(summary: Summary) -> Table | None:
    """A row for each setting; those in which the targets differ are marked.

    Values are those of the first scenario that overrode nothing; overrides are told beside their scenario.
    """
    chosen: dict[str, Mapping[str, SettingValue]] = {}
    for scenario in sorted(summary.scenarios, key=lambda scenario: bool(scenario.pool_overrides)):
        for target in scenario.targets:
            if target.settings:
                chosen.setdefault(target.target, target.settings)
    names = list(dict.fromkeys(name for settings in chosen.values() for name in settings))
    values = {name: {t: chosen.get(t, {}).get(name) for t in summary.run.targets} for name in names}
    columns = (
        Column("name", "setting", "Setting", "name"),
        *(Column(f"of {name}", name, kind="setting", of_target=True) for name in summary.run.targets),
    )
    rows = ({"name": name, **{f"of {t}": setting(value) for t, value in values[name].items()}} for name in names)
    differ = [len({repr(value) for value in values[name].values()}) > 1 for name in names]
    return _marked(table(columns, rows), differ) if names else None


def environment_table(environment: Mapping[str, str]) -> Table:
    """Every fact."""
    columns = (Column("fact", "fact", kind="name"), Column("value", "value", kind="word"))
    return table(columns, ({"fact": name, "value": value} for name, value in environment.items()))


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts of one sort about the environment: name and value."""

    heading: str
    facts: tuple[tuple[str, str], ...]


def environment_groups(environment: Mapping[str, str]) -> tuple[Facts, ...]:
    """The machine first, then what has a group of its own by its name's beginning."""
    rest = tuple((name, value) for name, value in environment.items() if not name.startswith(tuple(_GROUPS)))
    groups = [Facts("Machine and versions", rest)]
    for prefix, heading in _GROUPS.items():
        facts = ((n.removeprefix(prefix), v) for n, v in environment.items() if n.startswith(prefix))
        groups.append(Facts(heading, tuple(facts)))
    return tuple(group for group in groups if group.facts)


def first_facts(environment: Mapping[str, str]) -> str:
    """FIRST_FACTS, as far as they are known, in one line."""
    return ", ".join(
        words.format(value) if not value.lower().startswith(words.split(" ", maxsplit=1)[0].lower()) else value
        for name, words in FIRST_FACTS.items()
        if (value := environment.get(name))
    )
