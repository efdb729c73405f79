"""A set in DocUNet's layout of docpre's own making, for where the benchmark isn't there."""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from docpre.errors import ConfigError
from docpre.metrics.docunet import DOCUMENTS
from train.evaluate.predictions import write_png
from train.synth import SynthConfig, Synthesiser
from train.synth.page import draw_page

KINDS = {"bend": 1.0, "fold": 1.0, "curl": 1.0, "book": 1.0, "crumple": 1.0, "mixed": 1.0}


def write_synthetic_docunet(
    path: Path,
    documents: int = 5,
    photo_wh: tuple[int, int] = (976, 1424),
    dpi: int = 120,
    seed: int = 65,
    progress: bool = True,
) -> None:
    """Write ``scan/{k}.png`` and two photos of each, ``crop/{k}_{1,2} copy.png``; files that are there are kept.

    The first photo of a document is the milder one. Figures on such a set compare models with each other; they don't
    compare with those of the benchmark.

    Args:
        path: folder to write into.
        documents: how many of DocUNet's 65, from the first on.
        photo_wh: width and height of the photos.
        dpi: of the flat pages; an A4 page at 120 dpi is 992x1403.
        seed: of pages and photos.
        progress: show a bar.

    Raises:
        ConfigError: documents is not from 1 to 65.
    """
    if not 1 <= documents <= len(DOCUMENTS):
        raise ConfigError(f"documents is from 1 to {len(DOCUMENTS)}, not {documents}.")
    photographers = [
        Synthesiser(
            SynthConfig(
                size_wh=photo_wh,
                kinds=KINDS,
                severity=severity,
                coverage=(0.62, 0.78),
                tilt_deg=(0, tilt_deg),
                turn_jitter_deg=3,
                any_turn=0,
                fingers=0,
                photographer_shadow=0,
                blur_px=(0.2, 0.5),
            ),
            seed,
        )
        for severity, tilt_deg in ((0.6, 12), (1.0, 25))
    ]
    for document in tqdm(DOCUMENTS[:documents], unit="document", disable=not progress):
        flat = draw_page(1000 * seed + document, dpi)
        scan = path / "scan" / f"{document}.png"
        if not scan.is_file():
            write_png(scan, flat)
        for number, photographer in enumerate(photographers, start=1):
            photo = path / "crop" / f"{document}_{number} copy.png"
            if not photo.is_file():
                write_png(photo, photographer([flat], [2 * document + number]).image[0].cpu().numpy())
