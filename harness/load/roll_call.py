"""The roll call before a run: a master that only waits until the attached workers are there."""

from __future__ import annotations

# In this order: the one sets how gevent works, the other has it patch the standard library.
import harness.load.event_loop  # noqa: F401

# isort: split
import sys

from harness.load.master import master_of


def main() -> None:
    """`python -m harness.load.roll_call HOST PORT COUNT SECONDS`: a line for each worker that comes."""
    host, port, count, within_s = sys.argv[1:]

    def arrived(number: int) -> None:
        sys.stdout.write(f"{number} of {count} attached workers {'is' if number == 1 else 'are'} here\n")
        sys.stdout.flush()

    with master_of(host, int(port), int(count), arrived) as master:
        master.call_roll(float(within_s), f"; start them with 'poolstorm worker {host}:{port}'")


if __name__ == "__main__":
    main()
