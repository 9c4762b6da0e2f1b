"""Imports a locustfile, as Locust would, and says what is wrong with one that cannot be used.

Import this only in a process that runs nothing else than a user's locustfile.
"""

from __future__ import annotations

# In this order: the one sets how gevent works, the other has it patch the standard library.
import harness.load.event_loop  # noqa: F401

# isort: split
import locust

# isort: split
import importlib.util
import inspect
import sys
import traceback
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import locust.log
from locust import FastHttpUser, HttpUser, LoadTestShape, TaskSet, User
from locust.argument_parser import get_parser
from locust.user.task import filter_tasks_by_tags
from locust.util.load_locustfile import is_shape_class, is_user_class

from harness.errors import plain_line, shown, unknown_name
from harness.locustfile import Locustfile

OURS = frozenset({"harness", "reports", "scenarios", "targets"})
"""Packages that a process of ours has under these names."""
_SURROGATE = "locustfile"
"""The module's name where its file's own is taken."""


class LocustfileError(Exception):
    """A locustfile cannot be used; the text is for its author, in one line that names the mend."""


@dataclass(frozen=True)
class Loaded:
    """What is to be run of a locustfile. `tags` are all of its chosen classes, `options` its command line's."""

    user_classes: Sequence[type[User]]
    shape: LoadTestShape | None
    options: Namespace
    tags: frozenset[str]


def load(file: Locustfile) -> Loaded:
    """Import it, choose among its classes and tasks, and give its options their defaults.

    Its folder and the working directory are searched for what it imports, from now on. Raises LocustfileError.
    """
    module = _imported(file.path)
    classes = _chosen(_user_classes(module), file)
    tags = frozenset(tag for user_class in classes for tag in _tags_of(user_class, set()))
    classes = _tagged(classes, tags, file)
    if not any(user_class.weight > 0 or user_class.fixed_count > 0 for user_class in classes):
        raise LocustfileError("gives each of its user classes the weight 0; give one some weight")
    classes = [one for one in classes if one.weight > 0 or one.fixed_count > 0]
    return Loaded(classes, _shape(module), _options(file), tags)


def client_of(user_class: type[User]) -> str:
    """Which of Locust's HTTP clients its users have; `User` for one of their own."""
    return next((base.__name__ for base in (FastHttpUser, HttpUser) if issubclass(user_class, base)), "User")


def _imported(path: Path) -> ModuleType:
    sys.dont_write_bytecode = True  # nothing is left behind in the user's folder
    sys.argv[:] = ["locust"]
    sys.path[:0] = [str(path.parent), str(Path.cwd())]
    name = _SURROGATE if path.stem in sys.modules else path.stem
    spec = importlib.util.spec_from_loader(name, SourceFileLoader(name, str(path)))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        raise LocustfileError(import_problem(error, path)) from error
    return module


def import_problem(error: BaseException, path: Path) -> str:
    """What went wrong while a locustfile was imported."""
    where = _place(error, path)
    match error:
        case SyntaxError():
            return f"{_syntax_place(error, path)}: {type(error).__name__}: {error.msg}; mend that place"
        case ImportError(name=str(name)) if name.partition(".")[0] in OURS:
            return f"{where}: {name!r} bears the name of a package of poolstorm's; rename it"
        case ModuleNotFoundError(name=str(name)):
            return f"{where}: there is no module {name!r}; install it beside poolstorm"
        case SystemExit():
            return f"{where}: calls sys.exit as it is imported; do that under if __name__ == '__main__'"
    return f"{where}: {type(error).__name__}: {plain_line(str(error), 160)}; mend that place"


def _syntax_place(error: SyntaxError, path: Path) -> str:
    line = f"line {error.lineno or 1}"
    return line if not error.filename or Path(error.filename) == path else f"{error.filename}, {line}"


def _place(error: BaseException, path: Path) -> str:
    """The last line of the file itself on the way to an error."""
    frames = traceback.extract_tb(error.__traceback__)
    return next((f"line {frame.lineno}" for frame in reversed(frames) if frame.filename == str(path)), "import")


