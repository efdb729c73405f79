"""Makes the demo picture: a page of docpre's own, photographed by the synthesiser.

`python -m train.synth.demo_page --output demo/photo.jpg [--flat flat.png] [--text text.txt]`
"""

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pymupdf
from numpy.typing import NDArray

from train.synth.camera import place_camera
from train.synth.config import SynthConfig
from train.synth.lens import Lens
from train.synth.light import draw_lamps
from train.synth.page import render
from train.synth.photo import Photos
from train.synth.surface import (
    Crease,
    Surface,
    bend_cylinder,
    curl_curvature,
    flat_nodes,
    fold_curvature,
    wave_curvature,
)
from train.synth.synthesiser import Scene, Synthesiser, rest_on_table

_TITLE = "Flat pages from bent paper"
_BEFORE = (
    "A photograph of a page is seldom flat. The sheet has been folded to fit an envelope, one corner has curled in "
    "the warmth of the lamp, and whoever held the camera stood a little to the side. The words are all there, yet "
    "their lines bend and lean, and a program that reads printed text loses its way between them.",
    "docpre turns such a picture upright and lays the page flat again. It first finds which way is up, then works out "
    "for every point of the flat page where that point lies in the photograph, and takes the colour from there. The "
    "picture is sampled once, at its full size, so that small print stays sharp.",
)
_ROWS = (
    ("Sheet", "Width", "Height", "Used for"),
    ("A4", "210 mm", "297 mm", "letters, forms"),
    ("A5", "148 mm", "210 mm", "leaflets, notes"),
    ("Letter", "216 mm", "279 mm", "letters, reports"),
    ("Legal", "216 mm", "356 mm", "contracts"),
)
_AFTER = (
    "Paper bends but does not stretch: a sheet can be rolled, folded and curled in many ways, yet the distance between "
    "two words along the paper never changes. The figure shows what a camera makes of it. The more a part of the page "
    "leans away, the narrower its words look, and the sooner so the further to the side the camera is held.",
    "That is why a bent page can be made flat without guessing. Where the paper turns away from the camera the print "
    "looks narrow, and where it rises the print looks large; both follow from the shape alone. Please keep this page "
    "and photograph it yourself, then compare the two results.",
)
_CAPTION = "Width that a camera sees, in per cent, of paper that leans away by 0 to 50 degrees."


def draw_flat_page(dpi: int) -> tuple[NDArray[np.uint8], str]:
    """Set the demo page.

    Args:
        dpi: dots per inch of the A4 page.

    Returns:
        (H, W, 3) RGB uint8, and its text, one paragraph or table row a line.
    """
    document = pymupdf.open()
    page = document.new_page(width=595, height=842)
    css = "* {font-family:serif;font-size:12px;line-height:1.4} h1 {font-size:25px;color:#1d4e89}"
    css += " td,th {padding:3px} i {font-size:10.5px}"
    left, right = 62, 533
    page.insert_htmlbox(pymupdf.Rect(left, 44, right, 90), f"<h1>{_TITLE}</h1>", css=css)
    page.draw_line((left, 88), (right, 88), color=(0.11, 0.31, 0.54), width=1.6)
    justified = "".join(f"<p style='text-align:justify'>{p}</p>" for p in _BEFORE)
    page.insert_htmlbox(pymupdf.Rect(left, 92, right, 282), justified, css=css)
    _draw_table(page, left, 286, right - left)
    justified = "".join(f"<p style='text-align:justify'>{p}</p>" for p in _AFTER)
    page.insert_htmlbox(pymupdf.Rect(left, 394, right, 590), justified, css=css)
    _draw_figure(page, pymupdf.Rect(left + 30, 598, right - 12, 748))
    caption = f"<p style='text-align:center'><i>{_CAPTION}</i></p>"
    page.insert_htmlbox(pymupdf.Rect(left, 764, right, 800), caption, css=css)
    lines = [_TITLE, *_BEFORE, *(" ".join(row) for row in _ROWS), *_AFTER, _CAPTION]
    return render(page, dpi), "\n".join(lines) + "\n"


def _draw_table(page: pymupdf.Page, left: float, top: float, width: float) -> None:
    tall = 20.0
    columns = (0.0, 0.22, 0.46, 0.7)
    for i, row in enumerate(_ROWS):
        y = top + i * tall
        if i % 2 == 0:
            fill = (0.11, 0.31, 0.54) if i == 0 else (0.91, 0.94, 0.97)
            page.draw_rect(pymupdf.Rect(left, y, left + width, y + tall), color=None, fill=fill)
        for share, cell in zip(columns, row, strict=True):
            colour = (1, 1, 1) if i == 0 else (0, 0, 0)
            font = "hebo" if i == 0 else "helv"
            page.insert_text((left + 8 + share * width, y + 14), cell, fontname=font, fontsize=11, color=colour)
    page.draw_rect(pymupdf.Rect(left, top, left + width, top + tall * len(_ROWS)), color=(0.11, 0.31, 0.54), width=0.8)


