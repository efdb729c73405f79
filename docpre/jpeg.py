"""JPEGs are most of what comes in and goes out, so they have a fast way: OpenCV decodes them in half of Pillow's time.

Both use libjpeg-turbo and give the same pixels; Pillow keeps four bytes a pixel and copies them twice.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_START_OF_SCAN, _END_OF_IMAGE = 0xDA, b"\xff\xd9"
_STANDALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a length
_LONGEST_SIDE = 65_500
_REDUCTIONS = ((8, cv2.IMREAD_REDUCED_COLOR_8), (4, cv2.IMREAD_REDUCED_COLOR_4), (2, cv2.IMREAD_REDUCED_COLOR_2))


def is_complete(content: bytes) -> bool:
    """Whether a JPEG file goes on to an end-of-image marker after the start of its first scan.

    Within a scan's data 0xFF is escaped, so that the marker can't be met by chance; one in an embedded preview comes
    before the scan and is not looked at.
    """
    position = 2
    while position + 4 <= len(content):
        if content[position] != 0xFF:
            return False
        marker = content[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
        elif marker in _STANDALONE:
            position += 2
        elif marker == _START_OF_SCAN:
            return content.rfind(_END_OF_IMAGE, position) >= 0
        else:
            position += 2 + int.from_bytes(content[position + 2 : position + 4], "big")
    return False


def decoded(content: bytes) -> NDArray[np.uint8] | None:
    """(H, W, 3) RGB of a JPEG file in gray or YCbCr, as it is stored; None where OpenCV won't have it."""
    try:
        return _decoded(content, cv2.IMREAD_COLOR_RGB)
    except cv2.error:  # such as sides over its own limits; Pillow may do better
        return None


def reduced(content: bytes, size_hw: tuple[int, int], least_side: int) -> NDArray[np.uint8] | None:
    """(H, W, 3) RGB at a half, quarter or eighth of its size, decoded straight to that at half the cost.

    Args:
        content: of a JPEG file.
        size_hw: of the whole picture.
        least_side: neither side becomes smaller than this.

    Returns:
        None where no reduction leaves so much, or OpenCV won't have the file.
    """
    for scale, flag in _REDUCTIONS:
        if min(size_hw) // scale >= least_side:
            try:
                return _decoded(content, flag)
            except cv2.error:
                return None
    return None


def _decoded(content: bytes, flags: int) -> NDArray[np.uint8] | None:
    image = cv2.imdecode(np.frombuffer(content, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        return None
    if flags != cv2.IMREAD_COLOR_RGB:  # the flags for reduced scales have no RGB
        image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    return image.astype(np.uint8, copy=False)


def encoded(image: NDArray[np.uint8], quality: int) -> bytes:
    """A JPEG file of (H, W, 3) RGB uint8, its colour at half the resolution (4:2:0).

    Args:
        image: at most 65,500 pixels on a side.
        quality: 1 to 100.

    Raises:
        ValueError: the picture is too large for the format.
    """
    if max(image.shape[:2]) > _LONGEST_SIDE:
        raise ValueError(f"a JPEG has at most {_LONGEST_SIDE:,} pixels on a side")
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, content = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return content.tobytes()
