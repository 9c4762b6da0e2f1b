"""A locustfile of the user's: what of it is to be run, and what was found in it. Knows no Locust."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness.errors import PlanError, shown
from harness.records import LocustfileRecord

USUAL_USERS = 10
"""Closed users of the scenario `as-written` where nothing else is said."""

MOST_BYTES = 5_000_000


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Locustfile(_Value):
    """Which file, and which of its user classes and tasks: without `user_classes` all, without `tags` all tasks.

    `users` and `length_s` are what its command line would be told with `--users` and `--run-time`.
    """

    path: Path
    tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()
    user_classes: tuple[str, ...] = ()
    users: int = USUAL_USERS
    length_s: float | None = None


class FoundClass(_Value):
    """One of its user classes, as chosen: how often it is picked, or how many of it there are to be."""

    name: str
    client: str  # `HttpUser`, `FastHttpUser` or `User`, which brings a client of its own
    weight: float
    fixed_count: int = 0

    def describe(self) -> str:
        """A few words, such as `Shopper (FastHttpUser, weight 3)`."""
        how_many = f"{self.fixed_count} of it" if self.fixed_count else f"weight {self.weight:g}"
        return f"{self.name} ({self.client}, {how_many})"


class FoundShape(_Value):
    """Its LoadTestShape. `length_s` is None where it has no end within what was stepped through, or could not be
    stepped; `remark` says why.
    """

    name: str
    length_s: float | None
    most_users: int
    remark: str = ""


class Found(_Value):
    """What is in a locustfile. `problem` says, in one line, why it cannot be used; empty where it can."""

    user_classes: tuple[FoundClass, ...] = ()
    tags: tuple[str, ...] = ()
    shape: FoundShape | None = None
    problem: str = ""


class Inspected(_Value):
    """A locustfile that can be used, and what was found in it."""

    file: Locustfile
    found: Found

    def record(self) -> LocustfileRecord:
        """For the manifest. Raises PlanError where the file has gone."""
        digest = hashlib.sha256(require_file(self.file.path).read_bytes()).hexdigest()
        return LocustfileRecord(name=self.file.path.name, sha256=digest, users=self.describe())

    def describe(self) -> str:
        """Who puts the load on, such as `shop.py: Shopper (HttpUser, weight 3)`."""
        tags = [f"tags {', '.join(self.file.tags)}"] if self.file.tags else []
        tags += [f"without {', '.join(self.file.exclude_tags)}"] if self.file.exclude_tags else []
        classes = ", ".join(one.describe() for one in self.found.user_classes)
        return f"{self.file.path.name}: {'; '.join([classes, *tags])}"


def require_file(path: Path) -> Path:
    """The absolute path of a locustfile. Raises PlanError where there is none."""
    where = f"locustfile {shown(str(path))}"
    try:
        found = path.absolute()
        if found.is_dir():
            raise PlanError(f"{where} is a folder; name the file in it")
        size = found.stat().st_size
        if not found.is_file() or size > MOST_BYTES:  # a pipe would be waited for
            raise PlanError(f"{where} is no file of Python; name the one with your user classes")
        with found.open("rb"):
            pass
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise PlanError(f"{where} cannot be read: {reason}; check its name") from None
    return found
