"""Faults of the parts that a trial stands on, one a file; importing this package registers them all."""

from importlib import import_module
from pkgutil import iter_modules

from harness.faults.base import FAULTS, Fault, FaultSettings, Proof

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["FAULTS", "Fault", "FaultSettings", "Proof"]
