"""The command `poolstorm init`: arguments, and the one file that it writes."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from harness.errors import PoolstormError, shown
from harness.options import USUAL_PLAN


def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The project's folder.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace a poolstorm.toml that is there.")] = False,
) -> None:
    """Look at a project, without running any of it, and write a starter poolstorm.toml into its folder."""
    from harness.apps.starter.folder import read_project
    from harness.apps.starter.starter import look_at
    from harness.apps.starter.text import left_to_do, plan_text, told_lines
    from harness.terminal import say

    place = folder / USUAL_PLAN
    if not force and os.path.lexists(place):  # before what takes time
        raise _there_already(place)
    starter = look_at(read_project(folder))
    _write(place, plan_text(starter), replace=force)
    say(*told_lines(starter), "", f"written: {place}")
    change = "" if folder.samefile(os.curdir) else f"cd {shlex.quote(str(folder))} && "
    if todo := left_to_do(starter):
        say(f"next: put {' and '.join(todo)} there, then {change}poolstorm run --dry-run")
    else:
        say(f"next: {change}poolstorm run --dry-run, and without --dry-run to run it")


def _there_already(place: Path) -> PoolstormError:
    return PoolstormError(f"there is a {shown(str(place))} already; --force replaces it")


def _write(place: Path, text: str, *, replace: bool) -> None:
    """All of it or nothing; a link is replaced, and not what it leads to."""
    written = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        with written.open("x", encoding="utf-8") as file:
            file.write(text)
        if replace:
            written.replace(place)
        else:
            os.link(written, place)  # fails where another has come first
    except FileExistsError:
        raise _there_already(place) from None
    except OSError as error:
        raise PoolstormError(
            f"cannot write {shown(str(place))} ({error.strerror}); name another folder"
        ) from error
    finally:
        written.unlink(missing_ok=True)
