"""Finds the route that says whether a service is up, where its whole path is written down. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from harness.apps.starter.asgi import KINDS
from harness.apps.starter.project import Module, Project, assigned, constant, keyword

_HEALTH = re.compile(
    r"/(?:[\w.-]+/)*_*(?:health|healthz|healthcheck|health[-_]check|livez?|liveness|live|alive|readyz?|readiness|"
    r"heartbeat|ping)_*/?(?:live|ready)?/?"
)
_FIRST = ("healthz", "health")
_ROUTERS = frozenset({"fastapi.APIRouter", "fastapi.routing.APIRouter"})


@dataclass(frozen=True)
class Route:
    """`path` as far as it is known; `is_whole` where nothing can stand before it."""

    path: str
    where: str
    is_whole: bool


@dataclass(frozen=True)
class _Include:
    """`app.include_router(routes.health.router, prefix="/api")`, as far as it is written literally."""

    path: str
    router: str
    prefix: str | None
    onto_app: bool


def find_health(project: Project, of_others: Collection[str] = ()) -> Route | None:
    """The likeliest, one whose path is whole first. Files `of_others`, apps beside this one, are left out."""
    modules = [module for module in project.modules if module.path not in of_others]
    includes = [include for module in modules for include in _includes(module)]
    found = [route for module in modules for route in _of_module(module, includes)]
    return min(found, key=_rank, default=None)


def _rank(route: Route) -> tuple[object, ...]:
    last = route.path.strip("/").rpartition("/")[2]
    return (not route.is_whole, _FIRST.index(last) if last in _FIRST else len(_FIRST), len(route.path), route.path)


def _of_module(module: Module, includes: list[_Include]) -> Iterator[Route]:
    calls = {name: value for name, value in map(assigned, module.nodes) if name and isinstance(value, ast.Call)}
    for owner, path in _routes(module):
        if not _HEALTH.fullmatch(path) or "{" in path:
            continue
        call = calls.get(owner)
        called = module.called(call)
        if called in _ROUTERS and call is not None:
            yield _on_router(module, owner, call, path, includes)
        else:
            yield Route(path, module.path, called in KINDS or owner in ("app", "application"))


def _routes(module: Module) -> Iterator[tuple[str, str]]:
    """Whose, and the path: `@app.get("/health")` and Starlette's `Route("/health", ...)`."""
    for node in module.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for call in node.decorator_list:
                if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
                    continue
                if call.func.attr in ("get", "api_route", "route") and isinstance(call.func.value, ast.Name):
                    path = constant(call.args[0] if call.args else keyword(call, "path"))
                    if path:
                        yield call.func.value.id, path
        elif module.called(node) == "starlette.routing.Route" and (path := constant(_first(node))):
            yield "app", path


def _first(call: ast.AST) -> ast.expr | None:
    return call.args[0] if isinstance(call, ast.Call) and call.args else None


def _on_router(module: Module, owner: str, call: ast.Call, path: str, includes: list[_Include]) -> Route:
    own = _prefix(call)
    dotted = module.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    for include in includes:
        is_here = include.path == module.path and include.router == owner
        if (
            (is_here or _is_same(include.router, dotted, owner))
            and include.onto_app
            and include.prefix is not None
            and own is not None
        ):
            return Route(f"{include.prefix}{own}{path}", module.path, is_whole=True)
    return Route(f"{own or ''}{path}", module.path, is_whole=False)


def _is_same(named: str, dotted: str, owner: str) -> bool:
    """Whether `shop.routes.health.router` as imported is the router `owner` of that file."""
    return named.split(".")[-2:] == f"{dotted}.{owner}".split(".")[-2:]


def _includes(module: Module) -> Iterator[_Include]:
    apps = {name for name, value in map(assigned, module.nodes) if name and module.called(value) in KINDS}
    turns = dict(_turns(module))
    for node in module.nodes:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
            continue
        if node.func.attr == "include_router" and isinstance(node.func.value, ast.Name):
            onto = node.func.value.id
            first, _, rest = module.dotted(node.args[0]).partition(".")
            for router in turns.get(first, (first,)):
                dotted = f"{router}.{rest}" if rest else router
                yield _Include(module.path, dotted, _prefix(node), onto in apps or onto in ("app", "application"))


def _turns(module: Module) -> Iterator[tuple[str, tuple[str, ...]]]:
    """`for routes in (login, health):`, the name with what it stands for in turn."""
    for node in module.nodes:
        if (
            isinstance(node, ast.For)
            and isinstance(node.target, ast.Name)
            and isinstance(node.iter, ast.Tuple | ast.List)
        ):
            yield node.target.id, tuple(map(module.dotted, node.iter.elts))


def _prefix(call: ast.Call) -> str | None:
    """What is written literally; None for what is computed."""
    given = keyword(call, "prefix")
    return "" if given is None else constant(given)
