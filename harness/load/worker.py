"""One of several load processes: Locust's worker, running its share of the load.

It connects to the master, which may be on another machine, and needs nothing else: the scenario comes with the
order, samples are folded by a recorder of its own, and the histogram log goes back to the master at the end.
"""

from __future__ import annotations

# In this order: the one sets how gevent works, the other has it patch the standard library.
import harness.load.event_loop  # noqa: F401

# isort: split
import locust

# isort: split
import os
import signal
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from typing import IO, Any

import gevent
from gevent.event import AsyncResult
from locust.env import Environment

from harness.environment.children import module_command
from harness.load import messages
from harness.load.arrivals import Share
from harness.load.crowd import CrowdError
from harness.load.generator import Generator
from harness.load.master import CLOCK, EVENT, HELLO, HISTORY, LOG, ORDER, START, STOP, clock_id
from harness.load.workers import NO_LOAD
from harness.records import response_interval_ns

HELLO_EVERY_S = 1.0
SENT_HOME_WITHIN_S = 10.0
RECORDED_WITHIN_S = 20.0
"""How long the recorder may take after the load."""
CHUNK = 60_000
"""Characters of the log that go in one message."""


class Worker:
    """Connected on construction; `run` does one load."""

    def __init__(self, host: str, port: int) -> None:
        self._order: AsyncResult = AsyncResult()
        self._origin_ns: AsyncResult = AsyncResult()
        self._generator: Generator | None = None
        self._runner = Environment().create_worker_runner(host, port)
        self._runner.register_message(ORDER, lambda msg, **_: self._order.set(msg.data))
        self._runner.register_message(START, lambda msg, **_: self._origin_ns.set(msg.data["origin_ns"]))
        self._runner.register_message(CLOCK, self._on_clock)
        self._runner.register_message(STOP, lambda **_: self.stop())

    def stop(self) -> None:
        """End the load early."""
        if self._generator is not None:
            self._generator.stopping.set()

    def run(self) -> bool:
        """Wait for an order, carry it out, hand in the log. False if the master sends home without one."""
        while not self._order.ready():
            if not len(self._runner.greenlet):
                return False
            self._say_hello()
            self._order.wait(timeout=HELLO_EVERY_S)
        data = self._order.get()
        order = messages.LoadOrder.model_validate_json(data["order"])
        # Files without a name: however this process ends, nothing of them stays.
        with (
            tempfile.TemporaryFile("w+", encoding="ascii") as log,
            tempfile.TemporaryFile("w+", encoding="utf-8") as history,
        ):
            files = (log.fileno(), history.fileno() if order.record_writes else -1)
            recorder, samples_fd = _start_recorder(files, response_interval_ns(order.scenario))
            order = order.model_copy(update={"samples_fd": samples_fd})
            try:
                generator = Generator(order, self._tell, Share(data["index"], data["count"]))
            except CrowdError as error:
                os.close(samples_fd)
                _recorded(recorder)
                self._tell(messages.Refused(reason=str(error)))
                self._wait_to_be_sent_home()
                return True
            self._generator = generator
            self._tell(messages.Ready(locust=locust.__version__))
            failure = _run(generator, self._origin_ns.get())
            os.close(samples_fd)
            account = generator.account()
            failure = "; ".join(filter(None, (account.failure, failure)))
            account = account.model_copy(update={"failure": failure})
            self._tell(account.with_recorded(_recorded(recorder)))
            self._hand_in(history, HISTORY)
            self._hand_in(log, LOG)
        self._wait_to_be_sent_home()
        return True

    def _say_hello(self) -> None:
        """Tell the master that messages are taken from now on, and again as long as it has nothing to say.

        The master that welcomed this worker may have been one about to leave; its successor on the same port
        knows of nobody.
        """
        self._runner.connect_to_master()  # type: ignore[no-untyped-call]
        self._runner.send_message(HELLO, {"version": version("poolstorm")})

    def _wait_to_be_sent_home(self) -> None:
        """Leave no sooner than the master does.

        A successor on the same port would else be welcomed by the old master and never hear of the new one.
        """
        deadline_s = time.monotonic() + SENT_HOME_WITHIN_S
        while len(self._runner.greenlet) and time.monotonic() < deadline_s:
            gevent.sleep(0.05)

    def quit(self) -> None:
        """Take leave of the master."""
        self._runner.quit()

    def _tell(self, event: messages.Message) -> None:
        self._runner.send_message(EVENT, {"line": event.model_dump_json()})

    def _on_clock(self, msg: Any, **_: Any) -> None:
        answer = {"sent": msg.data["sent"], "here": time.monotonic_ns(), "clock": clock_id()}
        self._runner.send_message(CLOCK, answer)

    def _hand_in(self, file: IO[str], kind: str) -> None:
        """What was recorded without its head, in pieces of whole lines."""
        piece: list[str] = []
        size = 0
        file.seek(0)
        for line in file:
            if line.startswith(("#", '"')):
                continue
            piece.append(line)
            size += len(line)
            if size > CHUNK:
                self._runner.send_message(kind, {"text": "".join(piece), "last": False})
                piece, size = [], 0
        self._runner.send_message(kind, {"text": "".join(piece), "last": True})


def _run(generator: Generator, origin_ns: int) -> str:
    """The load; in words why it was none, empty where it was."""
    try:
        generator.run(origin_ns)
    except CrowdError as error:
        return str(error)
    return ""


def _start_recorder(files: tuple[int, int], interval_ns: int) -> tuple[subprocess.Popen[bytes], int]:
    """A recorder that ends by itself when this process does, and the end of the pipe to it."""
    read_fd, write_fd = os.pipe()
    try:
        arguments = module_command("harness.load.recorder", str(read_fd), *map(str, files), str(interval_ns))
        inherited = (read_fd, *(fd for fd in files if fd >= 0))
        return subprocess.Popen(arguments, stdout=subprocess.PIPE, pass_fds=inherited), write_fd
    finally:
        os.close(read_fd)


def _recorded(recorder: subprocess.Popen[bytes]) -> messages.Recorded:
    """What the recorder tells at its end; where it tells nothing, that."""
    try:
        said, _ = recorder.communicate(timeout=RECORDED_WITHIN_S)
        return messages.Recorded.model_validate_json(said)
    except subprocess.TimeoutExpired:
        recorder.kill()
        return messages.Recorded(failure=f"a recorder was not done {RECORDED_WITHIN_S:g} s after the load")
    except ValueError:
        return messages.Recorded(failure=f"a recorder died (exit status {recorder.returncode})")


def main() -> None:
    """`python -m harness.load.worker HOST PORT`: one load, then leave; with NO_LOAD if none was to be had."""
    try:
        worker = Worker(sys.argv[1], int(sys.argv[2]))
    except ConnectionError:  # Locust's own patience, five minutes
        sys.exit(NO_LOAD)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    served = worker.run()
    worker.quit()
    if not served:
        sys.exit(NO_LOAD)


if __name__ == "__main__":
    main()
