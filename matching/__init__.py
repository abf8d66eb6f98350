"""Decide which accredited leader supports which school, and be able to say why.

The library for notebooks and scripts; `docs/library.md` has examples. Its parts are loaded when they are first used.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from matching.errors import DataError, Problem
    from matching.inputs.inputs import Inputs
    from matching.library.answers import compare, explain, pairs, triage, verify, why_not
    from matching.library.run import Plan, allocate, open_plan, read_inputs
    from matching.tables.policy import Policy

__all__ = [
    "DataError",
    "Inputs",
    "Plan",
    "Policy",
    "Problem",
    "allocate",
    "compare",
    "explain",
    "open_plan",
    "pairs",
    "read_inputs",
    "triage",
    "verify",
    "why_not",
]

_MODULES = {
    "DataError": "matching.errors",
    "Inputs": "matching.inputs.inputs",
    "Plan": "matching.library.run",
    "Policy": "matching.tables.policy",
    "Problem": "matching.errors",
    "allocate": "matching.library.run",
    "compare": "matching.library.answers",
    "explain": "matching.library.answers",
    "open_plan": "matching.library.run",
    "read_inputs": "matching.library.run",
    "triage": "matching.library.answers",
    "verify": "matching.library.answers",
    "why_not": "matching.library.answers",
}


class _Library(ModuleType):
    """The package as a module in which `pairs` is the function although a package has that name too."""

    @property
    def pairs(self) -> Any:
        return import_module("matching.library.answers").pairs

    @pairs.setter
    def pairs(self, package: ModuleType) -> None:
        """Keep the function: the import system offers the package here once it is loaded."""


sys.modules[__name__].__class__ = _Library


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'matching' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
