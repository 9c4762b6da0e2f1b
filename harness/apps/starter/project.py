"""A project as texts by path, its Python parsed, and what several finders ask of it. Pure."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

_ASIDE = frozenset({"tests", "test", "testing", "e2e"})
_LESS_LIKELY = frozenset({"examples", "example", "docs", "docs_src", "scripts", "benchmarks", "samples", "tools"})
MARKERS = (
    *("alembic.ini", "pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Pipfile", "manage.py"),
    *("uv.lock", "poetry.lock", ".env"),
)
"""Files that lie in the folder from which people start a service."""


@dataclass(frozen=True)
class Project:
    """`texts` by path from the project's folder, with `/`; `programs` are paths of programs in its virtual
    environments. `partly` says that there was more than was read.
    """

    texts: Mapping[str, str]
    programs: frozenset[str] = frozenset()
    partly: bool = False

    @cached_property
    def modules(self) -> tuple[Module, ...]:
        """Its Python files that can be parsed, without tests."""
        parsed = (_parse(path, text) for path, text in sorted(self.texts.items()) if _is_of_service(path))
        return tuple(module for module in parsed if module is not None)

    @cached_property
    def folders(self) -> frozenset[str]:
        """Those that hold a file, by path; the project's own is `""`."""
        return frozenset(folder_of(path) for path in self.texts)

    def has(self, folder: str, *names: str) -> bool:
        """Whether one of these files lies in the folder."""
        return any(joined(folder, name) in self.texts for name in names)


@dataclass(frozen=True)
class Module:
    """A Python file: its path, its syntax, and what its imports call things."""

    path: str
    tree: ast.Module = field(repr=False)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(self.tree))

    @cached_property
    def imports(self) -> Mapping[str, str]:
        """Names in the file -> dotted names of what they stand for."""
        found = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    first = alias.name.partition(".")[0]
                    found[alias.asname or first] = alias.name if alias.asname else first
            elif isinstance(node, ast.ImportFrom):
                module = "." * node.level + (node.module or "")
                for alias in node.names:
                    found[alias.asname or alias.name] = f"{module}.{alias.name}" if module else alias.name
        return found

    @property
    def is_unlikely(self) -> bool:
        """Whether it lies where examples and tools do."""
        return not _LESS_LIKELY.isdisjoint(PurePosixPath(self.path).parts[:-1])

    def dotted(self, node: ast.AST | None) -> str:
        """What a name or an attribute stands for, such as `fastapi.FastAPI`; empty for anything else."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        return ".".join([self.imports.get(node.id, node.id), *reversed(parts)])

    def called(self, node: ast.AST | None) -> str:
        """The dotted name of what is called; empty where nothing is."""
        return self.dotted(node.func) if isinstance(node, ast.Call) else ""

    def statements(self) -> Iterator[ast.stmt]:
        """Those that are run when the file is imported, within `if`, `try` and `with` too."""
        waiting = list(reversed(self.tree.body))
        while waiting:
            statement = waiting.pop()
            yield statement
            if isinstance(statement, ast.If | ast.Try | ast.With):
                body = [] if isinstance(statement, ast.If) and self._is_never(statement.test) else statement.body
                waiting.extend(reversed([*body, *getattr(statement, "orelse", ())]))

    def _is_never(self, test: ast.expr) -> bool:
        """Whether it is `__name__ == "__main__"` or `TYPE_CHECKING`, which an import does not meet."""
        if isinstance(test, ast.Compare):
            said = [self.dotted(test.left), *map(constant, test.comparators)]
            return said == ["__name__", "__main__"] and isinstance(test.ops[0], ast.Eq)
        return self.dotted(test).rpartition(".")[2] == "TYPE_CHECKING"


def assigned(statement: ast.AST) -> tuple[str, ast.expr | None]:
    """The one name that is assigned to, and its value; an empty name for any other statement."""
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id, statement.value
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        if isinstance(target, ast.Name):
            return target.id, statement.value
    return "", None


def constant(node: ast.AST | None) -> str | None:
    """The text that stands there literally."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def keyword(call: ast.Call, *names: str) -> ast.expr | None:
    """The value of the first keyword argument of one of these names."""
    return next((given.value for given in call.keywords if given.arg in names), None)


def folder_of(path: str) -> str:
    """`""` for what lies at the top."""
    return path.rpartition("/")[0]


def joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def below(folder: str, path: str) -> str | None:
    """The path from that folder; `""` for the folder itself, None for what lies elsewhere."""
    if not folder or path == folder:
        return "" if path == folder else path
    return path.removeprefix(f"{folder}/") if path.startswith(f"{folder}/") else None


def upwards(folder: str) -> Iterator[str]:
    """The folder, the one above it, and so on to the project's own."""
    while folder:
        yield folder
        folder = folder_of(folder)
    yield ""


def is_name(dotted: str) -> bool:
    """Whether it can be written in a command without quotes."""
    return re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", dotted, re.ASCII) is not None


def _is_of_service(path: str) -> bool:
    parts = PurePosixPath(path)
    if parts.suffix != ".py" or not _ASIDE.isdisjoint(parts.parts[:-1]):
        return False
    return not (parts.stem.startswith("test_") or parts.stem.endswith("_test") or parts.stem == "conftest")


def _parse(path: str, text: str) -> Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as of an invalid escape: the project's own affair
            return Module(path, ast.parse(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
