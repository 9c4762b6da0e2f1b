"""Reads on a replica as `poolstorm claims` runs and rules on them, with real parts."""

from __future__ import annotations

import pytest

from reports.claims import ClaimsReport, RulingVerdict
from reports.claims.base import Ruling
from reports.claims.trials import MEAN_OF_TRIALS
from tests.integration.command import poolstorm

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_what_was_written_is_not_yet_on_a_replica_that_is_late(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("claims") / "out"
    ended = poolstorm("claims", "--only", "rw-split", "-o", folder, timeout_s=600)
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False), ended.stderr
    (ruling,) = ClaimsReport.model_validate_json((folder / "rulings.json").read_text()).rulings
    assert ruling.verdict is RulingVerdict.REFUTED, ruling.said
    late = figures(ruling, "reads on the replica")
    assert late["not there at the first look"] > late["own writes looked for"] / 2
    assert 50 - 10 <= late["staleness, median"] <= 50 + 10
    assert late["staleness, median, at least"] < late["staleness, median"] < late["staleness, median, at most"]
    for on in ("primary alone", "reads on the replica, absent ones on the primary"):
        assert figures(ruling, on)["not there at the first look"] == 0


def figures(ruling: Ruling, on: str) -> dict[str, float]:
    """Means over trials while the replica is late."""
    where = (f"replica 50 ms behind, {on}", f"replica 50 ms behind, {on}, {MEAN_OF_TRIALS}")
    return {figure.name: figure.value or 0.0 for figure in ruling.figures if figure.where in where}
