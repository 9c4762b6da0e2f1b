"""Both sides of a gate ready to be run: as they were named, or as two revisions, checked out and installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from harness.environment.leash import Leash
from harness.errors import PlanError
from harness.gate.install import INSTALLED_WITHIN_S
from harness.gate.revisions import as_side, two_revisions
from harness.gate.revisions_repository import (
    HEAD,
    NOT_OF_THE_APP,
    compared,
    find_repository,
    require_clean,
    same_twice,
)
from harness.gate.wish import GateWish
from harness.planning.wish import PlanFile


def names_nothing(wish: GateWish) -> bool:
    """Whether it was left open what is compared."""
    return not any(side.name or side.run or side.pool or side.env for side in (wish.base, wish.head))


@contextmanager
def two_sides(
    plan_file: PlanFile,
    wish: GateWish,
    base_ref: str | None,
    *,
    allow_dirty: bool = False,
    twice: bool = False,
    beside: Sequence[str] = (),
    say: Callable[[str], object],
) -> Iterator[GateWish]:
    """The gate with what it compares. Revisions are those of an app, where nothing else is named: `base_ref`, or
    by default where the branch left the main one, and what is checked out. They are gone when the block ends.
    What is not committed is refused, or with `allow_dirty` left aside. With `twice` both sides are `base_ref`.
    Files `beside` the app's own, as paths from its folder, may be new.

    Raises PlanError for what cannot be compared, EnvironmentSetupError for what cannot be installed.
    """
    if base_ref is None and not (plan_file.all_apps and names_nothing(wish)):
        yield wish
        return
    if not names_nothing(wish):
        raise PlanError("--base-ref compares two revisions; leave out --base, --head and what belongs to them")
    if len(plan_file.all_apps) != 1:
        raise PlanError("--base-ref compares revisions of one app; describe it in poolstorm.toml, or with --app")
    (app,) = plan_file.all_apps
    repository = find_repository(Path(app.directory or Path.cwd()))
    base, head = same_twice(repository, base_ref or HEAD) if twice else compared(repository, base_ref)
    if not allow_dirty:
        require_clean(repository, (*NOT_OF_THE_APP, *beside))
    table = plan_file.gate
    with (
        Leash() as leash,
        two_revisions(
            leash,
            repository,
            base,
            head,
            command=table.install,
            within_s=table.install_within_s or INSTALLED_WITHIN_S,
            progress=say,
        ) as revisions,
    ):
        for remark in (remark for revision in revisions for remark in revision.remarks):
            say(remark)
        of_base, of_head = (
            replace(side, app=as_side(app, revision, repository), commit=revision.commit)
            for side, revision in zip((wish.base, wish.head), revisions, strict=True)
        )
        yield replace(wish, base=of_base, head=of_head)
