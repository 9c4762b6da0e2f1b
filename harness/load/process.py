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
from harness.load.crowd import CrowdError
from harness.load.generator import Generator
from harness.load.messages import keep_standard_output


def main() -> None:
    """`python -m harness.load.process`: see the module's text."""
    tell = keep_standard_output()
    order = messages.LoadOrder.model_validate_json(sys.stdin.buffer.readline())
    try:
        generator = Generator(order, tell)
        gevent.signal_handler(signal.SIGTERM, generator.stopping.set)
        tell(messages.Ready(locust=locust.__version__))
        start = sys.stdin.buffer.readline()
        if not start:
            return  # the harness has gone
        generator.run(messages.StartOrder.model_validate_json(start).origin_ns)
    except CrowdError as error:
        sys.exit(f"error: {error}")
    except SystemExit as end:  # gevent has it reach the main greenlet, whichever raises it
        sys.exit(
            f"error: the locustfile ends its process by sys.exit({end.code!r}); have it raise StopUser instead"
        )
    os.close(order.samples_fd)
    tell(generator.account())


if __name__ == "__main__":
    main()
