"""How stale: the true delay lies within the bounds that reads before and after it give."""

from __future__ import annotations

import random

import pytest

from harness.records import Outcome, Write
from reports.oracles.history import History
from reports.oracles.staleness import Delay, delays, staleness_figures
from tests.unit.reports.oracles.world import MS, read_of, write_of


def followed(rng: random.Random, number: int, true_ns: int, most_looks: int = 20) -> tuple[Write, list[Write]]:
    """A write that is visible `true_ns` after its answer, and reads that each look at some moment of theirs."""
    write = write_of(f"t{number}", number * 1000 * MS, Outcome.OK, rng.randrange(1, 20 * MS))
    reads, at_ns = [], rng.randrange(2 * MS)
    for _ in range(most_looks):
        took_ns = rng.randrange(1, 6 * MS)
        seen = at_ns + rng.randrange(took_ns) >= true_ns
        reads.append(read_of(write, at_ns, seen, took_ns))
        if seen:
            break
        at_ns += took_ns + rng.randrange(1, 8 * MS)
    return write, reads


@pytest.mark.parametrize("seed", range(25))
def test_the_true_delay_lies_between_the_bounds(seed: int) -> None:
    rng = random.Random(seed)
    true_ns = [rng.randrange(60 * MS) for _ in range(200)]
    histories = [followed(rng, number, true) for number, true in enumerate(true_ns)]
    found = delays(History(tuple(w for w, _ in histories), tuple(r for _, reads in histories for r in reads)))
    assert 200 == len(found)
    for delay, true in zip(found, true_ns, strict=True):
        assert delay.low_ms <= true / 1e6
        assert delay.high_ms is None or true / 1e6 <= delay.high_ms
    figures = {figure.name: figure for figure in staleness_figures(found)}
    for share, name in ((500, "staleness p50"), (990, "staleness p99")):
        true_ms = sorted(true_ns)[200 * share // 1000 - 1] / 1e6
        low_ms, high_ms = figures[name].low, figures[name].high
        assert low_ms is not None
        assert low_ms <= true_ms
        assert high_ms is None or true_ms <= high_ms
    assert sum(reads[0].seen is False for _, reads in histories) == figures["own writes missed"].value


def test_a_write_that_is_never_seen_has_no_upper_bound() -> None:
    write = write_of("t", 0, Outcome.OK, 5 * MS)
    history = History((write,), (read_of(write, 0, False), read_of(write, 30 * MS, False)))
    assert (Delay(low_ms=30.0, high_ms=None, misses=2, gone_again=False),) == delays(history)
    assert [(None, None), (None, None), (30.0, None)] == [
        (figure.low, figure.high) for figure in staleness_figures(delays(history))
    ]


def test_reads_before_the_answer_and_those_that_fail_say_nothing() -> None:
    write = write_of("t", 0, Outcome.OK, 5 * MS)
    history = History(
        (write,), (read_of(write, -3 * MS, False), read_of(write, 0, None), read_of(write, MS, True))
    )
    assert (Delay(low_ms=0.0, high_ms=2.0, misses=0, gone_again=False),) == delays(history)


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.UNKNOWN])
def test_only_acknowledged_writes_must_be_there(outcome: Outcome) -> None:
    write = write_of("t", 0, outcome, 5 * MS)
    assert () == delays(History((write,), (read_of(write, 30 * MS, False),)))


def test_few_writes_have_no_p99() -> None:
    few = [Delay(0.0, 1.0, 0, False)] * 99
    assert "staleness p99" not in {figure.name for figure in staleness_figures(few)}
    assert () == staleness_figures(())
