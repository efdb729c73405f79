"""Whether a file is the one that is meant."""

from __future__ import annotations

import hashlib
from pathlib import Path


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_intact(path: Path, sha256: str, tried: list[str]) -> bool:
    """Whether a file has this sha256.

    Args:
        path: of the file.
        sha256: in hexadecimal.
        tried: gets a line if it has another, or can't be read.
    """
    try:
        actual = sha256_of(path)
    except OSError as error:
        tried.append(f"{path}: {error.strerror or error}")
        return False
    if actual != sha256:
        tried.append(f"{path}: its sha256 is {actual}, not {sha256}")
        return False
    return True
