"""Finds the ASGI app of a project: an object, or a function that makes one. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from harness.apps.starter.project import (
    MARKERS,
    Module,
    Project,
    assigned,
    below,
    folder_of,
    is_name,
    joined,
    keyword,
    upwards,
)

KINDS = {
    "fastapi.FastAPI": "FastAPI",
    "fastapi.applications.FastAPI": "FastAPI",
    "starlette.applications.Starlette": "Starlette",
    "litestar.Litestar": "Litestar",
    "quart.Quart": "Quart",
    "django.core.asgi.get_asgi_application": "Django",
}
_USUAL_NAMES = ("app", "application", "api")
_USUAL_FILES = ("main", "app", "asgi", "api", "server", "application", "__init__")
_SERVERS = re.compile(r"\b(?:uvicorn|gunicorn|hypercorn|granian|fastapi)\b(?P<rest>.{0,300})")
_TARGET = re.compile(r"(?<![\w.:/])([A-Za-z_][\w.]*:[A-Za-z_]\w*)\b", re.ASCII)
_FILE = re.compile(r"(?<![\w./-])([\w./-]+\.py)\b", re.ASCII)


@dataclass(frozen=True)
class AsgiApp:
    """`module:name` as uvicorn takes it, from `app_dir` of `directory`, both by path."""

    path: str
    module: str
    name: str
    kind: str
    directory: str = ""
    app_dir: str = ""
    is_factory: bool = False
    documents: bool = True
    """Whether it has an OpenAPI document at the usual place."""

    @property
    def target(self) -> str:
        return f"{self.module}:{self.name}"


def find_apps(project: Project) -> tuple[AsgiApp, ...]:
    """All that could be it, the likeliest first."""
    finder = _Finder(project)
    return tuple(found for _, found in sorted(finder.candidates(), key=lambda pair: pair[0]))


@dataclass(frozen=True)
class _Finder:
    project: Project

    def candidates(self) -> Iterator[tuple[tuple[object, ...], AsgiApp]]:
        for module in self.project.modules:
            for name, kind, is_factory, documents in self._of_module(module):
                directory, app_dir, dotted = _place(self.project, module)
                if not is_name(dotted):
                    continue
                found = AsgiApp(module.path, dotted, name, kind, directory, app_dir, is_factory, documents)
                yield self._rank(module, found), found

    def _of_module(self, module: Module) -> Iterator[tuple[str, str, bool, bool]]:
        seen = set()
        for statement in module.statements():
            name, value = assigned(statement)
            if not name or not isinstance(value, ast.Call) or name in seen:
                continue
            called = module.called(value)
            kind = self._kinds(module).get(called) or self.factories.get(called.rpartition(".")[2], "")
            if kind and is_name(name):
                seen.add(name)
                yield name, kind, False, _documents(kind, value)
        for statement in module.tree.body:
            if kind := self._made_by(module, statement):
                assert isinstance(statement, ast.FunctionDef)
                yield statement.name, kind, True, kind == "FastAPI"

    @cached_property
    def factories(self) -> dict[str, str]:
        """Functions of the project that make an app, by name -> what they make."""
        made = (
            (statement.name, self._made_by(module, statement))
            for module in self.project.modules
            for statement in module.tree.body
            if isinstance(statement, ast.FunctionDef)
        )
        return {name: kind for name, kind in made if kind}

    def _kinds(self, module: Module) -> dict[str, str]:
        """Those known, and classes of the file that are derived from one."""
        found = dict(KINDS)
        for node in module.tree.body:
            for base in map(module.dotted, node.bases) if isinstance(node, ast.ClassDef) else ():
                if base in found and isinstance(node, ast.ClassDef):
                    found[node.name] = found[base]
        return found

    def _made_by(self, module: Module, statement: ast.stmt) -> str:
        """What a function makes that can be called without arguments; empty for any other."""
        if not isinstance(statement, ast.FunctionDef) or statement.decorator_list or not _needs_nothing(statement):
            return ""
        kinds = self._kinds(module)
        if kind := kinds.get(module.dotted(statement.returns)):
            return kind
        inside = list(ast.walk(statement))
        made = {name: kinds.get(module.called(value), "") for name, value in map(assigned, inside) if name}
        for node in inside:
            if isinstance(node, ast.Return):
                kind = kinds.get(module.called(node.value), "")
                if isinstance(node.value, ast.Name):
                    kind = made.get(node.value.id, "")
                if kind:
                    return kind
        return ""

    def _rank(self, module: Module, found: AsgiApp) -> tuple[object, ...]:
        """What is named where servers are started goes first, then what lies and is called as usual."""
        named, path = self._named, PurePosixPath(module.path)
        routes = {"include_router", "mount"}
        return (
            not (found.target in named or (path.name == "main.py" and module.path in named)),
            module.is_unlikely,
            found.is_factory,
            not any(isinstance(node, ast.Attribute) and node.attr in routes for node in module.nodes),
            found.name not in _USUAL_NAMES,
            path.stem not in _USUAL_FILES,
            len(path.parts),
            module.path,
            found.name,
        )

    @cached_property
    def _named(self) -> frozenset[str]:
        """Targets and files that the project's own scripts and containers give to a server."""
        found: set[str] = set()
        for path, text in self.project.texts.items():
            if path.endswith((".py", ".mako", ".cfg", ".ini")):
                continue
            for line in _SERVERS.finditer(text):
                found.update(_TARGET.findall(line["rest"]))
                found.update(_FILE.findall(line["rest"]))
        return frozenset(found)


def _needs_nothing(function: ast.FunctionDef) -> bool:
    told = function.args
    positional = [*told.posonlyargs, *told.args]
    keywords = all(default is not None for default in told.kw_defaults)
    return keywords and len(positional) <= len(told.defaults)


def _documents(kind: str, call: ast.Call) -> bool:
    """Whether a FastAPI has its document at /openapi.json."""
    given = keyword(call, "openapi_url")
    return kind == "FastAPI" and (given is None or getattr(given, "value", "") == "/openapi.json")


def _place(project: Project, module: Module) -> tuple[str, str, str]:
    """The folder to start it in, the folder in that from which it is imported, and its dotted name."""
    root = folder_of(module.path)
    while root and project.has(root, "__init__.py"):
        root = folder_of(root)
    directory = next((one for one in upwards(root) if project.has(one, *MARKERS)), "")
    if root == folder_of(module.path) and root != directory and not _imports_neighbours(project, module):
        root = joined(directory, "src") if below(joined(directory, "src"), root) is not None else directory
    dotted = (below(root, module.path) or module.path).removesuffix(".py").removesuffix("/__init__")
    return directory, below(directory, root) or "", dotted.replace("/", ".")


def _imports_neighbours(project: Project, module: Module) -> bool:
    """Whether it imports files beside it as if its folder were the root."""
    folder = folder_of(module.path)
    first = {name.partition(".")[0] for name in module.imports.values() if not name.startswith(".")}
    return any(
        joined(folder, f"{name}.py") in project.texts or joined(folder, name) in project.folders for name in first
    )
