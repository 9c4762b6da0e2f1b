"""Finds which variables of the environment a project reads, and what is known of each. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from harness.apps.starter.folder import is_env_file
from harness.apps.starter.project import Module, Project, assigned, constant, keyword

_SCHEME = re.compile(r"([a-z][a-z0-9+_]*)://")
_READERS = frozenset(
    {
        *("os.getenv", "os.environ.get", "os.environ.setdefault", "os.environ.pop", "os.environb.get"),
        *("decouple.config", "environs.env", "environs.env.str"),
    }
)
_READING_CLASSES = frozenset({"starlette.config.Config", "environs.Env", "environ.Env", "decouple.Config"})
_SETTINGS = frozenset({"pydantic_settings.BaseSettings", "pydantic.BaseSettings", "pydantic.v1.BaseSettings"})
_MODELS = frozenset({"pydantic.BaseModel"})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_DEEPEST = 3
MOST = 5000


@dataclass(frozen=True)
class Variable:
    """A variable that the project reads, and where. `scheme` is that of the address which it has by default or in
    a `.env` file; `rank` says how sure it is that the app reads it, 0 the surest.
    """

    name: str
    where: str
    rank: int
    scheme: str = ""
    is_required: bool = False
    is_address: bool = False
    """Whether its type says so, such as PostgresDsn."""


def find_variables(project: Project) -> tuple[Variable, ...]:
    """Each once, the surest first; what several places tell of one is put together."""
    found: dict[str, Variable] = {}
    for variable in sorted(islice(_all(project), MOST), key=lambda one: one.rank):
        before = found.get(variable.name)
        found[variable.name] = variable if before is None else _joined(before, variable)
    return tuple(found.values())


def _joined(surest: Variable, other: Variable) -> Variable:
    return Variable(
        surest.name,
        surest.where,
        surest.rank,
        surest.scheme or other.scheme,
        surest.is_required,
        surest.is_address or other.is_address,
    )


def _all(project: Project) -> Iterator[Variable]:
    yield from _Settings(project.modules).variables()
    for module in project.modules:
        yield from _read_by_calls(module)
    for path, text in sorted(project.texts.items()):
        if is_env_file(path.rpartition("/")[2]):
            for line in text.splitlines():
                name, _, scheme = line.partition("=")
                yield Variable(name, path, 2, scheme.removesuffix("://"))


def _read_by_calls(module: Module) -> Iterator[Variable]:
    readers = {
        name for name, value in map(assigned, module.nodes) if name and module.called(value) in _READING_CLASSES
    } | {name for name, what in module.imports.items() if what.rpartition(".")[2] == "env" and name == "env"}
    for node in module.nodes:
        name, default, is_required = None, None, False
        if isinstance(node, ast.Subscript) and module.dotted(node.value) == "os.environ":
            name, is_required = constant(node.slice), isinstance(node.ctx, ast.Load)
        elif isinstance(node, ast.Call) and node.args:
            called = module.dotted(node.func)
            if called in _READERS or called.partition(".")[0] in readers:
                name = constant(node.args[0])
                default = constant(node.args[1] if len(node.args) > 1 else keyword(node, "default"))
        if name and _NAME.fullmatch(name):
            yield Variable(name, module.path, 1 if not module.is_unlikely else 2, _scheme(default), is_required)


def _scheme(text: str | None) -> str:
    match = _SCHEME.match(text or "")
    return match[1] if match else ""


@dataclass(frozen=True)
class _Class:
    module: Module
    node: ast.ClassDef


@dataclass(frozen=True)
class _Settings:
    """Settings classes of pydantic, with those that they are derived from and made of."""

    modules: tuple[Module, ...]

    @cached_property
    def classes(self) -> Mapping[str, _Class]:
        return {
            node.name: _Class(module, node)
            for module in self.modules
            for node in module.nodes
            if isinstance(node, ast.ClassDef)
        }

    def variables(self) -> Iterator[Variable]:
        for found in self.classes.values():
            if self._derives(found, _SETTINGS):
                yield from self._of(found, self._config(found, "env_prefix"), rank=0)
            elif found.node.name.endswith(("Settings", "Config")) and self._derives(found, _MODELS):
                # A model by such a name is mostly filled from the environment by hand.
                yield from self._of(found, "", rank=2)

    def _line(self, found: _Class) -> list[_Class]:
        """The class and those of the project that it is derived from, the nearest first."""
        line: list[_Class] = []
        waiting = [found]
        while waiting and len(line) < 20:
            one = waiting.pop(0)
            line.append(one)
            bases = (one.module.dotted(base).rpartition(".")[2] for base in one.node.bases)
            waiting += [
                self.classes[base] for base in bases if base in self.classes and self.classes[base] not in line
            ]
        return line

    def _derives(self, found: _Class, bases: frozenset[str]) -> bool:
        return any(one.module.dotted(base) in bases for one in self._line(found) for base in one.node.bases)

    def _config(self, found: _Class, setting: str) -> str:
        """A text of `model_config`, or of `class Config`, in the nearest class that says it."""
        for one in self._line(found):
            for statement in one.node.body:
                name, value = assigned(statement)
                if name == "model_config" and isinstance(value, ast.Call):
                    if (text := constant(keyword(value, setting))) is not None:
                        return text
                elif name == "model_config" and isinstance(value, ast.Dict):
                    pairs = zip(value.keys, value.values, strict=True)
                    if text := next((constant(v) for k, v in pairs if constant(k) == setting), None):
                        return text
                elif isinstance(statement, ast.ClassDef) and statement.name == "Config":
                    within = dict(map(assigned, statement.body))
                    if text := constant(within.get(setting)):
                        return text
        return ""

    def _of(self, found: _Class, prefix: str, rank: int, depth: int = 0) -> Iterator[Variable]:
        delimiter = self._config(found, "env_nested_delimiter")
        where = f"class {found.node.name} in {found.module.path}"
        for one in self._line(found):
            for statement in one.node.body:
                if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
                    continue
                field, types = statement.target.id, set(_names(statement.annotation))
                nested = self._nested(one.module, statement.annotation)
                if nested is not None and delimiter and depth < _DEEPEST:
                    within = f"{prefix}{field}{delimiter}".upper()
                    yield from self._of(nested, within, rank, depth + 1)
                elif "ClassVar" not in types and field != "model_config":
                    name = _alias(one.module, statement) or f"{prefix}{field}".upper()
                    if _NAME.fullmatch(name):
                        default = _default(one.module, statement.value)
                        yield Variable(
                            name=name,
                            where=where,
                            rank=rank,
                            scheme=_scheme(constant(default)),
                            is_required=default is None,
                            is_address=any(name.startswith(("Postgres", "MultiHost")) for name in types),
                        )

    def _nested(self, module: Module, annotation: ast.expr) -> _Class | None:
        found = self.classes.get(module.dotted(annotation).rpartition(".")[2])
        return found if found and self._derives(found, _SETTINGS | _MODELS) else None


def _names(node: ast.expr) -> Iterator[str]:
    """All that an annotation is made of."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name | ast.Attribute):
            yield part.id if isinstance(part, ast.Name) else part.attr


def _field_calls(module: Module, statement: ast.AnnAssign) -> Iterator[ast.Call]:
    for part in (statement.value, statement.annotation):
        for node in ast.walk(part) if part is not None else ():
            if isinstance(node, ast.Call) and module.called(node).rpartition(".")[2] == "Field":
                yield node


def _alias(module: Module, statement: ast.AnnAssign) -> str:
    """The variable that a field is given by name, the first where there are several."""
    for call in _field_calls(module, statement):
        said = keyword(call, "validation_alias", "alias", "env")
        if isinstance(said, ast.Call) and said.args:
            said = said.args[0]
        if text := constant(said):
            return text
    return ""


def _default(module: Module, value: ast.expr | None) -> ast.expr | None:
    """What a field is without a variable; None where it is required."""
    if not isinstance(value, ast.Call) or module.called(value).rpartition(".")[2] != "Field":
        return value
    found = value.args[0] if value.args else keyword(value, "default", "default_factory")
    return None if isinstance(found, ast.Constant) and found.value is ... else found
