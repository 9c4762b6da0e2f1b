"""The pool's gauges as a warning, as `poolstorm claims` runs and rules on them, once for two of the forms."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.claims import carry_out_claims
from harness.environment.stack import StackOptions
from harness.experiments import experiments
from reports.claims import RulingVerdict
from reports.claims.evidence import read_evidence
from reports.claims.rulings import rule_all

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_a_health_route_warns_in_time_only_where_nothing_blocks_it(tmp_path: Path) -> None:
    said: list[str] = []
    chosen = [experiments()["monitoring"]]
    ending = carry_out_claims(
        chosen, tmp_path / "out", "claims-1", StackOptions(), said.append, quick=True, seed=1
    )
    assert ending.exit_code == 0, said
    (ruling,) = rule_all(read_evidence(tmp_path / "out"), ["monitoring"]).rulings
    assert ruling.verdict is RulingVerdict.REFUTED, ruling.said
    missed = {
        figure.where: figure.value for figure in ruling.figures if figure.name == "trials in which it was not"
    }
    assert missed == {
        "load that rises; a coroutine beside def endpoints": 0,
        "burst; a coroutine beside def endpoints": 0,
        "load that rises; a coroutine beside coroutines that block": 1,
        "burst; a coroutine beside coroutines that block": 1,
    }
