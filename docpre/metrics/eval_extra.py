"""The packages of the `eval` extra: found when they are used, so that every module imports without them."""

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

from docpre.errors import EngineError


def require(module: str) -> ModuleType:
    """Import a module of a package of the `eval` extra.

    Raises:
        EngineError: the package is not installed.
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise EngineError(f"this metric needs {package}, which is not installed: pip install 'docpre[eval]'") from error


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """numba.njit that caches on disk and frees the GIL; without numba, a function that says how to get it."""
    try:
        import numba
    except ModuleNotFoundError:

        def needs_numba(*_args: Any) -> None:
            require("numba")

        return needs_numba

    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # no folder that numba can cache in
        return numba.njit(nogil=True)(function)
