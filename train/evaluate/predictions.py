"""Flattened pages: made by a model, or read from files."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from docpre import DocPreprocessor
from docpre.engine_pool import EnginePool
from docpre.engines import RuntimeOptions
from docpre.errors import InputError
from docpre.geometry import Interpolation, Transform
from docpre.loading import ImageArray, iter_pages
from docpre.refining import LEVEL_DEG
from docpre.registry import sha256_of
from docpre.unwarping_options import OutputSize
from train.evaluate.page import EvaluationPage


@dataclass(frozen=True, eq=False)
class Prediction:
    """A flattened page.

    Args:
        image: (H, W, 3) RGB uint8.
        unwarping: what docpre says of what it did; None where the page was read from a file.
        transform: where its pixels lie in the photo; None likewise.
    """

    image: ImageArray
    unwarping: dict[str, Any] | None = None
    transform: Transform | None = None


class Predictor(Protocol):
    """Where flattened pages come from. Safe to share between threads."""

    def predict(self, page: EvaluationPage, photo: ImageArray | None) -> Prediction:
        """The flattened page.

        Args:
            page: the page.
            photo: what its photo holds, as it is stored.

        Raises:
            DocpreError: it can't be had.
        """
        ...

    def files(self, page: EvaluationPage) -> list[Path]:
        """What the prediction depends on."""
        ...

    def describe(self) -> dict[str, Any]:
        """What determines the predictions, as plain values."""
        ...


class StoredPredictions:
    """Flattened pages that someone else has made.

    Args:
        folder: where they come from, for the record.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def predict(self, page: EvaluationPage, photo: ImageArray | None) -> Prediction:
        assert page.prediction is not None
        return Prediction(turned(read_picture(page.prediction), page.is_upside_down))

    def files(self, page: EvaluationPage) -> list[Path]:
        return [] if page.prediction is None else [page.prediction]

    def describe(self) -> dict[str, Any]:
        return {"predictions": str(self._folder.resolve())}


@dataclass(frozen=True)
class ModelOptions:
    """How a model is run.

    Args:
        model: name, or a directory with weights; or two names, as ``docpre.DocPreprocessor`` takes them.
        use_orientation: turn pages upright first, by docpre's orientation model.
        leave_flat_pages, output_size, interpolation, refine, level_deg: see
            ``docpre.unwarping_options.UnwarpingOptions``.
        engine, precision, device: see ``docpre.engines.RuntimeOptions``.
        threads: of one network.
    """

    model: str = "UVDoc"
    use_orientation: bool = False
    leave_flat_pages: bool = True
    output_size: OutputSize = "page"
    interpolation: Interpolation = "cubic"
    refine: bool = True
    level_deg: float = LEVEL_DEG
    engine: str | None = None
    precision: str | None = None
    device: str | None = None
    threads: int = 1


class ModelPredictions:
    """Pages flattened by docpre.

    Args:
        options: the model, and how it is run.

    Raises:
        ConfigError, EngineError, ModelError: see ``docpre.DocPreprocessor``.
    """

    def __init__(self, options: ModelOptions) -> None:
        self._options = options
        name, directory = model_name_and_dir(options.model)
        chosen = {"engine": options.engine, "precision": options.precision}
        running: dict[str, Any] = {key: value for key, value in chosen.items() if value is not None}
        self._pipeline = DocPreprocessor(
            doc_unwarping_model_name=name,
            doc_unwarping_model_dir=directory,
            use_doc_orientation_classify=options.use_orientation,
            device=options.device,
            leave_flat_pages=options.leave_flat_pages,
            output_size=options.output_size,
            interpolation=options.interpolation,
            refine=options.refine,
            level_deg=options.level_deg,
            cpu_threads=options.threads,
            **running,
        )
        runtime = RuntimeOptions(device=options.device, cpu_threads=options.threads, **running)
        first, _, again = (name or "").partition("+")
        self._record = model_record(EnginePool("unwarping", first or None, directory, runtime))
        if again:
            self._record["again"] = model_record(EnginePool("unwarping", again, None, runtime))

    def predict(self, page: EvaluationPage, photo: ImageArray | None) -> Prediction:
        assert photo is not None
        photo = turned(photo, page.is_upside_down)
        result = self._pipeline.predict(np.ascontiguousarray(photo[..., ::-1]), on_error="raise")[0]
        if page.drawn_from is None:
            image = result.output_image[..., ::-1]
        else:
            other = turned(read_picture(page.drawn_from), page.is_upside_down)
            if other.shape != photo.shape:
                raise InputError(f"{page.drawn_from} has {_size(other)} pixels, its photo {page.photo} {_size(photo)}.")
            image = result.transform.sample(other, self._options.interpolation)
        return Prediction(np.ascontiguousarray(image), dict(result.unwarping), result.transform)

    def files(self, page: EvaluationPage) -> list[Path]:
        return [path for path in (page.photo, page.drawn_from, page.grid) if path is not None]

    def describe(self) -> dict[str, Any]:
        chosen = asdict(self._options)
        del chosen["threads"], chosen["device"], chosen["engine"]  # the engine that runs is in the record
        return {**chosen, "model": self._record}


def model_name_and_dir(model: str) -> tuple[str | None, str | None]:
    """A model's name or directory as docpre's constructors take it: one of the two."""
    is_directory = Path(model).expanduser().is_dir()
    return (None, str(Path(model).expanduser())) if is_directory else (model, None)


def model_record(pool: EnginePool) -> dict[str, Any]:
    """A model as it is run: name, weight file with its sha256, engine and device."""
    weights, engine = pool.weights(), pool.engine()
    return {
        "name": pool.spec.name,
        "weights": weights.path.name,
        "sha256": sha256_of(weights.path),
        "engine": engine.name,
        "device": engine.device,
    }


def read_picture(path: Path) -> ImageArray:
    """A picture, upright as its EXIF says, (H, W, 3) RGB uint8.

    Raises:
        InputError: it can't be read.
    """
    page = next(iter_pages(path, on_error="raise"))
    assert page.image is not None
    return page.image


def turned(image: NDArray[np.uint8], by_half: bool) -> NDArray[np.uint8]:
    """A picture as it is, or turned by 180 degrees."""
    return np.ascontiguousarray(image[::-1, ::-1]) if by_half else image


def write_png(path: Path, image: ImageArray) -> None:
    """Write a picture (H, W, 3) RGB uint8, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    Image.fromarray(image).save(unfinished, "PNG", compress_level=1)
    unfinished.replace(path)


def _size(image: ImageArray) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"
