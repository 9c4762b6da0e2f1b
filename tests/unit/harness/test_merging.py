"""Several workers told as one generator."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from harness.load.arrivals import Share
from harness.load.merging import Merger, Tags
from harness.load.messages import Done, Gauged, Marked
from harness.records import GeneratorReading, Mark, MarkKind


def marked(kind: MarkKind, t_ns: int, name: str = "") -> Marked:
    return Marked(mark=Mark(t_ns=t_ns, kind=kind, phase=name))


def gauged(**values: float) -> Gauged:
    base = {
        "t_ns": 0, "users": 0, "in_flight": 0, "started_total": 0, "completed_total": 0, "not_started_total": 0,
        "late_max_ms": 0.0, "loop_gap_max_ms": 0.0,
    }  # fmt: skip
    return Gauged(reading=GeneratorReading.model_validate({"phase": "steady", **base, **values}))


def marks(events: Iterable[object]) -> list[tuple[MarkKind, int]]:
    return [(event.mark.kind, event.mark.t_ns) for event in events if isinstance(event, Marked)]


def test_a_beginning_counts_when_the_first_worker_reports_it_and_once() -> None:
    merger = Merger(2)
    assert [(MarkKind.PHASE_START, 5)] == marks(merger.add("a", marked(MarkKind.PHASE_START, 5, "steady")))
    assert [] == marks(merger.add("b", marked(MarkKind.PHASE_START, 7, "steady")))


def test_an_end_counts_when_the_last_worker_reports_it() -> None:
    merger = Merger(2)
    assert [] == marks(merger.add("a", marked(MarkKind.DRAINED, 9)))
    assert [(MarkKind.DRAINED, 9)] == marks(merger.add("b", marked(MarkKind.DRAINED, 8)))


def test_an_end_does_not_wait_for_a_worker_that_is_gone() -> None:
    merger = Merger(2)
    assert [] == marks(merger.add("a", marked(MarkKind.LOAD_END, 9)))
    assert [(MarkKind.LOAD_END, 9)] == marks(merger.lose("b"))
    assert [(MarkKind.DRAINED, 10)] == marks(merger.add("a", marked(MarkKind.DRAINED, 10)))


def test_gauges_add_up_and_of_latenesses_the_worst_counts() -> None:
    merger = Merger(2)
    list(merger.add("a", gauged(users=3, in_flight=2, started_total=10, completed_total=8, late_max_ms=0.2)))
    slow = gauged(users=2, in_flight=1, started_total=20, completed_total=19, late_max_ms=7.5, busiest_cpu_s=0.8)
    list(merger.add("b", slow))
    quick = gauged(t_ns=5, users=3, in_flight=1, started_total=12, completed_total=11, busiest_cpu_s=0.3)
    (told,) = merger.add("a", quick)
    assert isinstance(told, Gauged)
    reading = told.reading
    assert (5, 5, 2, 32, 30, 7.5, 0.8) == (
        reading.t_ns,
        reading.users,
        reading.in_flight,
        reading.started_total,
        reading.completed_total,
        reading.late_max_ms,
        reading.busiest_cpu_s,
    )


def readings(events: Iterable[object]) -> list[GeneratorReading]:
    return [event.reading for event in events if isinstance(event, Gauged)]


def done(**values: float) -> Done:
    base = {"started": 0, "completed": 0, "not_started": 0, "aborted": 0, "acknowledged_transfers": 0, "cpu_s": 0}
    return Done.model_validate({**base, **values})


def test_a_lateness_told_between_two_merged_readings_is_told_once() -> None:
    merger = Merger(2)
    list(merger.add("a", gauged()))
    list(merger.add("b", gauged(late_max_ms=7.5, loop_gap_max_ms=3.0)))
    list(merger.add("b", gauged(late_max_ms=0.5)))  # its next, before the first worker reports again
    (told,) = readings(merger.add("a", gauged(t_ns=5)))
    assert (7.5, 3.0) == (told.late_max_ms, told.loop_gap_max_ms)
    (told,) = readings(merger.add("a", gauged(t_ns=6)))
    assert (0.0, 0.0) == (told.late_max_ms, told.loop_gap_max_ms)


def test_the_last_merged_reading_holds_what_every_worker_last_told() -> None:
    merger = Merger(2)
    list(merger.add("a", gauged(t_ns=9, not_started_total=1)))
    list(merger.add("a", done(not_started=1)))
    told = readings(merger.add("b", gauged(t_ns=8, not_started_total=4, late_max_ms=2.5)))
    told += readings(merger.add("b", done(not_started=4)))
    assert 5 == told[-1].not_started_total
    assert 2.5 == max(reading.late_max_ms for reading in told)
    assert [9, 9] == [reading.t_ns for reading in told]


def test_when_the_first_worker_is_done_or_gone_the_next_one_sets_the_pace() -> None:
    merger = Merger(3)
    for worker in "abc":
        list(merger.add(worker, gauged(t_ns=1, started_total=10)))
    list(merger.lose("a"))
    assert [] == readings(merger.add("c", gauged(t_ns=2, started_total=20)))
    (told,) = readings(merger.add("b", gauged(t_ns=2, started_total=20)))
    assert 50 == told.started_total
    list(merger.add("b", done()))
    (told,) = readings(merger.add("c", gauged(t_ns=3, started_total=30)))
    assert 60 == told.started_total


def test_a_lost_worker_that_speaks_again_is_no_longer_listened_to_for_the_pace() -> None:
    merger = Merger(1)
    assert [] == readings(merger.lose("a"))
    assert [] == readings(merger.add("a", gauged(started_total=3)))
    assert 3 == merger.account(lost=1).started


def test_the_account_is_the_sum_and_a_lost_worker_counts_with_what_it_last_told() -> None:
    merger = Merger(2)
    list(merger.add("b", gauged(started_total=7, completed_total=5, busiest_cpu_s=0.25)))
    told = done(started=10, completed=9, not_started=1, aborted=1, acknowledged_transfers=4, cpu_s=0.5)
    list(merger.add("a", told))
    list(merger.lose("b"))
    account = merger.account(lost=1, own_cpu_s=0.125)
    assert (17, 14, 1, 1, 4, 0.875, 1) == (
        account.started,
        account.completed,
        account.not_started,
        account.aborted,
        account.acknowledged_transfers,
        account.cpu_s,
        account.workers_lost,
    )


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shares_together_are_the_whole(count: int) -> None:
    schedule = list(range(0, 1000, 7))
    shares = [Share(index, count) for index in range(count)]
    assert schedule == sorted(offset for share in shares for offset in share.of_arrivals(iter(schedule)))
    assert [23] * 3 == [sum(share.of_number(23) for share in shares)] * 3
    parts = [share.of_number(23) for share in shares]
    assert max(parts) - min(parts) <= 1


def test_logs_of_workers_who_kept_names_of_their_own_have_no_more_than_one_would() -> None:
    tags = Tags(phases=2)
    lines = [f"Tag=steady;GET:/{worker}/{number};ok;-;response,0.1\n" for worker in "ab" for number in range(50)]
    found = [tags.bounded(line) for line in lines]
    assert lines[:60] == found[:60]
    assert {"Tag=steady;other;ok;-;response,0.1\n"} == set(found[60:])
    assert lines[3] == tags.bounded(lines[3])
    assert found[-1] == tags.bounded(lines[-1])


def test_what_workers_remark_is_told_of_each() -> None:
    merger = Merger(2)
    for worker, notes in (("a", ("3 exceptions",)), ("b", ())):
        list(merger.add(worker, done().model_copy(update={"notes": notes})))
    assert ("load worker 1: 3 exceptions",) == merger.account(0).notes
