"""What a calibration says of itself."""

from __future__ import annotations

from harness.records import CalibrationKind
from reports.calibration.formats import gate_line, render_markdown, render_terminal, rows
from tests.unit.reports.calibration.made import LATENCY, calibration, noise, outcome, plan

VERDICTS = ("pass",) * 5 + ("inconclusive", "regressed", "invalid", "improved", "pass")
DONE = calibration(
    *(outcome(number, verdict) for number, verdict in enumerate(VERDICTS, 1)),
    noise=(noise("p50", 0.05), noise("p50", 0.3, route="a"), noise("zero", 0.0)),
    family=26,
    begun_anew=2,
)


def test_a_finished_one_tells_its_rates_with_bounds_and_the_time_it_took() -> None:
    told = render_terminal(DONE, width=140)
    assert "false alarms: 1 of 10 gates, at most 39.4 %" in told
    assert "1 regressed, 1 invalid, 1 inconclusive, 6 pass, 1 improved" in told
    assert "open between 0.25 % and 44.5 % of the time" in told
    assert "minutes a gate: median 5.5, at most 10.0" in told
    assert "run anew: 2" in told
    assert max(map(len, render_terminal(DONE).splitlines())) <= 100


def test_one_that_is_not_finished_claims_no_bound() -> None:
    told = render_terminal(calibration(outcome(1), outcome(2, "regressed"), of=plan(gates=60)))
    assert "unfinished: 2 of 60 gates" in told
    assert "so far 1 regressed, 1 pass" in told
    assert "at most" not in told.replace("median 1.5, at most", "")
    assert "unfinished: 0 of 60 gates" in render_terminal(calibration(of=plan(gates=60)))


def test_the_noise_is_told_with_what_it_lets_be_found() -> None:
    assert [("sync-pool/gate/steady/a/p50", "0.3"), ("sync-pool/gate/steady/all/p50", "0.05")] == [
        row[:2] for row in rows(DONE)
    ]
    assert all("%" in row[-1] for row in rows(DONE))


def test_of_a_power_the_achieved_shift_is_told_and_indecision_apart() -> None:
    ended = [outcome(number, "regressed", proved=True, shift=0.09 + 0.01 * number) for number in (1, 2, 3)]
    ended += [outcome(4, "inconclusive", proved=True, shift=0.1), outcome(5, "regressed", proved=False, shift=0.0)]
    told = render_terminal(calibration(*ended, of=plan(CalibrationKind.POWER, 5, plant=LATENCY)))
    assert "22 against 20 ms on the link found by 3 of 5 gates, at least 18.9 %" in told.replace("\n", " ")
    assert "median +11 %, from +0 % to +13 %" in told
    assert "not seen to be there: 1" in told
    assert "1 inconclusive" in told


def test_a_line_for_each_gate() -> None:
    one = outcome(3, "regressed", worse=("a/p50", "a/p99"))
    assert "gate 3 of 60: regressed (a/p50, ...) after 14 pairs, 3.0 min" == gate_line(one, plan(gates=60))
    of_power = plan(CalibrationKind.POWER, 60, plant=LATENCY)
    assert gate_line(outcome(3, shift=0.1, proved=False), of_power).endswith(
        "; p50 +11 %, and what was planted was not seen to be there"
    )


def test_as_markdown_it_has_every_gate() -> None:
    text = render_markdown(DONE)
    assert 10 == sum(
        line.startswith(tuple(f"| {number} |" for number in range(1, 11))) for line in text.splitlines()
    )
    assert "CPython 3.12.3" in text
