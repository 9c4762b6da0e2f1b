"""Several load processes as one: Locust's master, which speaks to the harness as a single generator would.

Each worker runs its share of the one seeded schedule and folds its own samples. The master hands out orders,
adds up gauges, and at the end joins the workers' histogram logs: parts of an interval add up, so the joined
log is the exact sum. A worker elsewhere has a clock of its own; its offset is measured before the start.
"""

from __future__ import annotations

# In this order: the one sets how gevent works, the other has it patch the standard library.
import harness.load.event_loop  # noqa: F401

# isort: split
import locust

# isort: split
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import gevent
from locust.env import Environment
from locust.runners import STATE_MISSING

from harness.load import messages
from harness.load.merging import Merger, Tags
from harness.load.messages import to_standard_output
from harness.load.recorder import MOST_WRITES
from harness.records import HLOG_HEADER, Mark, MarkKind

HELLO, ORDER, START, STOP, CLOCK, EVENT, LOG, HISTORY = (
    "poolstorm-hello",
    "poolstorm-order",
    "poolstorm-start",
    "poolstorm-stop",
    "poolstorm-clock",
    "poolstorm-event",
    "poolstorm-log",
    "poolstorm-history",
)
GATHER_S = 30.0
CLOCK_ROUNDS = 9
POLL_S = 0.02


class GatheringError(Exception):
    """The workers did not come together; the text is for the user."""


class Master:
    """Gathers `count` workers on `host:port` and conducts them; `arrived` hears how many have come, one by one."""

    def __init__(self, host: str, port: int, count: int, arrived: Callable[[int], None] | None = None) -> None:
        self._count = count
        self._arrived = arrived
        self._runner = Environment().create_master_runner(host, port)
        self._runner.register_message(HELLO, self._on_hello)
        self._runner.register_message(EVENT, self._on_event)
        self._runner.register_message(CLOCK, self._on_clock)
        self._runner.register_message(LOG, self._on_log)
        self._runner.register_message(HISTORY, self._on_history)
        self._present: list[str] = []
        self._strangers: set[str] = set()  # versions of poolstorm that are not ours
        self._workers: list[str] = []
        self._ready: set[str] = set()
        self._refusals: list[str] = []  # why a worker cannot begin
        self._logged: set[str] = set()
        self._lost: set[str] = set()
        self._round_trips_ns: dict[str, list[tuple[int, int]]] = {}  # worker -> (round trip, offset)
        self._merger = Merger(count)
        self._tags: Tags | None = None  # where names are somebody else's
        self._failure = ""  # why what the workers handed in is not all on disk
        self._writes = self._writes_dropped = 0

    def call_roll(self, within_s: float, mend: str = "") -> None:
        """Wait until the workers are there. Raises GatheringError, which says how to `mend` it."""
        # Not when Locust calls them ready: a worker drops what comes before it has said which messages it takes.
        workers = "the worker" if self._count == 1 else f"all {self._count} workers"
        self._wait(lambda: len(self._present) >= self._count, f"{workers} to connect{mend}", within_s)

    def gather(self, order: messages.LoadOrder) -> None:
        """Wait for the workers, hand out their orders, compare clocks. Raises GatheringError."""
        self.call_roll(GATHER_S)
        self._workers = self._present[: self._count]
        self._tags = Tags(len(order.scenario.phases)) if order.locustfile else None
        for index, worker in enumerate(self._workers):
            self._send(ORDER, {"order": order.model_dump_json(), "index": index, "count": self._count}, worker)
        self._wait(lambda: len(self._ready) == self._count, "the workers to get ready")
        for _ in range(CLOCK_ROUNDS):
            for worker in self._workers:
                self._send(CLOCK, {"sent": time.monotonic_ns()}, worker)
            gevent.sleep(0.01)
        self._wait(lambda: len(self._round_trips_ns) == self._count, "the workers' clocks")

    def conduct(self, origin_ns: int, log: IO[str], history: IO[str] | None = None) -> messages.Done:
        """Start together, and wait for every worker that lives to end and to hand in its part of the `log`, and
        of the history of writes where there is one.
        """
        self._origin_ns = origin_ns
        self._log, self._history = log, history  # nothing comes for them before the start
        self._write(log, HLOG_HEADER)
        spent_before_s = time.process_time()
        for worker in self._workers:
            _, offset_ns = min(self._round_trips_ns[worker])
            self._send(START, {"origin_ns": origin_ns + offset_ns}, worker)
        while len(self._logged | self._lost) < self._count:
            gevent.sleep(POLL_S)
            self._look_for_lost()
        done = self._merger.account(lost=len(self._lost), own_cpu_s=time.process_time() - spent_before_s)
        return done.model_copy(
            update={
                "writes": self._writes,
                "writes_dropped": done.writes_dropped + self._writes_dropped,
                "failure": "; ".join(filter(None, (done.failure, self._failure))),
            }
        )

    def stop(self) -> None:
        """Have every worker end its load early."""
        for worker in self._workers:
            self._send(STOP, {}, worker)

    def quit(self) -> None:
        """Send the workers home."""
        self._runner.quit()

    def _send(self, kind: str, data: dict[str, Any], worker: str) -> None:
        self._runner.send_message(kind, data, worker)

    def _wait(self, come: Callable[[], bool], what: str, within_s: float = GATHER_S) -> None:
        deadline_s = time.monotonic() + within_s
        while not come():
            if self._refusals:
                raise GatheringError(self._refusals[0])
            if self._strangers:
                raise GatheringError(
                    f"an attached worker is of poolstorm {', '.join(sorted(self._strangers))} and this is "
                    f"{version('poolstorm')}; install the same over there"
                )
            if time.monotonic() > deadline_s:
                raise GatheringError(f"waited {within_s:g} s in vain for {what}")
            gevent.sleep(POLL_S)

    def _look_for_lost(self) -> None:
        """A worker that is gone, or whose heartbeat has stopped, is no longer waited for."""
        for worker in set(self._workers) - self._logged - self._lost:
            node = self._runner.clients.get(worker)
            if node is None or node.state == STATE_MISSING:
                self._lost.add(worker)
                t_ns = time.monotonic_ns() - self._origin_ns
                detail = f"load worker {self._workers.index(worker) + 1} of {self._count} is gone"
                to_standard_output(messages.Marked(mark=Mark(t_ns=t_ns, kind=MarkKind.NOTE, detail=detail)))
                for event in self._merger.lose(worker):
                    to_standard_output(event)

    def _on_hello(self, msg: Any, **_: Any) -> None:
        if (theirs := msg.data["version"]) != version("poolstorm"):
            self._strangers.add(theirs)
        elif msg.node_id not in self._present:
            self._present.append(msg.node_id)
            if self._arrived:
                self._arrived(len(self._present))

    def _on_clock(self, msg: Any, **_: Any) -> None:
        now_ns = time.monotonic_ns()
        sent_ns, there_ns = msg.data["sent"], msg.data["here"]
        # What reads the same clock needs no offset; measuring one would only add noise.
        offset_ns = 0 if msg.data["clock"] == clock_id() else there_ns - (sent_ns + now_ns) // 2
        self._round_trips_ns.setdefault(msg.node_id, []).append((now_ns - sent_ns, offset_ns))

    def _on_event(self, msg: Any, **_: Any) -> None:
        event = messages.decode_event(msg.data["line"])
        if isinstance(event, messages.Ready):
            self._ready.add(msg.node_id)
            return
        if isinstance(event, messages.Refused):
            self._refusals.append(event.reason)
            return
        for merged in self._merger.add(msg.node_id, event):
            to_standard_output(merged)

    def _on_log(self, msg: Any, **_: Any) -> None:
        text: str = msg.data["text"]
        if self._tags is not None:
            text = "".join(map(self._tags.bounded, text.splitlines(keepends=True)))
        self._write(self._log, text)
        if msg.data["last"]:
            self._logged.add(msg.node_id)

    def _on_history(self, msg: Any, **_: Any) -> None:
        if self._history is None:
            return
        lines = msg.data["text"].splitlines(keepends=True)
        kept = lines[: MOST_WRITES - self._writes]
        self._writes += len(kept)
        self._writes_dropped += len(lines) - len(kept)
        self._write(self._history, "".join(kept))

    def _write(self, file: IO[str], text: str) -> None:
        """To disk; the first failure is kept, and the load goes on."""
        if self._failure:
            return
        try:
            file.write(text)
            file.flush()
        except OSError as error:
            self._failure = f"what the workers recorded cannot be written ({error.strerror})"


