"""Makes the example pages in ``demo/examples``: pages of docpre's own, photographed by its synthesiser.

``python -m demo.draw_examples`` (needs the extra ``train``; the results are in the repository).
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pymupdf
from numpy.typing import NDArray

from train.synth.config import SynthConfig
from train.synth.page import render
from train.synth.synthesiser import Synthesiser

FOLDER = Path(__file__).parent / "examples"
_QUALITY = 82
_STYLE = (
    "* {font-family:sans-serif;font-size:12px;line-height:1.5} h1 {font-size:24px;color:#7a1f2b} "
    "h2 {font-size:15px;color:#7a1f2b} td,th {padding:4px;border:1px solid #888} p {text-align:justify}"
)
_TWO_LANGUAGES = """
<h1>River walk 河边散步</h1>
<p>The path begins at the old mill and follows the water for seven kilometres. Two bridges cross it; the second one is
narrow, so bicycles are pushed. Bring something to drink: the only well lies near the end.</p>
<h2>中文说明</h2>
<p>小路从老磨坊开始，沿着河水走七公里。路上有两座桥，第二座桥很窄，请推着自行车走。请带上水，唯一的水井在终点附近。
春天的时候，河边的柳树和桃花都很好看；秋天的傍晚，水面上常有一层薄雾。</p>
<h2>Where you are 位置</h2>
<table><tr><th>Place 地点</th><th>Distance 距离</th><th>Time 时间</th></tr>
<tr><td>Old mill 老磨坊</td><td>0.0 km</td><td>09:00</td></tr>
<tr><td>First bridge 第一座桥</td><td>2.4 km</td><td>09:40</td></tr>
<tr><td>Narrow bridge 窄桥</td><td>4.9 km</td><td>10:25</td></tr>
<tr><td>The well 水井</td><td>6.7 km</td><td>11:00</td></tr></table>
<p>Dogs are welcome on a lead. After heavy rain the lower path is closed, and signs lead over the hill instead, which
takes half an hour longer. 大雨之后，下面的小路会关闭，请按照路牌从山上走，大约要多走半个小时。</p>
"""
_SCAN = """
<h1>Notes on keeping bees</h1>
<p>This page lies flat and stands upright. There is nothing to mend, so docpre leaves it alone, bit for bit, and says
why. Programs that bend every page, whether it needs it or not, make good scans worse.</p>
<h2>Spring</h2>
<p>On the first warm day the bees fly out to clean the hive. Look at the entrance rather than inside: many bees with
pollen mean that the queen is laying. Feed only colonies whose combs feel light when the hive is lifted at the back.</p>
<h2>Summer</h2>
<p>Give room in time. A colony that is cramped will swarm, and half of the bees will leave with the old queen. Take
honey when two thirds of a comb are closed; what is taken sooner holds too much water and will not keep.</p>
<h2>Autumn and winter</h2>
<p>Fifteen kilograms of stores carry a colony through a winter of the middle lands. Narrow the entrance against mice,
tie the roof down against the wind, and then leave the hive in peace until the snow has gone.</p>
"""
_REPORT = """
<h1>A report of three pages</h1>
<p>This first page of the PDF was never paper: its letters are drawn by the PDF itself. The second page was laid on the
scanner on its side. The third is a photograph of a bent sheet. Choose the page above the results.</p>
<table><tr><th>Page</th><th>What is wrong with it</th><th>What docpre does</th></tr>
<tr><td>1</td><td>nothing</td><td>leaves it alone</td></tr>
<tr><td>2</td><td>lies on its side</td><td>turns it</td></tr>
<tr><td>3</td><td>bent and at a slant</td><td>flattens it</td></tr></table>
"""


def flat_page(html: str, dpi: int = 150) -> NDArray[np.uint8]:
    """An A4 page of HTML, (H, W, 3) RGB uint8."""
    document = pymupdf.open()
    page = document.new_page(width=595, height=842)
    page.insert_htmlbox(pymupdf.Rect(58, 50, 537, 800), html, css=_STYLE)
    return render(page, dpi)


def photo(page: NDArray[np.uint8], kind: str, number: int, size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """A page bent in one way and photographed, upright, (H, W, 3) RGB uint8."""
    config = SynthConfig(
        size_wh=size_wh,
        kinds={kind: 1.0},
        mesh_factor=3,
        tilt_deg=(12, 22),
        coverage=(0.6, 0.68),
        turn_jitter_deg=2,
        any_turn=0,
        held=0,
        clutter=0,
        motion=0,
        gloss=0,
        photographer_shadow=0,
        key_lights=30,
        noise=(0.004, 0.008),
        blur_px=(0.4, 0.5),
        jpeg_quality=(94, 95),
        lamp_elevation_deg=(45, 60),
        ambient=(0.6, 1.0),
        warmth=(-0.1, 0.2),
    )
    return np.asarray(Synthesiser(config, seed=7)([page], [number]).image[0].numpy(), np.uint8)


def encoded(picture: NDArray[np.uint8]) -> bytes:
    """(H, W, 3) RGB uint8 as a JPEG."""
    bgr = np.ascontiguousarray(picture[..., ::-1])
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()


def report() -> bytes:
    """A PDF of three pages: drawn, scanned on its side, photographed."""
    document = pymupdf.open()
    first = document.new_page(width=595, height=842)
    first.insert_htmlbox(pymupdf.Rect(58, 50, 537, 800), _REPORT, css=_STYLE)
    sideways = document.new_page(width=842, height=595)
    sideways.insert_image(sideways.rect, stream=encoded(np.rot90(flat_page(_SCAN, 110))))
    bent = document.new_page(width=595, height=793)
    bent.insert_image(bent.rect, stream=encoded(photo(flat_page(_SCAN), "fold", 3, (1050, 1400))))
    return bytes(document.tobytes(deflate=True, garbage=3))


def thumbnail(pdf: bytes) -> bytes:
    """A small JPEG of a PDF's first page."""
    return encoded(render(pymupdf.open(stream=pdf, filetype="pdf")[0], 60))


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(exist_ok=True)
    walk = photo(flat_page(_TWO_LANGUAGES), "bend", 2, (1200, 1600))
    (FOLDER / "upside_down.jpg").write_bytes(encoded(np.rot90(walk, 2)))
    (FOLDER / "flat_scan.jpg").write_bytes(encoded(flat_page(_SCAN)))
    pdf = report()
    (FOLDER / "three_pages.pdf").write_bytes(pdf)
    (FOLDER / "three_pages.jpg").write_bytes(thumbnail(pdf))


if __name__ == "__main__":
    main()
