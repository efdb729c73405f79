"""SIFT flow: Liu, Yuen and Torralba, "SIFT Flow: Dense Correspondence across Scenes and its Applications", PAMI 2011.

The flow w(p) = (u, v), in whole pixels, that the energy

    E(w) = sum_p |s1(p) - s2(p + w(p))|_1  +  sum_p gamma (|u| + |v|)
           + sum_neighbours min(alpha |u(p) - u(q)|, d) + min(alpha |v(p) - v(q)|, d)

is low for, searched from coarse to fine in a window about the doubled flow of the coarser level. On each level u and v
are two layers of a graph that only the data term couples; sequential belief propagation sweeps them in turn, its
messages being started on a pyramid of the graph (pixels two by two) and limited by a distance transform. The messages
are integers and the terms truncated to them, as in the authors' program, whose figures papers print.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from docpre.metrics.dense_sift import dense_sift
from docpre.metrics.eval_extra import compiled
from docpre.metrics.matlab_image import gaussian_kernel, imfilter_separable, imresize, imresize_by, round_half_away

Int32 = NDArray[np.int32]

LEFT, RIGHT, UP, DOWN, DUAL = range(5)
_COARSER_ITERATIONS = 20
_HISTOGRAM_BINS = 20000


@dataclass(frozen=True)
class SiftFlowConfig:
    """The parameters of SIFT flow; the defaults are those of the DocUNet protocol.

    Args:
        alpha: price of a step of one pixel between neighbours.
        d: the most that a step between neighbours costs.
        gamma: price of a pixel of displacement on the finest level; doubles with each coarser one.
        levels: levels of the coarse-to-fine search, each half the size of the one below.
        window: half width of the search window on the finest level, pixels; each coarser level adds 1.
        top_window: half width of the search window on the coarsest level, pixels.
        iterations: sweeps of belief propagation on each level but the coarsest.
        top_iterations: sweeps on the coarsest level.
    """

    alpha: int = 2 * 255
    d: int = 40 * 255
    gamma: float = 0.005 * 255
    levels: int = 4
    window: int = 2
    top_window: int = 10
    iterations: int = 30
    top_iterations: int = 60


DOCUNET_SIFT_FLOW = SiftFlowConfig()


def sift_flow(
    source: NDArray[np.float64], target: NDArray[np.float64], config: SiftFlowConfig = DOCUNET_SIFT_FLOW
) -> Int32:
    """The flow from one image to another of the same size.

    Args:
        source: (h, w) float in [0, 1].
        target: (h, w) float in [0, 1].
        config: parameters.

    Returns:
        flow_xy, (2, h, w) int32: the pixel (x, y) of source is found in target at (x, y) + flow_xy[:, y, x].
    """
    pyramid = [(dense_sift(source), dense_sift(target))]
    for _ in range(config.levels - 1):
        pyramid.append((_half_size(pyramid[-1][0]), _half_size(pyramid[-1][1])))

    top = config.levels - 1
    flow_xy = np.zeros((2, *pyramid[top][0].shape[:2]), np.int32)
    for level in range(top, -1, -1):
        descriptors_1, descriptors_2 = pyramid.pop()
        if level < top:
            flow_xy = _double_size(flow_xy, (descriptors_1.shape[0], descriptors_1.shape[1]))
        window = config.top_window if level == top else config.window + level
        data = data_term(descriptors_1, descriptors_2, flow_xy, window)
        flow_xy = propagate_beliefs(
            data,
            flow_xy,
            config.alpha,
            config.d,
            config.gamma * 2**level,
            iterations=config.top_iterations if level == top else config.iterations,
            coarser_graphs=2 if level == top else top - level,
        )
    return flow_xy


def propagate_beliefs(
    data: Int32, offset_xy: Int32, alpha: int, d: int, gamma: float, iterations: int, coarser_graphs: int
) -> Int32:
    """The flow of low energy within a window about an offset, by dual-layer loopy belief propagation.

    Args:
        data: (h, w, n, n), the price of the flow offset_xy[:, y, x] + (i, j) - (n - 1) / 2 at data[y, x, j, i].
        offset_xy: (2, h, w), the middle of each pixel's window.
        alpha, d, gamma: prices, see `SiftFlowConfig`.
        iterations: sweeps over one layer each.
        coarser_graphs: how many times the graph is halved to start the messages.

    Returns:
        flow_xy, (2, h, w) int32.
    """
    messages, displacement = _messages(data, offset_xy, alpha, d, gamma, iterations, coarser_graphs)
    return _best_states(messages, displacement, offset_xy)


def data_term(
    descriptors_1: NDArray[np.uint8], descriptors_2: NDArray[np.uint8], offset_xy: Int32, window: int
) -> Int32:
    """The L1 distance of each pixel's descriptor to those in a window of the other image.

    Args:
        descriptors_1: (h, w, c).
        descriptors_2: (h, w, c).
        offset_xy: (2, h, w), the middle of each pixel's window.
        window: its half width, pixels.

    Returns:
        (h, w, n, n), n = 2 window + 1, over y then x of the window. Where a match lies outside the image it costs
        about the median of all matches inside.
    """
    distances = _distances(descriptors_1, descriptors_2, offset_xy, window)
    inside = distances[distances >= 0]
    distances[distances < 0] = _median_price(inside) if inside.size else 0
    return distances


def _median_price(distances: Int32) -> int:
    """About the median of the distances, as the authors' program takes it.

    Its histogram of 20,000 bins begins at 0 and yet the least distance is added to the bin found.
    """
    low, high = int(distances.min()), int(distances.max())
    if low == high:
        return low
    bin_width = (high - low) / _HISTOGRAM_BINS
    counts_by_value = np.bincount(distances, minlength=high + 1)
    bins = np.minimum((np.arange(high + 1) / bin_width).astype(np.int64), _HISTOGRAM_BINS - 1)
    counts = np.bincount(bins, weights=counts_by_value, minlength=_HISTOGRAM_BINS)
    median_bin = int(np.searchsorted(np.cumsum(counts), distances.size / 2))
    return int(max(median_bin, 1) * bin_width + low)


def _half_size(descriptors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return imresize_by(imfilter_separable(descriptors, gaussian_kernel(5, 0.67)), 0.5)


def _double_size(flow_xy: Int32, size_hw: tuple[int, int]) -> Int32:
    return np.stack([round_half_away(2 * imresize(plane, size_hw)).astype(np.int32) for plane in flow_xy])


def _messages(
    data: Int32, offset_xy: Int32, alpha: int, d: int, gamma: float, iterations: int, coarser_graphs: int
) -> tuple[Int32, Int32]:
    height, width, states, _ = data.shape
    displacement = _displacement_price(offset_xy, gamma, states)
    messages = np.zeros((2, height, width, 5, states), np.int32)
    if coarser_graphs > 0:
        coarser, _ = _messages(
            _sum_of_four(data),
            _mean_of_four(offset_xy),
            alpha,
            d,
            gamma / 2,
            _COARSER_ITERATIONS,
            coarser_graphs - 1,
        )
        _start_from_coarser(messages, coarser)
    for count in range(iterations):
        layer = count % 2
        update_dual = count % 8 < 4
        step = 1 if count % 4 < 2 else -1
        _sweep(messages, displacement, data, offset_xy, alpha, d, layer, step, update_dual)
    return messages, displacement


def _displacement_price(offset_xy: Int32, gamma: float, states: int) -> Int32:
    flow = offset_xy[..., None] + np.arange(states) - (states - 1) // 2
    return (gamma * np.abs(flow)).astype(np.int32)


def _pad_to_even(planes: Int32) -> Int32:
    """(n, h, w, ...) with a last row or column of zeros where h or w is odd."""
    padding = [(0, 0), (0, planes.shape[1] % 2), (0, planes.shape[2] % 2)] + [(0, 0)] * (planes.ndim - 3)
    return np.pad(planes, padding)


def _sum_of_four(data: Int32) -> Int32:
    even = _pad_to_even(data[None])[0]
    return even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]


def _mean_of_four(offset_xy: Int32) -> Int32:
    """The mean of two by two pixels (fewer at an odd border), truncated towards zero."""
    even, count = _pad_to_even(offset_xy), _pad_to_even(np.ones_like(offset_xy))
    total = even[:, ::2, ::2] + even[:, 1::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, 1::2]
    pixels = count[:, ::2, ::2] + count[:, 1::2, ::2] + count[:, ::2, 1::2] + count[:, 1::2, 1::2]
    return (total / pixels).astype(np.int32)


def _start_from_coarser(messages: Int32, coarser: Int32) -> None:
    for y in (0, 1):
        for x in (0, 1):
            part = messages[:, y::2, x::2]
            part[...] = coarser[:, : part.shape[1], : part.shape[2]]


@compiled
def _distances(
    descriptors_1: NDArray[np.uint8], descriptors_2: NDArray[np.uint8], offset_xy: Int32, window: int
) -> Int32:
    """As `data_term`, with -1 outside the image."""
    height, width, channels = descriptors_1.shape
    states = 2 * window + 1
    result = np.empty((height, width, states, states), np.int32)
    for y in range(height):
        for x in range(width):
            here = descriptors_1[y, x]
            for j in range(states):
                target_y = y + offset_xy[1, y, x] + j - window
                for i in range(states):
                    target_x = x + offset_xy[0, y, x] + i - window
                    if target_x < 0 or target_x >= width or target_y < 0 or target_y >= height:
                        result[y, x, j, i] = -1
                        continue
                    there = descriptors_2[target_y, target_x]
                    total = np.int32(0)
                    for c in range(channels):
                        total += np.int32(abs(np.int32(here[c]) - np.int32(there[c])))
                    result[y, x, j, i] = total
    return result


@compiled
def _sweep(
    messages: Int32,
    displacement: Int32,
    data: Int32,
    offset_xy: Int32,
    alpha: int,
    d: int,
    layer: int,
    step: int,
    update_dual: bool,
) -> None:
    """Pass the messages of one layer on, from the top left to the right and down (step 1) or the reverse (step -1)."""
    height, width, states, _ = data.shape
    total = np.empty(states, np.int32)
    sent = np.empty(states, np.int32)
    own = messages[layer]
    other = messages[1 - layer]
    offset = offset_xy[layer]
    first_y = 0 if step == 1 else height - 1
    first_x = 0 if step == 1 else width - 1
    from_behind_x, from_behind_y = (LEFT, UP) if step == 1 else (RIGHT, DOWN)
    from_ahead_x, from_ahead_y = (RIGHT, DOWN) if step == 1 else (LEFT, UP)
    for row in range(height):
        y = first_y + step * row
        for column in range(width):
            x = first_x + step * column
            here = own[y, x]
            for i in range(states):
                total[i] = displacement[layer, y, x, i] + here[0, i] + here[1, i] + here[2, i] + here[3, i] + here[4, i]
            if column + 1 < width:
                for i in range(states):
                    sent[i] = total[i] - here[from_ahead_x, i]
                shift = offset[y, x + step] - offset[y, x]
                _send(sent, own[y, x + step, from_behind_x], shift, alpha, d)
            if row + 1 < height:
                for i in range(states):
                    sent[i] = total[i] - here[from_ahead_y, i]
                shift = offset[y + step, x] - offset[y, x]
                _send(sent, own[y + step, x, from_behind_y], shift, alpha, d)
            if update_dual:
                for i in range(states):
                    sent[i] = total[i] - here[DUAL, i]
                _send_dual(sent, other[y, x, DUAL], data[y, x], layer)


@compiled
def _send(sent: Int32, received: Int32, shift: int, alpha: int, d: int) -> None:
    """min over the sender's states of (sent + min(alpha |difference of flow|, d)), less its minimum.

    Windows that don't overlap (a shift of more than one window's width) give the receiver a slope of alpha upwards
    whichever way the sender lies, as the authors' program does.
    """
    states = len(sent)
    limit = sent[0]
    for i in range(1, states):
        limit = min(limit, sent[i])
        sent[i] = min(sent[i], sent[i - 1] + alpha)
    limit += d
    for i in range(states - 2, -1, -1):
        sent[i] = min(sent[i], sent[i + 1] + alpha)

    if shift == 0:
        for i in range(states):
            received[i] = sent[i]
    elif abs(shift) > states - 1:
        for i in range(states):
            received[i] = alpha * i
    else:
        first = max(0, -shift)
        last = min(states - 1, states - 1 - shift)
        for i in range(first, last + 1):
            received[i] = sent[i + shift]
        for i in range(first - 1, -1, -1):
            received[i] = received[i + 1] + alpha
        for i in range(last + 1, states):
            received[i] = received[i - 1] + alpha

    lowest = limit
    for i in range(states):
        lowest = min(lowest, received[i])
    for i in range(states):
        received[i] = min(received[i], limit) - lowest


@compiled
def _send_dual(sent: Int32, received: Int32, data: Int32, layer: int) -> None:
    """min over one layer's states of (sent + data), for each state of the other layer, less its minimum."""
    states = len(sent)
    if layer == 0:
        for j in range(states):
            best = sent[0] + data[j, 0]
            for i in range(1, states):
                best = min(best, sent[i] + data[j, i])
            received[j] = best
    else:
        for i in range(states):
            received[i] = sent[0] + data[0, i]
        for j in range(1, states):
            for i in range(states):
                received[i] = min(received[i], sent[j] + data[j, i])
    lowest = received[0]
    for i in range(1, states):
        lowest = min(lowest, received[i])
    for i in range(states):
        received[i] -= lowest


@compiled
def _best_states(messages: Int32, displacement: Int32, offset_xy: Int32) -> Int32:
    _, height, width, _, states = messages.shape
    flow_xy = np.empty((2, height, width), np.int32)
    for layer in range(2):
        for y in range(height):
            for x in range(width):
                best = 0
                lowest = np.int32(0)
                for i in range(states):
                    belief = displacement[layer, y, x, i]
                    for k in range(5):
                        belief += messages[layer, y, x, k, i]
                    if i == 0 or belief < lowest:
                        best, lowest = i, belief
                flow_xy[layer, y, x] = offset_xy[layer, y, x] + best - (states - 1) // 2
    return flow_xy
