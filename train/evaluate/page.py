"""What is evaluated: pages, each with a photo, a flat reference or a text, as far as they are there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from docpre.errors import InputError
from docpre.loading import IMAGE_SUFFIXES

RESIZED_TO_PHOTO = {"uvdoc": True, "doctr": False, "plain": False}
"""OCR settings: ``uvdoc`` (DewarpNet, UVDoc, PaddleOCR) reads the prediction at the photo's size, ``doctr`` (DocTr,
DocGeoNet) and ``plain`` as it is; the first two have lists of documents of their own."""


@dataclass(frozen=True)
class EvaluationPage:
    """One page.

    Args:
        name: tells it apart in its set; predictions are named so.
        document: pages of one document hang together when figures are resampled.
        photo: what a model gets to see.
        drawn_from: another picture of the photo's size that the model's map is applied to, instead of the photo.
        prediction: the flattened page, where the set itself names it.
        reference: the flat page.
        text: the true text; where it is known, it is not read on the reference.
        ocr: OCR settings (of ``RESIZED_TO_PHOTO``) that the page is read under.
        is_upside_down: the photo, or the prediction, is turned by half before anything else.
        grid: a .npy with the true grid (2, rows, columns) of the page in the photo, in [-1, 1], corners aligned.
    """

    name: str
    document: str
    photo: Path | None = None
    drawn_from: Path | None = None
    prediction: Path | None = None
    reference: Path | None = None
    text: str | None = None
    ocr: tuple[str, ...] = ()
    is_upside_down: bool = False
    grid: Path | None = None


@dataclass(frozen=True)
class EvaluationSet:
    """Pages, and where their files are looked for.

    Args:
        name: of the set.
        pages: all that there should be, whether their files are there or not.
        places: ``photo``, ``reference`` and the like to how such files are named, for messages.
    """

    name: str
    pages: list[EvaluationPage]
    places: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Missing:
    """Files that are not there.

    Args:
        what: ``photo``, ``prediction``, ``reference`` or ``text``.
        place: how such files are named.
        names: of the pages.
        effect: what can't be measured for want of them.
    """

    what: str
    place: str
    names: tuple[str, ...]
    effect: str

    def __str__(self) -> str:
        shown = ", ".join(self.names if len(self.names) <= 8 else (*self.names[:4], "...", *self.names[-2:]))
        place = f" ({self.place})" if self.place else ""
        counted = f"{len(self.names)} {'page' if len(self.names) == 1 else 'pages'}"
        return f"{counted} without {self.what}{place}: {shown}. {self.effect}"


def pictures_by_stem(folder: Path) -> dict[str, Path]:
    """The pictures in a folder by name without extension; `` copy`` at its end, as DocUNet has it, is left out.

    Returns:
        Nothing where there is no such folder.

    Raises:
        InputError: two files have one name.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix.lower() not in IMAGE_SUFFIXES or path.name.startswith("."):
            continue
        stem = path.stem.removesuffix(" copy")
        if stem in found:
            raise InputError(f"{folder}: {found[stem].name} and {path.name} both are page {stem}; leave one of them.")
        found[stem] = path
    return found


def with_predictions(pages: Iterable[EvaluationPage], predictions: dict[str, Path]) -> list[EvaluationPage]:
    """The pages with what a folder of predictions holds for them."""
    return [replace(page, prediction=predictions.get(page.name)) for page in pages]


def measurable(
    evaluation_set: EvaluationSet, by_model: bool, wants_words: bool
) -> tuple[list[EvaluationPage], list[Missing]]:
    """Which pages something can be measured on, and what is missing on the others.

    Args:
        evaluation_set: the set.
        by_model: a model makes the predictions from photos; else they are read.
        wants_words: words are compared too.
    """
    places = evaluation_set.places
    source = "photo" if by_model else "prediction"
    lacking: dict[tuple[str, str], list[str]] = {}
    good = []

    def lack(what: str, effect: str, page: EvaluationPage) -> None:
        lacking.setdefault((what, effect), []).append(page.name)

    for page in evaluation_set.pages:
        if getattr(page, source) is None:
            lack(source, "Nothing is measured there.", page)
            continue
        is_read = page.text is not None and (page.ocr or wants_words)
        if page.reference is None and not is_read:
            lack("reference", "Nothing is measured there.", page)
            continue
        if page.reference is None:
            lack("reference", "MS-SSIM, LD and AD are not measured there.", page)
        if page.photo is None and any(RESIZED_TO_PHOTO[setting] for setting in page.ocr):
            lack("photo", "CER and ED of the setting uvdoc, which reads at its size, are not measured there.", page)
        good.append(page)
    return good, [
        Missing(what, places.get(what, ""), tuple(names), effect) for (what, effect), names in lacking.items()
    ]
