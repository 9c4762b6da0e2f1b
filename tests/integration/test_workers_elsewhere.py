"""A worker with a network and a clock of its own takes part in a whole run."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.environment.ports import free_port
from harness.load.arrivals import arrival_offsets_ns
from harness.plan import load_seed
from harness.records import GeneratorReading, Measure, Outcome
from reports.read import read_run
from scenarios.model import Arrivals
from tests.integration.command import lent_worker, poolstorm
from tests.integration.elsewhere import AHEAD_S, Elsewhere, elsewhere

pytestmark = pytest.mark.integration

RATE_PER_S, DURATION_S, SEED = 40, 3, 5
PLAN = f"""
targets = ["async-pool"]
scenarios = ["shared"]
seed = {SEED}

[scenario.shared]
base = "baseline"
[[scenario.shared.phases]]
name = "steady"
duration_s = {DURATION_S}
behaviour = "reader"
arrivals = {{ process = "poisson", rate_per_s = {RATE_PER_S} }}
"""


@pytest.fixture(scope="module")
def there() -> Iterator[Elsewhere]:
    with elsewhere() as place:
        yield place


def test_a_worker_elsewhere_runs_its_share_at_the_right_time(there: Elsewhere, tmp_path: Path) -> None:
    plan, folder = tmp_path / "plan.toml", tmp_path / "run"
    plan.write_text(PLAN)
    meeting = f"{there.here}:{free_port(there.here)}"
    with lent_worker(meeting, there.prefix) as lent:
        sharing = ("--workers", "1", "--attach", "1", "--bind", meeting)
        result = poolstorm("run", "--plan", plan, "--output", folder, *sharing)
    assert 0 == result.returncode, f"{result.stderr}\n{lent.said}"
    assert "1 load served" in lent.said

    (trial,) = read_run(folder).trials
    readings = [reading for reading in trial.readings if isinstance(reading, GeneratorReading)]
    arrivals = Arrivals(process="poisson", rate_per_s=RATE_PER_S)
    scheduled = sum(1 for _ in arrival_offsets_ns(arrivals, DURATION_S, random.Random(load_seed(SEED, 1))))
    assert 2 == trial.record.workers
    # The joined histograms: the last gauge is told by the first worker to end, while the other may have one to go.
    answered = [cell for cell in trial.cells if cell.key.measure is Measure.RESPONSE]
    assert {Outcome.OK} == {cell.key.outcome for cell in answered}
    assert scheduled == sum(cell.total for cell in answered)
    # A clock taken for ours would have everything sent at once, thousands of seconds late.
    assert max(reading.late_max_ms for reading in readings) < 1000 * AHEAD_S / 10
    assert 0.8 * DURATION_S < readings[-1].t_ns / 1e9 < AHEAD_S / 10


def test_an_address_that_this_machine_has_not_is_refused_before_anything_runs(tmp_path: Path) -> None:
    options = ["-t", "no-pool", "-s", "baseline", "--attach", "1", "--bind", "192.0.2.1:5557"]
    result = poolstorm("run", *options, "--output", tmp_path / "run")
    assert 2 == result.returncode
    assert "error: 192.0.2.1 is no address of this machine; name one that it has" in result.stderr
    assert not (tmp_path / "run").exists()
