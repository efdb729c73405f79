"""docpre: a photographed, scanned, rotated or crumpled page goes in, an upright, flat one comes out.

The public names are imported when they are first used, so that ``import docpre`` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from docpre.analysis.analyzer import DocAnalyzer
    from docpre.errors import ConfigError, DocpreError, EngineError, InputError, ModelError
    from docpre.geometry import Transform
    from docpre.orientation import DocImgOrientationClassification
    from docpre.pdf_output import save_pdf
    from docpre.pipeline import DocPreprocessor
    from docpre.unwarping import TextImageUnwarping

_HOME = {
    "ConfigError": "docpre.errors",
    "DocAnalyzer": "docpre.analysis.analyzer",
    "DocImgOrientationClassification": "docpre.orientation",
    "DocPreprocessor": "docpre.pipeline",
    "DocpreError": "docpre.errors",
    "EngineError": "docpre.errors",
    "InputError": "docpre.errors",
    "ModelError": "docpre.errors",
    "TextImageUnwarping": "docpre.unwarping",
    "Transform": "docpre.geometry",
    "save_pdf": "docpre.pdf_output",
}

__all__ = [
    "ConfigError",
    "DocAnalyzer",
    "DocImgOrientationClassification",
    "DocPreprocessor",
    "DocpreError",
    "EngineError",
    "InputError",
    "ModelError",
    "TextImageUnwarping",
    "Transform",
    "__version__",
    "save_pdf",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'docpre' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
