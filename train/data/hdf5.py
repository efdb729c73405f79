"""MATLAB 7.3 files (HDF5) as the grids of UVDoc and Doc3D are kept in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docpre.errors import ConfigError, InputError


def read_mat(path: Path, name: str, shape: tuple[int | None, ...]) -> NDArray[np.float64]:
    """One array of a file, its axes in MATLAB's order.

    Args:
        path: the file.
        name: the array's name in it.
        shape: its shape after transposing; None for any size.

    Raises:
        InputError: the file is missing or damaged, or the array is not there or of another shape.
        ConfigError: h5py is not installed.
    """
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise ConfigError("Reading .mat files needs the package h5py: pip install h5py.") from error
    if not path.is_file():
        raise InputError(f"{path}: there is no such file.")
    try:
        with h5py.File(path, "r") as file:
            content: Any = file.get(name)
            names = ", ".join(file.keys()) or "nothing"
            array = None if content is None else np.asarray(content[()], np.float64).T
    except (OSError, TypeError, ValueError) as error:
        raise InputError(f"{path}: it is not a MATLAB 7.3 (HDF5) file, or it is damaged ({error}).") from error
    if array is None:
        raise InputError(f"{path}: it has no array {name!r}; it has {names}.")
    if array.ndim != len(shape) or any(want not in (None, got) for want, got in zip(shape, array.shape, strict=True)):
        wanted = tuple("any" if want is None else want for want in shape)
        raise InputError(f"{path}: {name} is {array.shape} after transposing, not {wanted}.")
    if not np.isfinite(array).all():
        raise InputError(f"{path}: {name} holds values that are not finite.")
    return array
