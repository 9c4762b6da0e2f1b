"""The fairness ledger: everything known that could tilt a comparison of targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from harness.records import TargetInfo, TrialRecord
from reports.summary import Ledger, LedgerRow
from scenarios.model import Scalar

Settings = Mapping[str, Scalar | None]

_DRIVER_PACKAGES = {"psycopg2": ("psycopg2-binary", "psycopg2"), "asyncpg": ("asyncpg",)}
_OWN_ROWS = frozenset({"processes", "driver", "target"})


def ledger(records: Mapping[str, TrialRecord], packages: Mapping[str, str]) -> Ledger | None:
    """`records` holds one trial of each target that told its settings; None where there is none.

    The first rows are worked out, the others are the settings as the targets report them, under their own names
    in words.
    """
    if not records:
        return None
    rules: dict[str, Callable[[TrialRecord], str | None]] = {
        "connections allowed": lambda record: _allowed(record.target.settings),
        "server processes": lambda record: str(record.target.settings.get("processes", 1)),
        "driver": lambda record: _driver(record.target, packages),
        "login": lambda record: record.target.login,
        "load processes": lambda record: str(record.workers),
    }
    names = dict.fromkeys(name for record in records.values() for name in record.target.settings)
    for name in names:
        if name not in _OWN_ROWS:
            rules[in_words(name)] = lambda record, name=name: _setting(name, record.target.settings)  # type: ignore[misc]
    compared = [target for target, record in records.items() if record.target.repeats is None]
    rows = [_row(name, rule, records, compared) for name, rule in rules.items()]
    return Ledger(targets=tuple(records), rows=tuple(row for row in rows if any(row.values.values())))


def in_words(setting: str) -> str:
    """`pool_timeout_s` as `pool timeout (s)`."""
    stem, _, unit = setting.rpartition("_")
    return f"{stem.replace('_', ' ')} ({unit})" if stem and unit in ("s", "ms") else setting.replace("_", " ")


def _row(
    name: str,
    rule: Callable[[TrialRecord], str | None],
    records: Mapping[str, TrialRecord],
    compared: Sequence[str],
) -> LedgerRow:
    values = {target: rule(record) for target, record in records.items()}
    different = {values[target] for target in compared} - {None}
    return LedgerRow(name=name, values=values, differs=len(different) > 1)


def _allowed(settings: Settings) -> str | None:
    """Pooled and overflowing connections of all processes."""
    if "pool_size" not in settings:
        return None
    size, overflow = settings["pool_size"], settings.get("max_overflow")
    if not isinstance(size, int) or size == 0:
        return "no limit"
    if not isinstance(overflow, int) or overflow < 0:
        return "no limit"
    processes = settings.get("processes", 1)
    return str((size + overflow) * (processes if isinstance(processes, int) else 1))


def _driver(info: TargetInfo, packages: Mapping[str, str]) -> str | None:
    if not info.driver:
        return None
    names = _DRIVER_PACKAGES.get(info.driver, (info.driver,))
    version = next((packages[name] for name in names if name in packages), "")
    return f"{info.driver} {version}".strip()


def _setting(name: str, settings: Settings) -> str | None:
    """None where it does not apply; a connect timeout that is not set is the driver's own affair."""
    value = settings.get(name)
    if value is None:
        return "driver's own" if name == "connect_timeout_s" and name in settings else None
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)
