"""LD and AD of flows that are made by hand."""

import numpy as np
import pytest

from docpre.metrics.distortion import aligned_distortion, local_distortion


@pytest.fixture
def reference() -> np.ndarray:
    return np.kron(np.random.default_rng(0).integers(0, 256, (20, 15), np.uint8), np.ones((4, 4), np.uint8))


def test_ld_is_the_mean_length() -> None:
    flow_xy = np.zeros((2, 2, 2), np.int32)
    flow_xy[:, 0, 0] = 3, 4
    flow_xy[:, 1, 1] = 0, -2
    assert local_distortion(flow_xy) == pytest.approx((5 + 2) / 4)


def test_ad_forgives_shift_and_scale(reference: np.ndarray) -> None:
    rows, columns = np.mgrid[0:40, 0:30]
    flow_xy = np.stack([columns + 7, rows - 4]).astype(np.int32)
    assert aligned_distortion(reference, flow_xy) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("border", ["zero", "replicate"])
def test_ad_weighs_the_rest_by_gradient(reference: np.ndarray, border: str) -> None:
    rng = np.random.default_rng(1)
    flow_xy = rng.integers(-3, 4, (2, 80, 60)).astype(np.int32)
    gradient = np.zeros((80, 60))
    padded = np.pad(reference.astype(float), 1, mode="constant" if border == "zero" else "edge")
    for y, x in np.ndindex(80, 60):
        patch = padded[y : y + 3, x : x + 3]
        gradient_x = (patch[:, 2] - patch[:, 0]) @ [1, 2, 1]
        gradient_y = (patch[2] - patch[0]) @ [1, 2, 1]
        gradient[y, x] = np.hypot(gradient_x, gradient_y)
    weight = gradient / gradient.max()
    strong = weight > 0.5
    rows, columns = np.mgrid[1:81, 1:61]
    left = []
    for flow, start in ((flow_xy[0], columns), (flow_xy[1], rows)):
        end = start + flow
        scale, shift = np.polyfit(end[strong], start[strong], 1)
        left.append(weight * (scale * end + shift - start))
    assert aligned_distortion(reference, flow_xy, border) == pytest.approx(np.hypot(*left).mean())


def test_ad_without_any_gradient_is_not_a_number() -> None:
    assert np.isnan(aligned_distortion(np.zeros((8, 8), np.uint8), np.ones((2, 4, 4), np.int32)))


def test_ad_of_no_flow_is_zero_even_where_the_scale_is_unknown() -> None:
    line = np.full((40, 40), 200, np.uint8)
    line[:, 20] = 0
    assert aligned_distortion(line, np.zeros((2, 20, 20), np.int32), "replicate") == 0
