"""The camera sees where it should and as much as it should."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from train.synth.camera import area_px, draw_camera, place_camera, project, rays_to_plane
from train.synth.config import SynthConfig
from train.synth.surface import flat_nodes

NODES = flat_nodes(np.array([0.7, 1.0]), 1)


@settings(max_examples=40, deadline=None)
@given(
    tilt=st.floats(0, 0.7),
    around=st.floats(0, 6.3),
    turn=st.floats(0, 360),
    focal=st.floats(24, 70),
    coverage=st.floats(0.2, 1.2),
)
def test_coverage_is_met_and_rays_come_back(
    tilt: float, around: float, turn: float, focal: float, coverage: float
) -> None:
    direction = np.array([np.sin(tilt) * np.cos(around), np.sin(tilt) * np.sin(around), np.cos(tilt)])
    camera = place_camera(NODES, direction, turn, focal, coverage, (488, 712))
    np.testing.assert_allclose(camera.rotation @ camera.rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(camera.rotation) == pytest.approx(1.0)
    xy, ahead = project(NODES, camera)
    assert ahead.min() > 0
    assert area_px(xy) / (488 * 712) == pytest.approx(coverage, rel=0.1)
    np.testing.assert_allclose((xy.min((0, 1)) + xy.max((0, 1))) / 2, [243.5, 355.5], atol=1e-6)
    pick = xy[::11, ::10].reshape(-1, 2)
    back = rays_to_plane(
        *(torch.tensor(v)[None] for v in (camera.rotation, camera.position)),
        torch.tensor([camera.focal_px]).double(),
        torch.tensor(camera.centre_xy)[None],
        torch.tensor(pick),
        torch.zeros(1).double(),
    )
    np.testing.assert_allclose(back[0], NODES[::11, ::10, :2].reshape(-1, 2), atol=1e-6)


@pytest.mark.parametrize(("turn", "top"), [(0, (0, -1)), (90, (1, 0)), (180, (0, 1)), (270, (-1, 0))])
def test_turns_are_clockwise(turn: float, top: tuple[int, int]) -> None:
    camera = place_camera(NODES, np.array([0.0, 0.0, 1.0]), turn, 50.0, 0.4, (500, 500))
    xy, _ = project(NODES, camera)
    up = xy[0].mean(0) - xy[-1].mean(0)
    np.testing.assert_allclose(up / np.linalg.norm(up), top, atol=1e-9)


def test_pages_fill_from_a_third_of_the_frame_to_more_than_all() -> None:
    config = SynthConfig(coverage=(0.33, 1.3))
    shares = []
    for i in range(60):
        camera = draw_camera(np.random.default_rng(i), NODES, "bend", config)
        shares.append(area_px(project(NODES, camera)[0]) / (488 * 712))
    assert min(shares) < 0.4
    assert max(shares) > 1.1
