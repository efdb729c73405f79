"""What the service runs: loaded once, before the first request."""

from __future__ import annotations

from dataclasses import dataclass, fields
from importlib.util import find_spec

from docpre.analysis.analyzer import DocAnalyzer
from docpre.engines import RuntimeOptions
from docpre.errors import EngineError
from docpre.pipeline import DocPreprocessor
from docpre.service.settings import DOC_ANALYSIS, DOC_PREPROCESSOR, ServiceSettings

# The package whose wheel has the networks that read text; it is what docpre[analysis] adds.
_ANALYSIS_PACKAGE = "rapidocr"


@dataclass(frozen=True, eq=False)
class Pipelines:
    """Clean-up, which every page goes through, and the analysis if it is served."""

    preprocessor: DocPreprocessor
    analyzer: DocAnalyzer | None

    def close(self) -> None:
        """Let go of threads and engines."""
        (self.analyzer or self.preprocessor).close()


def installed_pipelines() -> tuple[str, ...]:
    """The names of the pipelines that this installation can serve."""
    return (DOC_PREPROCESSOR, DOC_ANALYSIS) if find_spec(_ANALYSIS_PACKAGE) is not None else (DOC_PREPROCESSOR,)


def load_pipelines(settings: ServiceSettings) -> Pipelines:
    """The pipelines that the settings name.

    Raises:
        ConfigError: an argument is wrong.
        EngineError, ModelError: a pipeline can't run here.
    """
    preprocessor = DocPreprocessor(**settings.pipeline)
    if DOC_ANALYSIS not in settings.pipelines:
        return Pipelines(preprocessor, None)
    known = {"device", *(field.name for field in fields(RuntimeOptions))}
    runtime = {name: value for name, value in settings.pipeline.items() if name in known and value is not None}
    try:
        return Pipelines(preprocessor, DocAnalyzer(preprocessor=preprocessor, **runtime))
    except EngineError as error:
        raise EngineError(f"{error} docpre serve --pipeline {DOC_PREPROCESSOR} serves clean-up alone.") from error
