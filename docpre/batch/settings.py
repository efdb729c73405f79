"""What a batch is told at its start; workers elsewhere get it as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from docpre.errors import ConfigError

#: How clean pages are kept.
LAYOUTS = ("files", "tar", "none")
#: ``same``: the input's own format.
FORMATS = ("same", "jpg", "png", "webp", "pdf")


@dataclass(frozen=True)
class BatchSettings:
    """What is done with each page, and how it is kept.

    Args:
        pipeline: arguments of ``DocPreprocessor``.
        reading: ``dpi`` and the fields of ``docpre.loading.Limits``.
        layout: pages as ``files``, in ``tar`` shards, or ``none``: only the table of results.
        page_format: of the pages; see ``FORMATS``.
    """

    pipeline: Mapping[str, Any] = field(default_factory=dict)
    reading: Mapping[str, Any] = field(default_factory=dict)
    layout: str = "files"
    page_format: str = "same"

    def __post_init__(self) -> None:
        for name, valid in (("layout", LAYOUTS), ("page_format", FORMATS)):
            if getattr(self, name) not in valid:
                raise ConfigError(f"{name} is one of {', '.join(valid)}, not {getattr(self, name)!r}.")

    def to_json(self) -> dict[str, Any]:
        """What the results depend on, as plain values."""
        return asdict(self)
