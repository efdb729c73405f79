"""MS-SSIM, LD and AD of a flattened page against its flat scan, by the protocol of the DocUNet benchmark."""

import os
from collections import deque
from collections.abc import Iterable, Sized
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypedDict, cast, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from docpre.errors import ConfigError, InputError
from docpre.metrics.distortion import aligned_distortion, local_distortion
from docpre.metrics.eval_extra import require
from docpre.metrics.matlab_image import (
    Border,
    gaussian_kernel,
    gray_from_bgr,
    imfilter_separable,
    imresize,
    imresize_by,
)
from docpre.metrics.ms_ssim import ms_ssim
from docpre.metrics.sift_flow import sift_flow

EVALUATION_AREA = 598400
"""Pixels that a reference is resized to (as 680x880, the benchmark's Letter page)."""

Image = NDArray[np.uint8] | str | os.PathLike[str]


class UnwarpingMetrics(TypedDict):
    """What `unwarping_metrics` gives.

    ms_ssim: structural similarity on five scales; equal images give 1.0001, the sum of the protocol's weights.
    ld: local distortion, pixels of the half-size evaluation image; 0 is best.
    ad: aligned distortion, as ld but free of scale and shift, and weighted by gradient; 0 is best.
    """

    ms_ssim: float
    ld: float
    ad: float


def unwarping_metrics(
    prediction: NDArray[np.uint8], reference: NDArray[np.uint8], gradient_border: Border = "zero"
) -> UnwarpingMetrics:
    """MS-SSIM, LD and AD of one page, as UVDoc's evaluation code computes them, without MATLAB.

    The reference is resized to 598,400 pixels, the prediction to the same height and width. The protocol is that of
    Ma et al. ("DocUNet", CVPR 2018) and Ma et al. (SIGGRAPH 2022, AD), the flow that of Liu et al. (PAMI 2011).
    The figures repeat to the last digit. A pair takes about 2 s on one core, once numba has compiled (some
    seconds, the first time on a machine).

    The reference is to be a scan, or a drawn page with a scanner's grain: paper without any has no descriptors, and the
    flow on it goes to where the photo is smoothest, however well the page is flattened.

    Resizing the one by a factor and the other to a size, as the protocol does, leaves some difference between equal
    images of a few pixels or of noise; on pages it is nil or nearly so.

    Args:
        prediction: the flattened page, uint8, gray (h, w) or (h, w, 1), BGR (h, w, 3) or BGRA (h, w, 4), whose alpha
            is ignored; any size.
        reference: the flat scan, likewise.
        gradient_border: what the gradient that weighs AD sees beyond the border of the reference: "zero" is black,
            as in Octave's imgradient, which the figures that docpre is checked against come from; "replicate" is the
            border's own gray, as in MATLAB's imgradient. On a white page "zero" makes the page's edge the steepest
            place, and AD some 5 to 20 % lower.

    Returns:
        A dict of `ms_ssim`, `ld` and `ad`; `ad` is NaN where the reference has no gradient at all.

    Raises:
        InputError: a wrong type or shape, or an empty image.
        ConfigError: an unknown gradient_border.
        EngineError: numba is not installed (`pip install 'docpre[eval]'`).
    """
    _check_border(gradient_border)
    require("numba")
    reference_gray = _gray(reference, "reference")
    prediction_gray = _gray(prediction, "prediction")
    reference_gray = imresize_by(reference_gray, (EVALUATION_AREA / reference_gray.size) ** 0.5)
    prediction_gray = imresize(prediction_gray, cast(tuple[int, int], reference_gray.shape))
    flow_xy = sift_flow(_half_size(reference_gray), _half_size(prediction_gray))
    return UnwarpingMetrics(
        ms_ssim=ms_ssim(prediction_gray, reference_gray),
        ld=local_distortion(flow_xy),
        ad=aligned_distortion(reference_gray, flow_xy, gradient_border),
    )


def unwarping_metrics_many(
    pairs: Iterable[tuple[Image, Image]],
    workers: int | None = None,
    progress: bool = True,
    gradient_border: Border = "zero",
) -> list[UnwarpingMetrics | Exception]:
    """`unwarping_metrics` of many pairs, in threads that numba lets run side by side.

    Args:
        pairs: (prediction, reference) each, as arrays or as paths of image files. They are drawn a few at a time, so
            a generator or paths keep memory small (some 400 MB a worker).
        workers: pairs at a time; by default the cores that this process may use.
        progress: show a bar on stderr.
        gradient_border: see `unwarping_metrics`.

    Returns:
        As many results as pairs, in their order; a pair that failed has its exception there instead.

    Raises:
        ConfigError: workers below 1, or an unknown gradient_border.
        EngineError: numba is not installed (`pip install 'docpre[eval]'`).
    """
    if workers is not None and workers < 1:
        raise ConfigError(f"workers is {workers}; it is at least 1")
    _check_border(gradient_border)
    require("numba")
    workers = workers or _usable_cores()

    def measure(pair: tuple[Image, Image]) -> UnwarpingMetrics | Exception:
        try:
            prediction, reference = pair
            return unwarping_metrics(_read(prediction), _read(reference), gradient_border)
        except Exception as error:
            return error

    results: list[UnwarpingMetrics | Exception] = []
    total = len(pairs) if isinstance(pairs, Sized) else None
    with ThreadPoolExecutor(workers) as pool, tqdm(total=total, unit="pair", disable=not progress) as bar:
        waiting = deque[Any]()

        def take() -> None:
            results.append(waiting.popleft().result())
            bar.update()

        for pair in pairs:
            if len(waiting) == 2 * workers:
                take()
            waiting.append(pool.submit(measure, pair))
        while waiting:
            take()
    return results


def _check_border(gradient_border: str) -> None:
    if gradient_border not in get_args(Border):
        raise ConfigError(f"gradient_border is {gradient_border!r}; it is one of {', '.join(get_args(Border))}")


def _half_size(gray: NDArray[np.uint8]) -> NDArray[np.float64]:
    return imresize_by(imfilter_separable(gray, gaussian_kernel(7, 1.0)), 0.5) / 255


def _gray(image: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        given = f"{image.dtype} array" if isinstance(image, np.ndarray) else type(image).__name__
        raise InputError(f"the {name} is a {given}; it must be a uint8 array of 0 to 255")
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 3, 4)):
        raise InputError(
            f"the {name} has the shape {image.shape}; it must be (h, w), (h, w, 1), (h, w, 3) or (h, w, 4)"
        )
    if image.size == 0:
        raise InputError(f"the {name} is empty: its shape is {image.shape}")
    if image.ndim == 2:
        return image
    return image[..., 0] if image.shape[2] == 1 else gray_from_bgr(image[..., :3])


def _read(image: Image) -> NDArray[np.uint8]:
    if not isinstance(image, str | os.PathLike):
        return image
    if not os.path.isfile(image):
        raise InputError(f"{os.fspath(image)}: there is no such file")
    pixels = cv2.imread(os.fspath(image), cv2.IMREAD_COLOR)
    if pixels is None:
        raise InputError(f"{os.fspath(image)}: not an image that OpenCV can read")
    return cast(NDArray[np.uint8], pixels)


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