def _user_classes(module: ModuleType) -> dict[str, type[User]]:
    found: dict[str, type[User]] = {}
    for name, item in vars(module).items():
        if is_user_class(item) and item not in found.values():
            found[name] = item
    if not found:
        raise LocustfileError(
            "has no users; define a class that derives from HttpUser or FastHttpUser and is not abstract"
        )
    names = [user_class.__name__ for user_class in found.values()]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise LocustfileError(f"has two user classes named {shown(twice)}; rename one")
    return found


def _chosen(found: dict[str, type[User]], file: Locustfile) -> list[type[User]]:
    named = found | {user_class.__name__: user_class for user_class in found.values()}
    for name in file.user_classes:
        if name not in named:
            raise LocustfileError(unknown_name("user class", name, found))
    return (
        list(dict.fromkeys(named[name] for name in file.user_classes)) if file.user_classes else [*found.values()]
    )


def _tags_of(holder: Any, seen: set[int]) -> Iterator[str]:
    for task in getattr(holder, "tasks", ()):
        if id(task) in seen:
            continue
        seen.add(id(task))
        yield from getattr(task, "locust_tag_set", ())
        yield from _tags_of(task, seen)


def _tagged(classes: list[type[User]], tags: frozenset[str], file: Locustfile) -> list[type[User]]:
    """The classes that have tasks left; the others are left out."""
    for tag in (*file.tags, *file.exclude_tags):
        if tag not in tags:
            raise LocustfileError(f"{unknown_name('tag', tag, tags)}{'' if tags else 'none'}")
    for user_class in classes:
        if not user_class.tasks:
            raise LocustfileError(f"user class {user_class.__name__!r} has no tasks; mark some with @task")
    if not file.tags and not file.exclude_tags:
        return classes
    for user_class in classes:
        filter_tasks_by_tags(user_class, set(file.tags) or None, set(file.exclude_tags) or None)
    left = [user_class for user_class in classes if user_class.tasks]
    if not left:
        raise LocustfileError("has no task that its tags leave; change tags or exclude_tags")
    return left


def task_sets(holder: Any, seen: set[int] | None = None) -> Iterator[type[TaskSet]]:
    """All task sets below a user class, each once."""
    seen = set() if seen is None else seen
    for task in getattr(holder, "tasks", ()):
        if inspect.isclass(task) and issubclass(task, TaskSet) and id(task) not in seen:
            seen.add(id(task))
            yield task
            yield from task_sets(task, seen)


def _shape(module: ModuleType) -> LoadTestShape | None:
    shape_class = next((item for item in vars(module).values() if is_shape_class(item)), None)
    if shape_class is None:
        return None
    try:
        shape: LoadTestShape = shape_class()
    except Exception as error:
        raise LocustfileError(
            f"its {shape_class.__name__} cannot be made ({type(error).__name__}: {plain_line(str(error), 160)}); "
            "mend its __init__"
        ) from error
    return shape


def _options(file: Locustfile) -> Namespace:
    """As Locust would parse a command line that says how many users, and for how long."""
    # No files: one for another run, in the working directory, has no say in this one.
    locust.log.unhandled_greenlet_exception = False
    parser = get_parser(default_config_files=[])
    if locust.log.unhandled_greenlet_exception:  # what listeners raise is logged, and no more
        raise LocustfileError("its listener of init_command_line_parser raises an exception; mend it")

    def refuse(message: str) -> NoReturn:
        raise LocustfileError(
            f"needs options that poolstorm does not give ({plain_line(message, 160)}); give them defaults"
        )

    parser.error = refuse  # type: ignore[method-assign]
    words = ["--headless", "--users", str(file.users), "--spawn-rate", str(file.users)]
    if file.length_s is not None:
        words += ["--run-time", str(max(1, round(file.length_s)))]
    for option, tags in (("--tags", file.tags), ("--exclude-tags", file.exclude_tags)):
        words += [option, *tags] if tags else []
    options: Namespace = parser.parse_args(words)
    return options
