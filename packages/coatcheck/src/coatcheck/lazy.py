"""Public names that are imported when they are first used. Pure.

A package's ``__init__`` lists its names three times: for type checkers, in ``__all__``, and here
with the modules that define them. ``tests/architecture/test_public.py`` compares the three.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazily(package: str, names: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package (PEP 562).

    Importing the package then costs nothing: a worker process does not pay for the database, and a
    command does not need what another extra brings.

    Args:
        package: the package's ``__name__``.
        names: by module, the names that it defines.
    """
    homes = {name: module for module, defined in names.items() for name in defined}

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)  # found without this function from now on
        return value

    return load
