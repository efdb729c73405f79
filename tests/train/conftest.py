"""Tiny sets in the published layouts, drawn in code."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("lightning")

from docpre.models.pp_lcnet import PPLCNet
from docpre.models.uvdoc import UVDoc
from tests.train.drawing import draw_text_page, smooth_grid_px


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def upright_pages(tmp_path_factory) -> Path:
    """Six upright pages as PNG."""
    folder = tmp_path_factory.mktemp("pages")
    for number in range(6):
        cv2.imwrite(str(folder / f"page_{number}.png"), draw_text_page(number))
    return folder


@pytest.fixture(scope="session")
def uvdoc_set(tmp_path_factory) -> Path:
    """Four photos of two geometries in UVDoc's layout."""
    h5py = pytest.importorskip("h5py")
    root = tmp_path_factory.mktemp("uvdoc")
    for folder in ("img", "metadata_sample", "grid2d", "grid3d"):
        (root / folder).mkdir()
    for geometry in range(2):
        nodes_px = smooth_grid_px((712, 488), (89, 61), geometry)
        with h5py.File(root / "grid2d" / f"geom{geometry}.mat", "w") as file:
            file["grid2d"] = nodes_px.T
        v, u = np.mgrid[-1:1:89j, -1:1:61j]
        mesh = np.stack([0.02 * u * v, 0.1 * u, -0.15 * v], -1)
        with h5py.File(root / "grid3d" / f"geom{geometry}.mat", "w") as file:
            file["grid3d"] = mesh.T
    for number in range(4):
        cv2.imwrite(str(root / "img" / f"{number:05d}.png"), draw_text_page(number, (712, 488)))
        metadata = {"geom_name": f"geom{number % 2}"}
        (root / "metadata_sample" / f"{number:05d}.json").write_text(json.dumps(metadata))
    return root


@pytest.fixture(scope="session")
def doc3d_set(tmp_path_factory) -> Path:
    """Two photos in Doc3D's layout."""
    h5py = pytest.importorskip("h5py")
    root = tmp_path_factory.mktemp("doc3d")
    names = ["1/7_2-cp_Page_001", "1/8_1-pp_Page_002"]
    for folder in ("img", "grid2D", "grid3D"):
        (root / folder / "1").mkdir(parents=True)
    for number, name in enumerate(names):
        cv2.imwrite(str(root / "img" / f"{name}.png"), draw_text_page(number, (448, 448)))
        with h5py.File(root / "grid2D" / f"{name}.mat", "w") as file:
            file["grid2D"] = smooth_grid_px((448, 448), (45, 31), number).T
        v, u = np.mgrid[-1:1:45j, -1:1:31j]
        with h5py.File(root / "grid3D" / f"{name}.mat", "w") as file:
            file["grid3D"] = np.stack([0.1 * u * v, 1.2 * u, -1.2 * v], -1).T
    (root / "traindoc.txt").write_text("\n".join(names) + "\n")
    return root


@pytest.fixture(scope="session")
def synthetic_doc_shard(tmp_path_factory) -> Path:
    """Two renders, far smaller than the published ones, in SyntheticDoc's layout."""
    path = tmp_path_factory.mktemp("synthetic") / "train_000.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as content:
        for number in range(2):
            folder = f"sample_{number:06d}/"
            encoded = cv2.imencode(".png", draw_text_page(number, (144, 104)))[1]
            content.writestr(folder + "render.png", encoded.tobytes())
            nodes = smooth_grid_px((144, 104), (177, 121), number) / (103, 143) * 2 - 1
            raw = io.BytesIO()
            np.save(raw, nodes.astype(np.float32))
            content.writestr(folder + "backward_map.npy", raw.getvalue())
            metadata = {"files": {"mesh": "m.obj", "document": f"doc_{number}.png"}, "orientation": 0, "status": "ok"}
            content.writestr(folder + "metadata.json", json.dumps(metadata))
    return path


@pytest.fixture(scope="session")
def small_uvdoc(tmp_path_factory) -> Path:
    """Random weights of UVDoc in a file, so that tests need no published ones."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "uvdoc.safetensors"
    save_file(UVDoc().state_dict(), path)
    return path


@pytest.fixture(scope="session")
def small_pp_lcnet(tmp_path_factory) -> Path:
    """Random weights of PP-LCNet in a file."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "pp_lcnet.safetensors"
    save_file(PPLCNet().state_dict(), path)
    return path
