"""How pages are unwarped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from docpre.errors import ConfigError
from docpre.geometry import Interpolation
from docpre.refining import LEVEL_DEG

OutputSize = Literal["page", "input"]


@dataclass(frozen=True)
class UnwarpingOptions:
    """How pages are unwarped.

    Args:
        leave_flat_pages: a page that is judged flat already is left as it is, or only turned where it is askew. False:
            every page is unwarped, as PaddleOCR does.
        output_size: ``page``: as large as the page appears in the picture, at the picture's resolution. ``input``: the
            picture's size, as PaddleOCR does.
        interpolation: ``nearest``, ``linear`` (as PaddleOCR does) or ``cubic``.
        refine: look at the result again: find pages that lie askew or far off, repeat the network on its own result,
            straighten lines that still wave, and keep what makes the lines more level; see ``docpre.rectifying``.
            False: one pass of the network, as PaddleOCR does.
        most_passes: of the network on a page (on each of two ways, where a page had to be looked for).
        level_deg: a further pass is made while the lines are off by more than this; 0 gives the best quality.
        margin: how much of what is around the page is kept on each side, in parts of its width, 0 to 1.
        keep_all: keep all that the picture shows, also around the page (up to half a page on each side).
    """

    leave_flat_pages: bool = True
    output_size: OutputSize = "page"
    interpolation: Interpolation = "cubic"
    refine: bool = True
    most_passes: int = 3
    level_deg: float = LEVEL_DEG
    margin: float = 0.0
    keep_all: bool = False

    def __post_init__(self) -> None:
        for name in ("leave_flat_pages", "refine", "keep_all"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{name} is True or False, not {getattr(self, name)!r}.")
        if self.output_size not in ("page", "input"):
            raise ConfigError(f"output_size is 'page' or 'input', not {self.output_size!r}.")
        if self.interpolation not in ("nearest", "linear", "cubic"):
            raise ConfigError(f"interpolation is 'nearest', 'linear' or 'cubic', not {self.interpolation!r}.")
        if isinstance(self.most_passes, bool) or not isinstance(self.most_passes, int) or self.most_passes < 1:
            raise ConfigError(f"most_passes is a whole number from 1 on, not {self.most_passes!r}.")
        if isinstance(self.level_deg, bool) or not isinstance(self.level_deg, (int, float)) or self.level_deg < 0:
            raise ConfigError(f"level_deg is 0 degrees or more, not {self.level_deg!r}.")
        if isinstance(self.margin, bool) or not isinstance(self.margin, (int, float)) or not 0 <= self.margin <= 1:
            raise ConfigError(f"margin is from 0 to 1 of the page's width, not {self.margin!r}.")