def _draw_figure(page: pymupdf.Page, box: pymupdf.Rect) -> None:
    """Cosines of the lean, for a camera straight above and held 15 and 30 degrees to the side."""
    for step in range(5):
        y = box.y1 - box.height * step / 4
        page.draw_line((box.x0, y), (box.x1, y), color=(0.82, 0.82, 0.82), width=0.6)
        page.insert_text((box.x0 - 24, y + 3), str(step * 25), fontname="helv", fontsize=9)
    lean = np.linspace(0, 50, 60)
    colours = ((0.72, 0.25, 0.15), (0.11, 0.31, 0.54), (0.18, 0.48, 0.3))
    for i, (side, colour) in enumerate(zip((0, 15, 30), colours, strict=True)):
        seen = np.cos(np.deg2rad(lean + side))
        points = [
            pymupdf.Point(box.x0 + box.width * t / 50, box.y1 - box.height * h) for t, h in zip(lean, seen, strict=True)
        ]
        page.draw_polyline(points, color=colour, width=2.2)
        x = box.x0 + 20 + 90 * i
        page.draw_rect(pymupdf.Rect(x, box.y1 - 16, x + 12, box.y1 - 8), color=None, fill=colour)
        page.insert_text((x + 16, box.y1 - 8), f"{side} degrees", fontname="helv", fontsize=9)
    for degrees in range(0, 51, 10):
        x = box.x0 + box.width * degrees / 50
        page.insert_text((x - 4, box.y1 + 12), str(degrees), fontname="helv", fontsize=9)
    page.draw_line((box.x0, box.y1), (box.x1, box.y1), width=1)
    page.draw_line((box.x0, box.y0), (box.x0, box.y1), width=1)


def photograph(page: NDArray[np.uint8]) -> Photos:
    """Photograph the demo page: folded once, a corner curled, on wood, by a lamp from the left.

    Args:
        page: (H, W, 3) RGB uint8.

    Returns:
        One photo of 1600x2200 pixels, the page upright but for a slight turn.
    """
    config = SynthConfig(size_wh=(1600, 2200), mesh_factor=4, photographer_shadow=0, gloss=0, relax_steps=60)
    synthesiser = Synthesiser(config)
    rng = np.random.default_rng(12)
    size_wh = np.array([page.shape[1], page.shape[0]]) / max(page.shape)
    nodes = flat_nodes(size_wh, config.mesh_factor)
    nodes = bend_cylinder(nodes, np.arctan2(-1.0, 0.9), curl_curvature(0.30, 0.17, 0.95))
    nodes = bend_cylinder(nodes, np.arctan2(1.0, 0.75), curl_curvature(0.40, 0.25, 0.45))
    fold = Crease(np.pi / 2 - 0.012, -0.004, 0.42)
    bump = fold_curvature(fold.offset, fold.bend_rad, 0.004) + wave_curvature(rng, 0.05)
    nodes = bend_cylinder(nodes, fold.angle_rad, bump)
    nodes = bend_cylinder(nodes, 0.35, wave_curvature(rng, 0.22))
    surface = Surface("mixed", size_wh, nodes, [fold])
    synthesiser.relax_surfaces([surface])
    rest_on_table(surface)
    lean, around = np.deg2rad(19), np.deg2rad(-105)
    direction = np.array([np.sin(lean) * np.cos(around), np.sin(lean) * np.sin(around), np.cos(lean)])
    camera = place_camera(surface.nodes, direction, 3.0, 27.0, 0.52, config.size_wh)
    lamp_config = SynthConfig(
        gloss=0,
        photographer_shadow=0,
        lamp_elevation_deg=(38, 38),
        lamp_distance=(3.2, 3.2),
        lamp_radius=(0.3, 0.3),
        key_lights=60,
        ambient=(0.55, 0.55),
        warmth=(0.16, 0.16),
    )
    lamps = draw_lamps(np.random.default_rng(5), "mixed", lamp_config)
    lamps = replace(lamps, exposure=0.74)
    lens = Lens(
        blur_px=0.85,
        motion_px=0,
        motion_rad=0,
        vignette=0.16,
        contrast=0.45,
        noise=0.008,
        noise_grain=0.8,
        sharpening=0.5,
        jpeg_quality=95,
        noise_seed=3,
    )
    scene = Scene(surface, 0.0, camera, lamps, lens, False, "wood", [], np.random.default_rng(2))
    return synthesiser.photograph([page], [scene])


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, make the picture, write it."""
    parser = argparse.ArgumentParser(prog="python -m train.synth.demo_page", description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="JPEG to write")
    parser.add_argument("--flat", type=Path, help="also write the flat page here")
    parser.add_argument("--text", type=Path, help="also write the page's text here")
    chosen = parser.parse_args(arguments)
    page, text = draw_flat_page(dpi=200)
    # Held on its side: the photo is turned a quarter clockwise, so that orientation has work too.
    picture = np.rot90(photograph(page).image[0].numpy(), -1)
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(chosen.output), np.ascontiguousarray(picture[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 90])
    if chosen.flat:
        cv2.imwrite(str(chosen.flat), np.ascontiguousarray(page[..., ::-1]))
    if chosen.text:
        chosen.text.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
