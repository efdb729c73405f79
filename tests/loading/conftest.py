"""A picture to read."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def small() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
