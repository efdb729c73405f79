"""SIFT flow: its terms by brute force, belief propagation against the exact optimum, known shifts."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

pytest.importorskip("numba", reason="numba isn't installed")

from docpre.metrics.sift_flow import SiftFlowConfig, data_term, propagate_beliefs, sift_flow


def test_data_term_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 256, (2, 6, 5, 8), np.uint8)
    offset_xy = rng.integers(-2, 3, (2, 6, 5)).astype(np.int32)
    data = data_term(first, second, offset_xy, window=1)
    assert data.shape == (6, 5, 3, 3)
    inside, outside = [], set()
    for y, x, j, i in np.ndindex(data.shape):
        target_x, target_y = x + offset_xy[0, y, x] + i - 1, y + offset_xy[1, y, x] + j - 1
        if 0 <= target_x < 5 and 0 <= target_y < 6:
            expected = np.abs(first[y, x].astype(int) - second[target_y, target_x]).sum()
            assert data[y, x, j, i] == expected
            inside.append(expected)
        else:
            outside.add(data[y, x, j, i])
    assert len(outside) == 1
    # The authors' histogram counts bins from 0 yet adds the least distance to them.
    assert outside.pop() == pytest.approx(np.median(inside) + min(inside), rel=0.01)


def energy(flow_xy: np.ndarray, data: np.ndarray, offset_xy: np.ndarray, alpha: int, d: int, gamma: float) -> int:
    window = (data.shape[2] - 1) // 2
    total = 0
    for y, x in np.ndindex(data.shape[:2]):
        i, j = flow_xy[:, y, x] - offset_xy[:, y, x] + window
        total += data[y, x, j, i] + sum(int(gamma * abs(int(v))) for v in flow_xy[:, y, x])
    for axis in (1, 2):
        total += np.minimum(alpha * np.abs(np.diff(flow_xy, axis=axis)), d).sum()
    return int(total)


@settings(max_examples=40, deadline=None)
@example(35405534, False)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_beliefs_find_the_optimum_of_a_chain(seed: int, upright: bool) -> None:
    """On a chain whose data term is a sum of one term in x and one in y, belief propagation is exact."""
    rng = np.random.default_rng(seed)
    pixels, states, alpha, d, gamma = 4, 3, int(rng.integers(1, 40)), int(rng.integers(10, 90)), 3.7
    shape = (pixels, 1) if upright else (1, pixels)
    data_x, data_y = rng.integers(0, 100, (2, *shape, states))
    data = (data_x[..., None, :] + data_y[..., :, None]).astype(np.int32)
    offset_xy = rng.integers(-1, 2, (2, *shape)).astype(np.int32)
    flow_xy = propagate_beliefs(data, offset_xy, alpha, d, gamma, iterations=16, coarser_graphs=0)

    best = 0
    for layer, separate in enumerate((data_x, data_y)):
        prices = []
        for choice in itertools.product(range(states), repeat=pixels):
            flow = np.array(choice) - 1 + offset_xy[layer].ravel()
            price = separate.reshape(pixels, states)[range(pixels), choice].sum()
            price += sum(int(gamma * abs(int(v))) for v in flow)
            price += np.minimum(alpha * np.abs(np.diff(flow)), d).sum()
            prices.append(int(price))
        cheapest, runner_up = sorted(prices)[:2]
        assume(cheapest < runner_up)  # of two equal optima each pixel may choose its own
        best += cheapest
    assert energy(flow_xy, data, offset_xy, alpha, d, gamma) == best


@pytest.mark.parametrize("coarser_graphs", [0, 2])
def test_beliefs_come_near_the_optimum_of_a_grid(coarser_graphs: int) -> None:
    rng = np.random.default_rng(5)
    data = rng.integers(0, 100, (2, 2, 3, 3)).astype(np.int32)
    offset_xy = np.zeros((2, 2, 2), np.int32)
    flow_xy = propagate_beliefs(data, offset_xy, 20, 50, 1.0, iterations=40, coarser_graphs=coarser_graphs)
    flows = np.array(list(itertools.product((-1, 0, 1), repeat=8))).reshape(-1, 2, 2, 2)
    energies = [energy(flow, data, offset_xy, 20, 50, 1.0) for flow in flows]
    assert energy(flow_xy, data, offset_xy, 20, 50, 1.0) <= np.quantile(energies, 0.001)


@pytest.mark.parametrize("shift_xy", [(0, 0), (4, -3), (-11, 6), (20, 20)])
def test_known_shift(shift_xy: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    canvas = np.kron(rng.random((50, 60)), np.ones((4, 4)))
    x, y = shift_xy
    source, target = canvas[40:150, 40:170], canvas[40 - y : 150 - y, 40 - x : 170 - x]
    flow_xy = sift_flow(source, target)
    assert flow_xy.shape == (2, 110, 130)
    assert flow_xy.dtype == np.int32
    inside = flow_xy[:, 30:-30, 30:-30]
    assert (inside[0] == x).mean() > 0.99
    assert (inside[1] == y).mean() > 0.99


def test_repeats_exactly_and_takes_small_images() -> None:
    rng = np.random.default_rng(4)
    source, target = rng.random((2, 37, 21))
    np.testing.assert_array_equal(sift_flow(source, target), sift_flow(source, target))
    assert sift_flow(source[:1, :3], target[:1, :3]).shape == (2, 1, 3)


def test_defaults_are_the_protocol() -> None:
    config = SiftFlowConfig()
    assert (config.alpha, config.d, config.gamma) == (510, 10200, pytest.approx(1.275))
    assert (config.levels, config.window, config.top_window) == (4, 2, 10)
    assert (config.iterations, config.top_iterations) == (30, 60)
