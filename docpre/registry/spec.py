"""What is said of a model: its network, its input and output, its weight files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from docpre.errors import ModelError

Task = Literal[
    "orientation", "unwarping", "page_finding", "layout", "text_detection", "text_recognition", "handwriting"
]
Normalisation = tuple[float, float, float]

SPEC_FILE = "spec.json"
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
        near: pages are seen from near (``docpre.closer_look``), lines of text apart; else whole.
        look_again_below: a page whose best score is below this is looked at again: in four parts; or, where pages are
            seen from near, whole, and if need be turned by each quarter; None: never.
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
