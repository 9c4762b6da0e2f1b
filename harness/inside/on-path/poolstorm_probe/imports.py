"""Having a look at modules just after the app has imported them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from poolstorm_probe.counts import COUNTS

Hook = Callable[[ModuleType], None]


def after(hooks: Mapping[str, Hook]) -> None:
    """Call each hook with its module once that has been imported; at once where it has been."""
    sys.meta_path.insert(0, _Finder(hooks))
    for name, hook in hooks.items():
        if (module := sys.modules.get(name)) is not None:
            _call(hook, module)


def _call(hook: Hook, module: ModuleType) -> None:
    try:
        hook(module)
    except Exception:  # another version than those that are known: then there is less to tell
        COUNTS.trouble()


class _Finder:  # of no class of importlib.abc, which brings half the standard library along
    """Finds what the finders behind it find, and has the module looked at when it has been loaded."""

    def __init__(self, hooks: Mapping[str, Hook]) -> None:
        self._hooks = hooks

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """None for a module that nobody wants to look at."""
        hook = self._hooks.get(fullname)
        if hook is None:
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec = None if finder is self or find is None else find(fullname, path, target)
            if spec is not None:
                if spec.loader is not None and hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader, hook)
                return spec  # type: ignore[no-any-return]
        return None


class _Loader:
    """The module's own loader, which is put back when it has done its work."""

    def __init__(self, loader: Any, hook: Hook) -> None:
        self._loader, self._hook = loader, hook

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As it does."""
        return self._loader.create_module(spec)  # type: ignore[no-any-return]

    def exec_module(self, module: ModuleType) -> None:
        """As it does; then the module is looked at."""
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        _call(self._hook, module)
