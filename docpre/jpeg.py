"""JPEGs are most of what comes in, so they have a fast way: OpenCV decodes them in half of Pillow's time.

Both use libjpeg-turbo and give the same pixels; Pillow keeps four bytes a pixel and copies them twice.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_START_OF_SCAN, _END_OF_IMAGE = 0xDA, b"\xff\xd9"
_STANDALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a length


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
            return content.find(_END_OF_IMAGE, position) >= 0
        else:
            position += 2 + int.from_bytes(content[position + 2 : position + 4], "big")
    return False


def decoded(content: bytes) -> NDArray[np.uint8] | None:
    """(H, W, 3) RGB of a JPEG file in gray or YCbCr, as it is stored; None where OpenCV won't have it."""
    try:
        return _decoded(content, cv2.IMREAD_COLOR_RGB)
    except cv2.error:  # such as sides over its own limits; Pillow may do better
        return None


def _decoded(content: bytes, flags: int) -> NDArray[np.uint8] | None:
    image = cv2.imdecode(np.frombuffer(content, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    return None if image is None else image.astype(np.uint8, copy=False)
