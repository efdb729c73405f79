"""The packages of the `eval` extra: found when they are used, so that every module imports without them."""

import importlib
import importlib.util
from collections.abc import Callable
from types import ModuleType
from typing import Any

from docpre.errors import EngineError


def require(package: str) -> ModuleType:
    """Import a package of the `eval` extra.

    Raises:
        EngineError: it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise EngineError(f"this metric needs {package}, which is not installed: pip install 'docpre[eval]'") from error


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """numba.njit that caches on disk and frees the GIL; without numba, a function that says how to get it."""
    if importlib.util.find_spec("numba") is None:

        def needs_numba(*_args: Any) -> None:
            require("numba")

        return needs_numba
    import numba

    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # no folder that numba can cache in
        return numba.njit(nogil=True)(function)
