"""A target that turns hostile in the midst of a load: bounded in time and size, told in words, ended by Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.records import GapReading, TrialState, decode_reading
from tests.integration.command import under_way

pytestmark = pytest.mark.integration

WAYS = ("drips", "is-deep", "is-huge")
"""Of `tests.integration.apps.hostile`, which has more; each takes a quarter of a minute."""
ENDS_WITHIN_S = 45.0
"""Of a load of four seconds, with everything that may be waited for in vain."""
CTRL_C_WITHIN_S = 5.0


@contextmanager
def hostile_run(way: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    with under_way([sys.executable, "-m", "tests.integration.hostile_run", way, folder]) as process:
        yield process


def gaps(folder: Path) -> list[GapReading]:
    """Gauges of the trial under way that could not be read; the last line may not be whole yet."""
    lines = [
        line for path in folder.glob("trials/*/readings.jsonl") for line in path.read_text().splitlines()[:-1]
    ]
    return [reading for line in lines if isinstance(reading := decode_reading(line), GapReading)]


@pytest.mark.parametrize("way", WAYS)
def test_a_hostile_target_spoils_its_trial_and_not_the_run(way: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with hostile_run(way, folder) as process:
        out, err = process.communicate(timeout=ENDS_WITHIN_S)
    assert 0 == process.returncode, err
    assert "Traceback" not in out + err
    assert "TypeError" not in out + err
    (record,) = folder.glob("trials/*/trial.json")
    assert TrialState.COMPLETED.value in record.read_text()
    assert {gap.reason for gap in gaps(folder)} <= {
        "no answer within 0.5 s",
        "an answer of more than 1,000,000 bytes",
        "the answer is no JSON object",
        "the connection was closed instead of an answer",
        "HTTP 500",
    }


@pytest.mark.parametrize("way", ["floods"])
def test_ctrl_c_ends_a_run_that_a_target_holds_up(way: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with hostile_run(way, folder) as process:
        deadline_s = time.monotonic() + 40.0
        while not gaps(folder):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline_s
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        began_s = time.monotonic()
        process.communicate(timeout=4 * CTRL_C_WITHIN_S)
        assert time.monotonic() - began_s < 2 * CTRL_C_WITHIN_S  # of a machine that does something else as well
