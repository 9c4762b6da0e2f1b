"""The load process: Locust, headless, in a process of its own.

Orders come in on standard input and events leave on standard output (`harness.load.messages`); samples go to the
recorder.
"""

from __future__ import annotations

# In this order: the one sets how gevent works, the other has it patch the standard library.
import harness.load.event_loop  # noqa: F401

# isort: split
import locust

# isort: split
import os
import signal
import sys

import gevent

from harness.load import messages
from harness.load.generator import Generator
from harness.load.messages import to_standard_output


def main() -> None:
    """`python -m harness.load.process`: see the module's text."""
    order = messages.LoadOrder.model_validate_json(sys.stdin.buffer.readline())
    generator = Generator(order, to_standard_output)
    gevent.signal_handler(signal.SIGTERM, generator.stopping.set)
    to_standard_output(messages.Ready(locust=locust.__version__))
    start = sys.stdin.buffer.readline()
    if not start:
        return  # the harness has gone
    generator.run(messages.StartOrder.model_validate_json(start).origin_ns)
    os.close(order.samples_fd)
    to_standard_output(generator.account())


if __name__ == "__main__":
    main()
