"""What the synthesiser gives: photos with their ground truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Photos:
    """A batch of B photos of W x H pixels, with the truth about the page in each.

    Coordinates of both the photo and the flat page are in [-1, 1] with corners aligned: -1 and 1 are the centres of
    the first and the last pixel.

    Attributes:
        image: (B, H, W, 3) uint8 RGB.
        grid_xy: (B, 2, 45, 31) for each node of the flat page, where it lies in the photo, x then y; beyond [-1, 1]
            outside the frame. Nodes that the paper itself hides have their place too.
        grid_xyz: (B, 3, 45, 31) the nodes' positions before the camera: x to the right, y down, z ahead, the origin at
            their mean, the page's long side 1.
        backward_map: (B, 2, H, W) as `grid_xy`, for each of W x H points of the flat page. Sampling the photo there
            gives the flat page.
        mask: (B, H, W) bool, where the photo shows the page's upper side.
        uv: (B, 2, H, W) for each pixel of the photo where on the flat page it looks, x then y; NaN outside the mask.
        kind: the page's kind in each photo, of `config.KINDS`.
    """

    image: Tensor
    grid_xy: Tensor
    grid_xyz: Tensor
    backward_map: Tensor
    mask: Tensor
    uv: Tensor
    kind: tuple[str, ...]

    def __len__(self) -> int:
        """How many photos there are."""
        return len(self.kind)


def join(batches: Sequence[Photos]) -> Photos:
    """Put batches together.

    Args:
        batches: one or more batches of photos of the same size.

    Returns:
        All photos in order.
    """
    return Photos(
        image=torch.cat([b.image for b in batches]),
        grid_xy=torch.cat([b.grid_xy for b in batches]),
        grid_xyz=torch.cat([b.grid_xyz for b in batches]),
        backward_map=torch.cat([b.backward_map for b in batches]),
        mask=torch.cat([b.mask for b in batches]),
        uv=torch.cat([b.uv for b in batches]),
        kind=tuple(kind for b in batches for kind in b.kind),
    )
