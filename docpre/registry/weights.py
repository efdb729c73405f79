"""Where a model's weights are found.

Looked at in this order: a directory that the user names, files inside docpre, the cache, an installed package, the
package index and the publishers' URLs (``docpre.registry.fetching``). Each file is checked by its sha256.
"""

from __future__ import annotations

import importlib.metadata
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from docpre.errors import ModelError
from docpre.registry.checksums import is_intact
from docpre.registry.fetching import fetch, is_offline
from docpre.registry.spec import SPEC_FILE, Artefact, ModelSpec

BUNDLED_DIR = Path(__file__).parents[1] / "weights"


@dataclass(frozen=True)
class Weights:
    """A weight file that was found: where it lies and which of the places it came from."""

    path: Path
    origin: Literal["directory", "docpre", "cache", "package", "package index", "URL"]


def find_weights(
    spec: ModelSpec,
    model_dir: str | os.PathLike[str] | None = None,
    suffixes: tuple[str, ...] = (".onnx",),
    offline: bool | None = None,
) -> Weights:
    """A weight file of a model, fetched if need be.

    Args:
        spec: the model.
        model_dir: a directory to take the weights from, and from nowhere else.
        suffixes: kinds of file that will do, the best first.
        offline: leave the network alone. None: as the environment variable ``DOCPRE_OFFLINE`` says (1, true, yes).

    Raises:
        ModelError: no good file was found; the message lists what was tried.
    """
    if model_dir is not None:
        return Weights(_in_directory(spec, Path(model_dir).expanduser(), suffixes), "directory")
    artefacts = [a for suffix in suffixes for a in spec.artefacts if a.filename.endswith(suffix)]
    if not artefacts:
        raise ModelError(f"{spec.name} has no weight file of the kinds {', '.join(suffixes)}.")
    if offline is None:
        offline = is_offline()
    tried: list[str] = []
    for artefact in artefacts:
        if found := at_hand(spec, artefact, tried):
            return found
        if offline:
            tried.append("the package index and the publishers' URLs: not asked, because docpre is set to be offline")
            continue
        cached = cache_dir() / spec.name / artefact.filename
        if origin := fetch(artefact, cached, tried):
            return Weights(cached, origin)
    raise ModelError(
        f"No weights for {spec.name}. Tried:\n"
        + "\n".join(f"  - {line}" for line in tried)
        + f"\nMend one of these, or put the file ({artefacts[0].filename}, sha256 {artefacts[0].sha256}) "
        f"into {cache_dir() / spec.name}."
    )


def at_hand(spec: ModelSpec, artefact: Artefact, tried: list[str]) -> Weights | None:
    """A weight file of a model that lies on this machine already, in docpre, the cache or an installed package.

    Args:
        spec: the model.
        artefact: the file.
        tried: gets a line for each place that has no good file.
    """
    bundled = BUNDLED_DIR / artefact.filename
    if bundled.is_file() and is_intact(bundled, artefact.sha256, tried):
        return Weights(bundled, "docpre")
    cached = cache_dir() / spec.name / artefact.filename
    if cached.is_file() and is_intact(cached, artefact.sha256, tried):
        return Weights(cached, "cache")
    if not cached.is_file():
        tried.append(f"the cache {cached}: not there")
    if artefact.package and (found := _in_installed_package(artefact, tried)):
        return Weights(found, "package")
    return None


def cache_dir() -> Path:
    """Where weights are kept: ``DOCPRE_CACHE``, or the user's cache folder."""
    if custom := os.environ.get("DOCPRE_CACHE"):
        return Path(custom).expanduser() / "models"
    import platformdirs

    return Path(platformdirs.user_cache_dir("docpre", appauthor=False)) / "models"


def _in_directory(spec: ModelSpec, directory: Path, suffixes: tuple[str, ...]) -> Path:
    by_name = {artefact.filename: artefact for artefact in spec.artefacts}
    for suffix in suffixes:
        files = sorted(path for path in directory.glob(f"*{suffix}") if path.is_file())
        listed = [path for path in files if path.name in by_name]
        choice = listed or files
        if len(choice) > 1:
            names = ", ".join(path.name for path in choice)
            raise ModelError(f"{directory} has several {suffix} files ({names}); leave one, or name it in {SPEC_FILE}.")
        if choice:
            # OpenVINO's .xml has its numbers in a .bin beside it.
            parts = [choice[0], choice[0].with_suffix(".bin")] if suffix == ".xml" else choice[:1]
            for part in parts:
                expected = by_name.get(part.name)
                tried: list[str] = []
                if (directory / SPEC_FILE).is_file() and expected and not is_intact(part, expected.sha256, tried):
                    raise ModelError(f"Damaged weights: {tried[0]}.")
            return choice[0]
    present = ", ".join(sorted(path.name for path in directory.iterdir())) or "nothing"
    hint = ""
    if any(directory.glob("*.pdiparams")):
        hint = " Paddle's inference files (.pdiparams) can't be read: export them with paddle2onnx."
    raise ModelError(f"{directory} has no weights of the kinds {', '.join(suffixes)}. It has: {present}.{hint}")


def _in_installed_package(artefact: Artefact, tried: list[str]) -> Path | None:
    assert artefact.package is not None
    try:
        distribution = importlib.metadata.distribution(artefact.package.name)
    except importlib.metadata.PackageNotFoundError:
        tried.append(f"the package {artefact.package.name}: not installed")
        return None
    path = Path(str(distribution.locate_file(artefact.package.path)))
    if not path.is_file():
        tried.append(f"the package {artefact.package.name} {distribution.version}: it has no {artefact.package.path}")
        return None
    return path if is_intact(path, artefact.sha256, tried) else None
