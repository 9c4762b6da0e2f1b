"""Load from locustfiles as people write them: what is sent, what is recorded, and what becomes of the rest."""

from __future__ import annotations

import json
import textwrap
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.environment.children import locustfile_environment
from harness.environment.leash import Leash
from harness.environment.target import RunningTarget, target_process
from harness.errors import TrialFailedError
from harness.journal import Journal
from harness.load.account import unaccounted
from harness.load.classify import NO_KIND
from harness.load.client import load_process
from harness.load.messages import Done
from harness.load.workers import SINGLE, Workers
from harness.locustfile import Locustfile
from harness.records import Interval, Measure, Outcome, decode_intervals
from harness.store import RunStore, TrialFolder
from harness.subject import standard_launch
from scenarios.model import Arrivals, Phase, Scenario

pytestmark = pytest.mark.integration

FILES = Path(__file__).parent / "locustfiles"
ONE_TASK = """
    from locust import FastHttpUser, HttpUser, User, constant, events, task
    import gevent, time

    class One({base}):
        wait_time = constant(0.01)
        {more}
        @task
        def ask(self):
            {does}
"""


@pytest.fixture(scope="module")
def target(leash: Leash, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTarget]:
    log = tmp_path_factory.mktemp("target") / "target.log"
    launch = standard_launch("tests.integration.apps.market:app")
    with target_process(leash, launch=launch, environment={}, log_path=log) as running:
        yield running


