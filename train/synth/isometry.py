"""Pulls a bent mesh back to the lengths of the flat page it was made of.

Paper bends but does not stretch. Bends that are composed (a curl on a cone, folds that cross) leave small stretches;
the local/global iteration of as-rigid-as-possible surfaces removes them: each mesh triangle asks for the nearest
unstretched frame, and a Poisson equation finds the surface that fits all frames best.

Sources: Sorkine and Alexa, "As-Rigid-As-Possible Surface Modeling", SGP 2007; Liu et al., "A Local/Global Approach to
Mesh Parameterization", SGP 2008.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor


@lru_cache(maxsize=8)
def _modes(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (count,) and mass-orthonormal modes (count, count) of a path of `count` nodes, ends of half mass."""
    mass = np.full(count, 2.0)
    mass[[0, -1]] = 1.0
    stiffness = np.diag(np.r_[1.0, np.full(count - 2, 2.0), 1.0])
    stiffness -= np.eye(count, k=1) + np.eye(count, k=-1)
    root = np.sqrt(mass)
    values, vectors = np.linalg.eigh(stiffness / np.outer(root, root))
    return np.maximum(values, 0.0), vectors / root[:, None]


def _nearest_frame(along_u: Tensor, along_v: Tensor) -> tuple[Tensor, Tensor]:
    """The orthonormal pair nearest to each pair of 3-vectors (polar decomposition of a 3x2 matrix, closed form)."""
    uu = (along_u * along_u).sum(1, keepdim=True)
    vv = (along_v * along_v).sum(1, keepdim=True)
    uv = (along_u * along_v).sum(1, keepdim=True)
    root_det = (uu * vv - uv * uv).clamp_min(1e-12).sqrt()
    scale = 1.0 / ((uu + vv + 2 * root_det).sqrt() * root_det)
    a, b, c = (vv + root_det) * scale, (uu + root_det) * scale, -uv * scale
    return along_u * a + along_v * c, along_u * c + along_v * b


def relax(nodes_xyz: Tensor, size_wh: Tensor, steps: int) -> Tensor:
    """Move the nodes of bent sheets the least that restores the lengths of the flat sheets.

    Args:
        nodes_xyz: (B, 3, R, C) positions of a regular grid of R x C nodes on each sheet.
        size_wh: (B, 2) width and height of each flat sheet, in the same unit.
        steps: iterations; 12 suffice for what the surfaces here need.

    Returns:
        (B, 3, R, C) positions; each sheet's mean position is kept.
    """
    rows, cols = nodes_xyz.shape[-2:]
    values_u, modes_u = (torch.as_tensor(m, dtype=nodes_xyz.dtype, device=nodes_xyz.device) for m in _modes(cols))
    values_v, modes_v = (torch.as_tensor(m, dtype=nodes_xyz.dtype, device=nodes_xyz.device) for m in _modes(rows))
    cell_u = (size_wh[:, 0] / (cols - 1)).view(-1, 1, 1, 1)
    cell_v = (size_wh[:, 1] / (rows - 1)).view(-1, 1, 1, 1)
    spectrum = values_u / cell_u**2 + values_v[:, None] / cell_v**2
    spectrum[..., 0, 0] = 1.0
    mean = nodes_xyz.mean((-2, -1), keepdim=True)
    for _ in range(steps):
        along_u = nodes_xyz.diff(dim=-1) / cell_u
        along_v = nodes_xyz.diff(dim=-2) / cell_v
        # Two triangles a cell: its first corner with the edges that start there, its last with those that end there.
        first_u, first_v = _nearest_frame(along_u[..., :-1, :], along_v[..., :, :-1])
        last_u, last_v = _nearest_frame(along_u[..., 1:, :], along_v[..., :, 1:])
        right = torch.zeros_like(nodes_xyz)
        for wish, row in ((first_u, slice(None, -1)), (last_u, slice(1, None))):
            right[..., row, 1:] += wish / cell_u
            right[..., row, :-1] -= wish / cell_u
        for wish, col in ((first_v, slice(None, -1)), (last_v, slice(1, None))):
            right[..., 1:, col] += wish / cell_v
            right[..., :-1, col] -= wish / cell_v
        spectral = modes_v.T @ right @ modes_u / spectrum
        spectral[..., 0, 0] = 0.0
        nodes_xyz = modes_v @ spectral @ modes_u.T
        nodes_xyz = nodes_xyz - nodes_xyz.mean((-2, -1), keepdim=True) + mean
    return nodes_xyz