def clock_id() -> str:
    """What tells this process's monotonic clock from others: the machine's boot, and the time namespace in it.

    By the machine's name where the system does not say.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/time').readlink()}"
    except OSError:
        return f"{platform.node()} {sys.platform}"


def _next_line() -> bytes:
    """A line of standard input, UTF-8 in any locale; read on a thread so that the loop goes on turning."""
    return bytes(gevent.get_hub().threadpool.apply(sys.stdin.buffer.readline))


@contextmanager
def master_of(host: str, port: int, count: int, arrived: Callable[[int], None] | None = None) -> Iterator[Master]:
    """A master for the block; then its workers are sent home, and if they did not gather the process fails."""
    master = Master(host, port, count, arrived)
    try:
        yield master
    except GatheringError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    finally:
        master.quit()


def main() -> None:
    """`python -m harness.load.master HOST PORT COUNT LOG HISTORY`: the generator's protocol on standard streams.

    LOG and HISTORY are open files' descriptors, for the joined histogram log and the joined history of writes;
    HISTORY may be -1.
    """
    host, port, count, log_fd, history_fd = sys.argv[1:]
    log = os.fdopen(int(log_fd), "w", encoding="ascii")
    history = os.fdopen(int(history_fd), "w", encoding="utf-8") if int(history_fd) >= 0 else None
    with master_of(host, int(port), int(count)) as master:
        order = _next_line()
        if not order:
            return
        master.gather(messages.LoadOrder.model_validate_json(order))
        gevent.signal_handler(signal.SIGTERM, master.stop)
        to_standard_output(messages.Ready(locust=locust.__version__))
        start = _next_line()
        if not start:
            return
        to_standard_output(master.conduct(messages.StartOrder.model_validate_json(start).origin_ns, log, history))


if __name__ == "__main__":
    main()
