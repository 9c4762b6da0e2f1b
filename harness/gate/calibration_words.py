"""The options that a calibration was begun with, kept so that its folder alone goes on with it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import PlanError, RunDirectoryError, plain_line
from harness.gate.calibration_store import WORDS_FILE

OPTIONS = {
    "base": "--base",
    "base_ref": "--base-ref",
    "allow_dirty": "--allow-dirty",
    "pairs": "--pairs",
    "scenario": "--scenario",
    "plant": "--plant",
    "base_latency": "--base-latency",
    "head_latency": "--head-latency",
    "plan": "--plan",
    "seed": "--seed",
    "duration": "--duration",
    "pool": "--pool",
    "app_run": "--app",
    "env": "--env",
    "ready": "--ready",
    "setup": "--setup",
    "get": "--get",
    "rate": "--rate",
    "probe": "--probe",
    "locustfile": "--locustfile",
}
"""What is remembered, so that `--output` alone goes on; what may hold a password is not."""
_MOST_WORDS = 1_000_000
_WITHOUT_A_SECRET = re.compile(r"[^=]+=\{[a-z0-9_+]+\}")


def given_words(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, as JSON has them."""
    words = {name: given.get(name) for name in OPTIONS}
    return {
        name: str(value) if isinstance(value, Path) else value
        for name, value in words.items()
        if value is not None and value is not False and value != []
    }


def same_words(given: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Those that the calibration in `folder` was begun with. Raises PlanError where what is given again is not the
    same, RunDirectoryError where what it was is damaged.
    """
    again, remembered = given_words(given), _remembered(folder)
    if remembered is None:
        return again
    for name, value in again.items():
        if name != "env" and remembered.get(name) != value:
            before = remembered.get(name)
            told = f"without {OPTIONS[name]}" if before is None else f"with {OPTIONS[name]} {_flat(before)}"
            raise PlanError(f"{folder} was begun {told}; leave it as it was, or begin another folder")
    return {**remembered, **again}


def _flat(value: object) -> str:
    return plain_line(" ".join(map(str, value)) if isinstance(value, list) else str(value), 80)


def words_as_json(words: Mapping[str, Any]) -> str:
    """Without variables whose values might be secrets."""
    kept = dict(words)
    if "env" in kept:
        kept["env"] = [one for one in kept["env"] if _WITHOUT_A_SECRET.fullmatch(one)]
    return json.dumps(kept, indent=2, ensure_ascii=False) + "\n"


def _remembered(folder: Path) -> dict[str, Any] | None:
    path = folder / WORDS_FILE
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_MOST_WORDS))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise RunDirectoryError(f"{path} is damaged; restore it, or begin another folder") from error
    if not isinstance(found, dict) or not set(found) <= set(OPTIONS):
        raise RunDirectoryError(f"{path} is damaged; restore it, or begin another folder")
    return found
