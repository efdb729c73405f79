"""Which way do the lines of text run? Local directions from spectra of small windows, without reading anything.

Lines of text are stripes: in a window of a few lines the spectrum is strongest across them, whatever the script. The
directions tell how far a page is turned, and how straight its lines are: a score that needs no truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from docpre.loading import ImageArray

#: Side of the windows, in pixels of the picture.
WINDOW_PX = 96
_STEP_PX = 48
_FINER = 2  # bins of the spectrum along x for each that it has by itself: small tilts are told there
_WAVES = np.arange(4, 37)  # so many stripes a window: lines 3 to 24 pixels apart
_PAPER_PX = 13  # paper shines through between letters within this distance
_SHADE = 0.08  # as dark as creases, shadows and noise are
_LEAST_INK = 0.004  # mean darkness of a window with text in it, 1 being black everywhere
_MUCH_INK = 0.06
_CLEAR_PEAK, _SHARP_PEAK = 1.4, 2.9  # the spectrum's peak over its mean: from no direction to a certain one
_AT_ONCE = 32  # windows that are transformed in one call
_FAR_DEG = 8.0  # a window further off than this tells of an error, not of its size

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LineDirections:
    """Directions of text lines at places of a picture.

    Attributes:
        centres_xy: (K, 2) pixels.
        angles_deg: (K,) clockwise from the horizontal.
        weights: (K,) 0 or more: how much ink there is, and how clearly it runs one way.
    """

    centres_xy: Floats
    angles_deg: Floats
    weights: Floats

    @property
    def evidence(self) -> float:
        """Sum of the weights: under about 0.3 there is too little text to go by."""
        return float(self.weights.sum())

    @property
    def tilt_deg(self) -> float:
        """How far the lines are from level, as a weighted root mean square; windows far off count as 8 degrees."""
        off = np.clip(self.angles_deg, -_FAR_DEG, _FAR_DEG)
        return float(np.sqrt((self.weights * off**2).sum() / max(self.weights.sum(), 1e-9)))

    def median_deg(self) -> float:
        """The weighted median of the angles, 0 without any."""
        if not len(self.angles_deg):
            return 0.0
        order = np.argsort(self.angles_deg)
        total = np.cumsum(self.weights[order])
        return float(self.angles_deg[order][np.searchsorted(total, total[-1] / 2)])


def line_directions(picture: ImageArray, any_turn: bool = False, most_windows: int | None = None) -> LineDirections:
    """Look for the directions of text lines.

    Args:
        picture: (H, W, 3) RGB uint8, at a scale at which lines of text are 3 to 24 pixels apart.
        any_turn: look at all directions, in steps of 1.5 degrees; else within 25 degrees of level, in steps of 1
            (either way with a parabola through the peak).
        most_windows: look at so many windows only, those with the most ink; None: at all.
    """
    darkness = ink(picture)
    if min(darkness.shape) < WINDOW_PX:
        pad = [(0, max(0, WINDOW_PX - side)) for side in darkness.shape]
        darkness = np.pad(darkness, pad)
    windows = np.lib.stride_tricks.sliding_window_view(darkness, (WINDOW_PX, WINDOW_PX))[::_STEP_PX, ::_STEP_PX]
    rows, columns = np.indices(windows.shape[:2]).reshape(2, -1)
    mean = cv2.blur(darkness, (WINDOW_PX, WINDOW_PX))[WINDOW_PX // 2 :: _STEP_PX, WINDOW_PX // 2 :: _STEP_PX]
    mean = mean[: windows.shape[0], : windows.shape[1]].reshape(-1)
    chosen = np.flatnonzero(mean > _LEAST_INK)
    if most_windows is not None and len(chosen) > most_windows:
        chosen = np.sort(chosen[np.argsort(mean[chosen])[-most_windows:]])
    centres = np.stack([columns[chosen], rows[chosen]], -1) * _STEP_PX + (WINDOW_PX - 1) / 2
    if not len(chosen):
        return LineDirections(centres.astype(np.float64), np.zeros(0), np.zeros(0))
    stripes = (windows[rows[chosen], columns[chosen]] - mean[chosen, None, None]) * _taper()
    angles, peaks = _peaks(stripes, any_turn)
    weights = np.clip(peaks - _CLEAR_PEAK, 0, _SHARP_PEAK - _CLEAR_PEAK) * np.minimum(mean[chosen], _MUCH_INK)
    return LineDirections(centres.astype(np.float64), angles, weights.astype(np.float64))


def ink(picture: ImageArray) -> NDArray[np.float32]:
    """How much darker each pixel is than the paper around it, 0 to 1, (H, W); shades of the paper are 0."""
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    paper = cv2.blur(cv2.dilate(gray, np.ones((_PAPER_PX, _PAPER_PX), np.uint8)), (2 * _PAPER_PX, 2 * _PAPER_PX))
    darker = cv2.subtract(paper, gray).astype(np.float32)
    return np.maximum(darker / (paper.astype(np.float32) + 8) - np.float32(_SHADE), 0)


def _spectra(windows: NDArray[np.float32], bins: int) -> NDArray[np.complex64]:
    """The lowest so many bins along x of windows (K, side, side) padded to the right: (K, bins, side), y last.

    OpenCV transforms all rows of some windows in one call, then the columns that are wanted alone: less than half the
    time of a call for each window. Their buffers stay in the cache.
    """
    spectra = np.empty((len(windows), bins, WINDOW_PX), np.complex64)
    padded = np.zeros((_AT_ONCE, WINDOW_PX, _FINER * WINDOW_PX), np.float32)
    packed, columns = np.empty_like(padded), np.zeros((_AT_ONCE, bins, WINDOW_PX, 2), np.float32)
    for first in range(0, len(windows), _AT_ONCE):
        part = spectra[first : first + _AT_ONCE]
        count = len(part)
        padded[:count, :, :WINDOW_PX] = windows[first : first + count]
        _rows_transformed(padded[:count], packed[:count])
        # A real row's spectrum comes packed: the real part of bin 0, then real and imaginary parts in turns.
        columns[:count, :, :, 0] = packed[:count, :, [0, *range(1, 2 * bins - 2, 2)]].swapaxes(1, 2)
        columns[:count, 1:, :, 1] = packed[:count, :, 2 : 2 * bins - 1 : 2].swapaxes(1, 2)
        _rows_transformed(columns[:count], part.view(np.float32).reshape(count, bins, WINDOW_PX, 2))
    return spectra


def _rows_transformed(source: NDArray[np.float32], target: NDArray[np.float32]) -> None:
    """Transform each row of (K, rows, length), or of (K, rows, length, 2) where they are complex, in its place."""
    shape = (-1, *source.shape[2:])
    cv2.dft(source.reshape(shape), dst=target.reshape(shape), flags=cv2.DFT_ROWS)


def _peaks(windows: NDArray[np.float32], any_turn: bool) -> tuple[Floats, Floats]:
    """Each window's strongest direction in degrees, and how far it stands out (0 at the ends of the range)."""
    angles, places, shares = _rays(any_turn)
    spectra = _spectra(windows, int(places.max()) // WINDOW_PX + 1).reshape(len(windows), -1)
    # Between its bins the spectrum itself is interpolated, not its power, which would draw the peak to the bins.
    along = sum(spectra.take(place, axis=1) * share for place, share in zip(places, shares, strict=True))
    power = np.abs(np.asarray(along)) ** 2
    strength = np.sqrt(power.reshape(len(spectra), len(angles), -1).mean(2)).astype(np.float64)
    best = strength.argmax(1)
    each = np.arange(len(spectra))
    if any_turn:
        before, after = best - 1, (best + 1) % len(angles)
        inside = np.ones(len(spectra), bool)
    else:
        before, after = np.maximum(best - 1, 0), np.minimum(best + 1, len(angles) - 1)
        inside = (before < best) & (best < after)
    low, top, high = strength[each, before], strength[each, best], strength[each, after]
    offset = np.clip((low - high) / np.minimum(2 * (low - 2 * top + high), -1e-9), -0.5, 0.5) * inside
    return angles[best] + offset * (angles[1] - angles[0]), np.where(inside, top / (strength.mean(1) + 1e-9), 0)


@lru_cache(maxsize=1)
def _taper() -> NDArray[np.float32]:
    window = np.hanning(WINDOW_PX)
    return np.outer(window, window).astype(np.float32)


@lru_cache(maxsize=2)
def _rays(any_turn: bool) -> tuple[Floats, NDArray[np.intp], NDArray[np.complex64]]:
    """Directions, and for each wave across each of them the four bins of a spectrum around it and their shares.

    The phases of the shares move the window's middle to the origin, so that its spectrum is smooth. What linear
    interpolation loses between the bins, on average over the window, is given back: else peaks were drawn to the bins.
    """
    angles = np.arange(-90, 90, 1.5) if any_turn else np.arange(-25.0, 26.0)
    across = np.deg2rad(angles)[:, None] + np.pi / 2
    waves_x, waves_y = np.cos(across) * _WAVES, np.sin(across) * _WAVES
    # The spectrum of a real picture is given for x of 0 and above alone.
    side = np.where(waves_x < 0, -1, 1)
    waves_x, waves_y = _FINER * (waves_x * side).ravel(), (waves_y * side).ravel()
    left, top = np.floor(waves_x).astype(np.intp), np.floor(waves_y).astype(np.intp)
    u, v = waves_x - left, waves_y - top
    given_back = 1 / np.sqrt(_kept(u, _FINER) * _kept(v, 1))
    places, shares = [], []
    for row, share_y in ((top, 1 - v), (top + 1, v)):
        for column, share_x in ((left, 1 - u), (left + 1, u)):
            places.append(column * WINDOW_PX + row % WINDOW_PX)
            centred = np.exp(1j * np.pi * (WINDOW_PX - 1) / WINDOW_PX * (row + column / _FINER))
            shares.append(share_x * share_y * given_back * centred)
    return angles, np.stack(places), np.stack(shares).astype(np.complex64)


def _kept(fraction: Floats, finer: int) -> Floats:
    """The power that is left between two bins, at fractions of the way from one to the next."""
    window = np.hanning(WINDOW_PX) ** 2
    phase = 2 * np.pi * (np.arange(WINDOW_PX) - (WINDOW_PX - 1) / 2) / (finer * WINDOW_PX)
    mixed = np.abs(1 - fraction[:, None] + fraction[:, None] * np.exp(1j * phase)) ** 2
    return mixed @ (window / window.sum())
