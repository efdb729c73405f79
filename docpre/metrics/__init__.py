"""Metrics of unwarping, text and classification, as pure functions.

Names are imported when they are first used. SIFT flow needs numba and the edit distance rapidfuzz:
`pip install 'docpre[eval]'`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docpre.metrics.classification import (
        abstaining,
        confusion_matrix,
        expected_calibration_error,
        per_class,
        per_subset,
        top1,
    )
    from docpre.metrics.tesseract import tesseract_text, tesseract_version
    from docpre.metrics.text import cer, edit_distance, word_f1
    from docpre.metrics.unwarping import UnwarpingMetrics, unwarping_metrics, unwarping_metrics_many

__all__ = [
    "UnwarpingMetrics",
    "abstaining",
    "cer",
    "confusion_matrix",
    "edit_distance",
    "expected_calibration_error",
    "per_class",
    "per_subset",
    "tesseract_text",
    "tesseract_version",
    "top1",
    "unwarping_metrics",
    "unwarping_metrics_many",
    "word_f1",
]

_MODULES = {
    "classification": (
        "abstaining",
        "confusion_matrix",
        "expected_calibration_error",
        "per_class",
        "per_subset",
        "top1",
    ),
    "tesseract": ("tesseract_text", "tesseract_version"),
    "text": ("cer", "edit_distance", "word_f1"),
    "unwarping": ("UnwarpingMetrics", "unwarping_metrics", "unwarping_metrics_many"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
