"""A page of pictures for looking at: photo, flattened page and reference side by side, with figures."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import cv2
import numpy as np

from docpre.loading import ImageArray

_HEIGHT_PX = 420
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 24px auto; max-width: 1180px; padding: 0 16px; color: #222 }
section { border-top: 1px solid #ccc; padding: 12px 0 20px } h2 { font-size: 17px; margin: 0 0 6px }
.row { display: flex; flex-wrap: wrap; gap: 14px } figure { margin: 0 } figcaption { color: #666; font-size: 13px }
img { max-height: 420px; max-width: 100%; border: 1px solid #ddd; background: #f4f4f4 }
table { border-collapse: collapse; margin: 8px 0 20px } td, th { padding: 3px 12px 3px 0; text-align: right }
td:first-child, th:first-child { text-align: left } .error { color: #b00020 } .note { color: #666; font-size: 13px }
"""


def write_thumbnails(
    folder: Path, name: str, photo: ImageArray | None, prediction: ImageArray, reference: ImageArray | None
) -> None:
    """Write small pictures of a page, ``{name}_photo.jpg`` and the like; pictures are (H, W, 3) RGB uint8."""
    folder.mkdir(parents=True, exist_ok=True)
    for what, picture in (("photo", photo), ("prediction", prediction), ("reference", reference)):
        if picture is not None:
            scale = _HEIGHT_PX / picture.shape[0]
            size_wh = max(1, round(picture.shape[1] * scale)), _HEIGHT_PX
            small = cv2.resize(picture, size_wh, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
            encoded = cv2.imencode(".jpg", np.ascontiguousarray(small[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 82])[1]
            (folder / f"{name}_{what}.jpg").write_bytes(encoded.tobytes())


def write_picture_page(
    path: Path,
    title: str,
    facts: Iterable[tuple[str, str]],
    table: list[list[str]],
    pages: Iterable[tuple[str, Mapping[str, Any]]],
) -> None:
    """Write an HTML page beside the folder ``pictures``.

    Args:
        path: of the page.
        title: its heading.
        facts: pairs of what and value, shown above the pictures.
        table: rows of cells, the first being the head.
        pages: names with their results, as they are kept in the run's folder.
    """
    parts = [f"<!doctype html><meta charset='utf-8'><title>{html.escape(title)}</title><style>{_STYLE}</style>"]
    parts.append(f"<h1>{html.escape(title)}</h1><table>")
    for number, row in enumerate(table):
        tag = "th" if number == 0 else "td"
        parts.append("<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) + "</tr>")
    parts.append("</table>")
    parts += [f"<div class='note'>{html.escape(what)}: {html.escape(value)}</div>" for what, value in facts]
    for name, result in pages:
        parts.append(_section(path.parent, name, result))
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text("\n".join(parts), "utf-8")
    unfinished.replace(path)


def _section(folder: Path, name: str, result: Mapping[str, Any]) -> str:
    lines = [f"<section><h2>{html.escape(name)}</h2>"]
    if result.get("error"):
        lines.append(f"<div class='error'>{html.escape(result['error'])}</div></section>")
        return "".join(lines)
    figures = ", ".join(f"{key} {value:.4g}" for key, value in result["figures"].items())
    lines.append(f"<div>{html.escape(figures)}</div>")
    unwarping = result.get("unwarping")
    if unwarping:
        done = "unwarped" if unwarping["applied"] else "left as it was"
        lines.append(f"<div class='note'>{done}: {html.escape(str(unwarping['reason']))}</div>")
    lines += [f"<div class='note'>{html.escape(note)}</div>" for note in result.get("notes", ())]
    lines.append("<div class='row'>")
    for what in ("photo", "prediction", "reference"):
        if (folder / "pictures" / f"{name}_{what}.jpg").is_file():
            source = quote(f"pictures/{name}_{what}.jpg")
            lines.append(
                f"<figure><img loading='lazy' src='{source}' alt='{what}'><figcaption>{what}</figcaption></figure>"
            )
    lines.append("</div></section>")
    return "".join(lines)
