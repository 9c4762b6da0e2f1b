"""The command `poolstorm claims`: arguments only."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from harness.errors import EXIT_INTERRUPTED, InterruptedRunError
from harness.interrupts import heed_interrupts, uninterrupted
from harness.options import AllowRemote, DatabaseUrlOption, OnlyClaims, Seed, ToxiproxyUrl, new_id


def claims(
    only: OnlyClaims = None,
    quick: Annotated[bool, typer.Option("--quick", help="Short and once: a first look in five minutes.")] = False,
    seed: Seed = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to write. Default: runs/claims-<date and time>.")
    ] = None,
    read: Annotated[
        Path | None, typer.Option("--from", metavar="FOLDER", help="Rule anew on what was measured before.")
    ] = None,
    database_url: DatabaseUrlOption = None,
    allow_remote_database: AllowRemote = False,
    toxiproxy: ToxiproxyUrl = None,
) -> None:
    """Measure what a widely read tutorial on pooling states, and rule on each statement: supported, refuted or
    inconclusive, with figures and the condition. Half an hour.
    """
    from harness.environment.stack import StackOptions
    from harness.experiments import chosen_experiments
    from harness.plan import DEFAULT_SEED
    from harness.terminal import say
    from reports.claims.statements import experiments_for

    names = experiments_for(only)
    if read is not None:
        _rule(read, output or read, only)
        return
    from harness.claims import carry_out_claims

    chosen = chosen_experiments(names, quick=quick)
    claims_id = new_id("claims-")
    folder = output or Path("runs") / claims_id
    options = StackOptions(database_url, toxiproxy, allow_remote_database)
    heed_interrupts()
    ending = carry_out_claims(
        chosen,
        folder,
        claims_id,
        options,
        partial(say, error=True),
        quick=quick,
        seed=DEFAULT_SEED if seed is None else seed,
    )
    try:
        with uninterrupted() if ending.exit_code == EXIT_INTERRUPTED else nullcontext():
            _rule(folder, folder, only)
    except KeyboardInterrupt:
        raise InterruptedRunError(
            "interrupted before the rulings were written; what was measured is kept: "
            f"poolstorm claims --from {folder}"
        ) from None
    finally:
        if ending.line:
            say(ending.line, error=True)
    raise typer.Exit(ending.exit_code)


def _rule(folder: Path, output: Path, only: list[str] | None) -> None:
    """Rule on what a folder of claims holds, show it and write it down."""
    from harness.terminal import print_text, say
    from reports.claims import read_evidence, rule_all
    from reports.claims.formats import render_terminal, write_claims

    evidence = read_evidence(folder)
    report = rule_all(evidence, only)
    print_text(lambda width, colour: render_terminal(report, width=width, colour=colour))
    written = write_claims(report, evidence, output)
    say("", *(f"written: {path}" for path in written))