@dataclass
class Loaded:
    """What came of a load."""

    done: Done
    intervals: list[Interval]
    log: str
    notes: list[str]
    seen: Counter[str]

    def count(self, operation: str = "", phase: str = "") -> dict[tuple[Outcome, str], int]:
        """How many requests of an operation ended how, all by default."""
        found: Counter[tuple[Outcome, str]] = Counter()
        for one in self.intervals:
            key = one.key
            if key.measure is Measure.RESPONSE and operation in ("", key.operation) and phase in ("", key.phase):
                found[key.outcome, key.kind] += one.histogram.get_total_count()
        return dict(found)

    def operations(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for one in self.intervals:
            if one.key.measure is Measure.RESPONSE:
                found[one.key.operation] += one.histogram.get_total_count()
        return found

    def most_ms(self, operation: str, measure: Measure) -> float:
        found = [one for one in self.intervals if (one.key.operation, one.key.measure) == (operation, measure)]
        return float(max(one.histogram.get_max_value() for one in found)) / 1e6


class Bench:
    """Runs phases of a locustfile against the market."""

    def __init__(self, leash: Leash, target: RunningTarget, folder: TrialFolder, tmp_path: Path) -> None:
        self._leash, self._target, self._folder, self._tmp_path = leash, target, folder, tmp_path

    def write(self, base: str = "FastHttpUser", does: str = "self.client.get('/items')", more: str = "") -> Path:
        path = self._tmp_path / "written.py"
        path.write_text(textwrap.dedent(ONE_TASK).format(base=base, does=does, more=more))
        return path

    def run(
        self, path: Path, *phases: Phase, workers: Workers = SINGLE, drain_s: float = 1.0, **choice: Any
    ) -> Loaded:
        self._seen()
        planned = Scenario(
            name="load", title="Load", question="?", phases=phases, drain_s=drain_s, request_timeout_s=5.0
        )
        journal = Journal(self._folder)
        with load_process(
            self._leash,
            scenario=planned,
            folder=self._folder,
            journal=journal,
            workers=workers,
            environment=locustfile_environment(),
        ) as load:
            load.prepare(self._target.url, 3, locustfile=Locustfile(path=path, **choice))
            load.start(time.monotonic_ns() + 50_000_000)
            done = load.wait()
        self._folder.close()
        with self._folder.latency_file.open() as log:
            intervals = list(decode_intervals(log))
        assert "" == unaccounted(done)
        return Loaded(done, intervals, self._folder.log_file("load").read_text(), list(done.notes), self._seen())

    def _seen(self) -> Counter[str]:
        with urllib.request.urlopen(f"{self._target.url}/seen") as answer:
            return Counter(json.load(answer))


@pytest.fixture
def bench(leash: Leash, target: RunningTarget, tmp_path: Path) -> Iterator[Bench]:
    with RunStore.create(tmp_path / "run").trial("trial") as folder:
        yield Bench(leash, target, folder, tmp_path)


def closed(users: int, seconds: float = 1.0, name: str = "closed") -> Phase:
    return Phase(name=name, duration_s=seconds, users=users, behaviour="locustfile")


def arriving(rate_per_s: float, seconds: float = 1.0, name: str = "open") -> Phase:
    return Phase(name=name, duration_s=seconds, arrivals=Arrivals(rate_per_s=rate_per_s), behaviour="locustfile")


@pytest.mark.parametrize("workers", [SINGLE, Workers(local=2)], ids=["alone", "two-workers"])
def test_mixed_users_of_nested_task_sets_are_run_by_weight_and_each_request_is_recorded(
    bench: Bench, workers: Workers
) -> None:
    loaded = bench.run(FILES / "browsing.py", closed(8, 1.5), workers=workers)
    operations = loaded.operations()
    assert {"GET:/items", "GET:/items/[id]", "POST:/login", "POST:/basket"} >= set(operations)
    assert 2 == operations["POST:/login"]  # of eight users two are members
    assert {(Outcome.OK, "-")} == set(loaded.count())
    assert loaded.seen["GET /items"] == operations["GET:/items"]
    assert loaded.seen["POST /basket"] == operations["POST:/basket"]
    assert 2 == loaded.seen["POST /logout"]  # after the load, and none of it


def test_tags_and_classes_leave_what_they_name(bench: Bench) -> None:
    loaded = bench.run(
        FILES / "browsing.py",
        closed(2, 0.5),
        tags=("detail", "buy"),
        exclude_tags=("buy",),
        user_classes=("Member",),
    )
    assert {"POST:/login", "GET:/items/[id]"} == set(loaded.operations())


def test_an_arrival_is_one_task_and_the_next_step_of_a_sequence(bench: Bench) -> None:
    loaded = bench.run(FILES / "buying.py", arriving(40, 2.0))
    operations = loaded.operations()
    steps = ["GET:/items", "POST:/basket", "POST:/orders", "GET:gone"]
    assert 80 == sum(operations[step] for step in steps)
    assert max(operations[step] for step in steps) - min(operations[step] for step in steps) <= 40
    assert all(operations[step] > 5 for step in steps)
    assert {(Outcome.OK, "-")} == set(loaded.count())  # a 404 that the file takes for a success among them
    assert "option 1000" in loaded.log
    assert "heard init test_start request test_stop" in loaded.log


def test_several_requests_of_one_arrival_are_each_sent_when_they_are(bench: Bench) -> None:
    does = "[self.client.get(f'/late?ms=60', name=name) for name in ('first', 'second')]"
    loaded = bench.run(bench.write(does=does), arriving(10))
    assert {"GET:first": 10, "GET:second": 10} == loaded.operations()
    for name in ("GET:first", "GET:second"):  # had it been meant to be sent with the arrival, it would take 120
        assert 60 <= loaded.most_ms(name, Measure.SERVICE) <= loaded.most_ms(name, Measure.RESPONSE)
    assert loaded.most_ms("GET:second", Measure.RESPONSE) < loaded.most_ms("GET:second", Measure.SERVICE) + 1


@pytest.mark.parametrize("workers", [SINGLE, Workers(local=2)], ids=["alone", "two-workers"])
def test_a_shape_is_followed_to_its_end_and_fixed_numbers_are_kept(bench: Bench, workers: Workers) -> None:
    phase = Phase(name="shaped", duration_s=3, users=6, behaviour="load-shape")
    loaded = bench.run(FILES / "staged.py", phase, workers=workers)
    read, keep = loaded.operations()["GET:read"], loaded.operations()["GET:keep"]
    # One keeper for three seconds at 20/s, and one, five, one readers for one second each.
    assert 30 <= keep <= 61
    assert 2 * keep <= read + keep
    assert set(loaded.count()) <= {(Outcome.OK, "-"), (Outcome.ABORTED, "given-up")}


ENDINGS = {
    "right": (Outcome.OK, "-"),
    "not-there": (Outcome.FAILED, "http-404"),
    "broken": (Outcome.UNKNOWN, "http-500"),
    "exhausted": (Outcome.REFUSED, "pool-exhausted"),
    "nobody-there": (Outcome.FAILED, "connect-refused"),
    "cut-off": (Outcome.UNKNOWN, "no-answer"),
    "too-late": (Outcome.UNKNOWN, "client-timeout"),
    "overdue": (Outcome.UNKNOWN, "client-timeout"),
    "never-judged": (Outcome.OK, "-"),
    "said-right": (Outcome.OK, "-"),
    "said-wrong": (Outcome.FAILED, "wrong-answer"),
    "said-nothing": (Outcome.REFUSED, "pool-exhausted"),
    "check-raises": (Outcome.FAILED, "check-raised"),
    "raised": (Outcome.FAILED, "http-404"),
}


@pytest.mark.parametrize("user_class", ["Slow", "Fast"])
def test_what_a_user_says_of_an_answer_counts_then_what_is_known_of_it(bench: Bench, user_class: str) -> None:
    loaded = bench.run(FILES / "endings.py", closed(1, 2.5), user_classes=(user_class,))
    assert {name: {ending: 1} for name, ending in ENDINGS.items()} == {
        name: loaded.count(f"GET:{name}") for name in ENDINGS
    }


@pytest.mark.parametrize("base", ["HttpUser", "FastHttpUser"])
@pytest.mark.parametrize("phase", [closed(3, 0.3), arriving(10, 0.3)], ids=["closed", "open"])
def test_what_is_never_answered_is_given_up_and_accounted_for(bench: Bench, base: str, phase: Phase) -> None:
    loaded = bench.run(bench.write(base, "self.client.get('/late?ms=60000', name='late')"), phase, drain_s=0.2)
    assert {(Outcome.ABORTED, "given-up"): 3} == loaded.count()
    assert (3, 3, 0) == (loaded.done.started, loaded.done.aborted, loaded.done.under_way)


def test_users_of_a_phase_that_is_over_ask_for_nothing_more(bench: Bench) -> None:
    loaded = bench.run(bench.write(), closed(3, 0.4), arriving(10, 0.4), closed(1, 0.4, "again"))
    assert {(Outcome.OK, "-"): 4} == loaded.count(phase="open")
    first, again = sum(loaded.count(phase="closed").values()), sum(loaded.count(phase="again").values())
    assert first > again > 0


@pytest.mark.parametrize("phase", [closed(4), arriving(40)], ids=["closed", "open"])
def test_a_user_whose_on_start_fails_is_counted_and_the_others_go_on(bench: Bench, phase: Phase) -> None:
    more = "made = 0\n    def on_start(self): One.made += 1; assert One.made % 2 == 0, One.made"
    loaded = bench.run(bench.write(more=more), phase)
    assert set(loaded.count("on_start")) <= {(Outcome.FAILED, "on-start-failed")}
    assert loaded.count("GET:/items")[Outcome.OK, "-"] >= 40
    (note,) = loaded.notes
    assert "users of the locustfile could not be started; the first: AssertionError: 1" in note


@pytest.mark.parametrize("phase", [closed(4, 0.3), arriving(40)], ids=["closed", "open"])
def test_where_nobody_can_be_started_the_trial_fails_and_says_why(bench: Bench, phase: Phase) -> None:
    with pytest.raises(TrialFailedError, match=r"no user of the locustfile could be started.*KeyError: 'TENANT'"):
        bench.run(bench.write(more="def on_start(self): import os; os.environ['TENANT']"), phase)


def test_exceptions_in_tasks_are_told_and_users_go_on(bench: Bench) -> None:
    loaded = bench.run(bench.write(does="self.client.get('/items'); 1 / 0"), closed(2, 0.3), arriving(20, 0.3))
    assert loaded.done.requests == loaded.done.recorded
    (note,) = loaded.notes
    assert note.endswith("exceptions in the locustfile's tasks, the first ZeroDivisionError: division by zero")
    assert int(note.split()[0]) == loaded.done.started


@pytest.mark.parametrize("base", ["HttpUser", "FastHttpUser"])
@pytest.mark.parametrize(
    "does",
    [
        "self.client.get('http://192.0.2.7/items')",
        "self.client.get('/away', name='/items')",
        "self.client.base_url = 'http://[2001:db8::7]'; self.client.get('/items')",
    ],
    ids=["absolute", "redirect", "base-url"],
)
def test_load_stays_on_this_machine(bench: Bench, base: str, does: str) -> None:
    loaded = bench.run(bench.write(base, does), closed(2, 0.5))
    assert {(Outcome.FAILED, "never-sent")} == set(loaded.count("GET:/items"))
    (note,) = loaded.notes
    assert " connections to other machines were not made, as load stays on this one; the first to " in note


def test_names_that_never_end_are_counted_under_one(bench: Bench) -> None:
    does = "self.client.get('/items', name=f'a b;c,{time.monotonic_ns()} \\n')"
    loaded = bench.run(bench.write(does=does), closed(4, 0.6))
    assert "other" in loaded.operations()
    assert len(loaded.operations()) <= 61
    assert all(name.startswith("GET:a_b_c_") for name in loaded.operations() if name != "other")


def test_a_client_of_its_own_is_recorded_by_what_it_tells(bench: Bench) -> None:
    does = """
                with self.environment.events.request.measure('grpc', 'Ask') as told: time.sleep(0.05)
    """
    loaded = bench.run(bench.write("User", does.strip()), closed(2, 0.5))
    assert {"grpc:Ask"} == set(loaded.operations())
    assert loaded.most_ms("grpc:Ask", Measure.SERVICE) >= 50


@pytest.mark.parametrize("does", ["raise SystemExit('the end')", "self.environment.runner.quit()"])
def test_a_file_that_ends_its_process_or_its_users_holds_nobody_up(bench: Bench, does: str) -> None:
    path = bench.write(does=f"self.client.get('/items'); {does}")
    try:
        loaded = bench.run(path, closed(2, 0.5))
    except TrialFailedError as error:
        assert "the end" in str(error)  # noqa: PT017
    else:
        assert loaded.done.started >= 1


def test_a_loop_that_lets_nobody_else_run_is_told_as_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.load.client.SLACK_S", 1.0)
    path = bench.write(does="self.client.get('/items'); exec('while True: pass')")
    with pytest.raises(TrialFailedError, match=r"lets nobody else run.* have it wait by gevent.sleep"):
        bench.run(path, closed(2, 0.5))


def test_greenlets_of_a_task_send_for_its_arrival(bench: Bench) -> None:
    does = "gevent.joinall([gevent.spawn(self.client.get, '/items') for _ in range(3)])"
    loaded = bench.run(bench.write(does=does), arriving(20, 0.5))
    assert ({"GET:/items": 30}, []) == (loaded.operations(), loaded.notes)


def test_what_a_file_prints_fills_no_disk(bench: Bench) -> None:
    loaded = bench.run(bench.write(does="print('x' * 3_000_000); self.client.get('/items')"), closed(2, 0.5))
    assert len(loaded.log) < 5_000_000
    assert "dropped" in loaded.log


@pytest.mark.parametrize(
    "phase", [pytest.param(closed(1, 0.8), id="closed"), pytest.param(arriving(5, 0.8), id="open")]
)
@pytest.mark.parametrize("catches", [False, True], ids=["plain", "with-block"])
def test_what_the_usual_client_does_before_sending_is_not_service_time(
    bench: Bench, phase: Phase, catches: bool
) -> None:
    asks = "self.client.get('/items', auth=lambda r: time.sleep(0.2) or r, catch_response=True)"
    does = f"with {asks}: pass" if catches else asks.replace(", catch_response=True", "")
    loaded = bench.run(bench.write("HttpUser", does), phase)
    assert {(Outcome.OK, NO_KIND)} == set(loaded.count())
    assert loaded.most_ms("GET:/items", Measure.SERVICE) < 200


def test_what_the_user_does_before_an_arrivals_sending_makes_its_answer_late(bench: Bench) -> None:
    does = "self.client.get('/items', auth=lambda r: time.sleep(0.2) or r)"
    loaded = bench.run(bench.write("HttpUser", does), arriving(5, 0.8))
    assert loaded.most_ms("GET:/items", Measure.RESPONSE) >= 190
    assert loaded.most_ms("GET:/items", Measure.SERVICE) < 200


@pytest.mark.parametrize("base", ["FastHttpUser", "HttpUser"])
def test_a_time_that_the_file_gives_is_believed(bench: Bench, base: str) -> None:
    does = """
                with self.client.get('/items', catch_response=True) as it: it.request_meta['response_time'] = 3000
    """
    loaded = bench.run(bench.write(base, does.strip()), closed(1, 0.3))
    assert loaded.most_ms("GET:/items", Measure.SERVICE) >= 2900


@pytest.mark.parametrize("base", ["FastHttpUser", "HttpUser"])
def test_a_body_that_is_left_to_the_user_is_recorded_as_before(bench: Bench, base: str) -> None:
    loaded = bench.run(bench.write(base, "self.client.get('/items', stream=True).content"), closed(1, 0.3))
    assert {(Outcome.OK, NO_KIND)} == set(loaded.count())
    assert not any("unknown to poolstorm" in note for note in loaded.notes)
