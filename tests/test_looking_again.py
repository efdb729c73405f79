"""Two networks: one that sees each page first, and one that sees what is looked at again."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from docpre import ConfigError, DocPreprocessor, TextImageUnwarping
from docpre.engines import RuntimeOptions
from docpre.grids import identity_grid
from docpre.registry import MODELS, ModelSpec
from docpre.unwarper import Unwarper
from docpre.unwarping_options import UnwarpingOptions
from tests.test_page_finding import on_a_table

FIRST, AGAIN = "docpre_unwarp", "UVDoc"


@dataclass
class Answer:
    """A pool whose network gives the same grid for every picture."""

    spec: ModelSpec
    grid_xy: np.ndarray
    asked: list[int] = field(default_factory=list)

    def run(self, batch: np.ndarray, device: str | None = None) -> np.ndarray:
        self.asked.append(len(batch))
        return np.repeat(self.grid_xy[None].astype(np.float32), len(batch), 0)


def unwarper(first_xy: np.ndarray, again_xy: np.ndarray, **options) -> Unwarper:
    first, again = (Answer(MODELS[name], grid) for name, grid in ((FIRST, first_xy), (AGAIN, again_xy)))
    return Unwarper(first, UnwarpingOptions(**options), again)  # type: ignore[arg-type]


@pytest.fixture
def photo(page_rgb) -> np.ndarray:
    return on_a_table(page_rgb, 0, 0.87, 1200, 900)


def on_the_page(off: float = 0.0) -> np.ndarray:
    """What shows the page of ``photo``, with lines that run off level by this slope."""
    x, y = identity_grid((45, 31))
    return np.stack([0.93 * x, 0.93 * y + off * x])


def test_a_page_that_is_level_at_once_is_seen_once(photo):
    both = unwarper(on_the_page(), identity_grid((45, 31)), leave_flat_pages=False)
    (plan,) = both.plan([photo])
    assert (both.pool.asked, both.again.asked) == ([1], [])
    assert plan.models == (FIRST,)
    assert plan.values()["models"] == [FIRST]


def test_what_is_looked_at_again_is_seen_by_the_other_network(photo):
    x, y = identity_grid((45, 31)) / 1.05  # what looks again sees a rim around the page
    both = unwarper(
        on_the_page(off=0.1), np.stack([x, y - 0.1 / 0.93 * x]), leave_flat_pages=False, most_passes=2, level_deg=0
    )
    (plan,) = both.plan([photo])
    assert both.pool.asked == [1]
    assert both.again.asked
    assert plan.models == (FIRST, AGAIN)
    assert plan.passes == 2
    assert plan.tilt_deg < 1


def test_a_page_that_had_to_be_found_is_of_the_other_network_alone(page_rgb):
    askew = on_a_table(page_rgb, 30, 0.25)
    both = unwarper(on_the_page(), identity_grid((45, 31)) / 1.14)
    (plan,) = both.plan([askew])
    assert plan.models == (AGAIN,)
    assert plan.turn_cw_deg == pytest.approx(30, abs=3)


def test_two_names_are_two_networks():
    both, alone = TextImageUnwarping(f"{FIRST}+{AGAIN}", device="cpu"), TextImageUnwarping(FIRST, device="cpu")
    assert both._unwarper.pool.spec.name == FIRST
    assert both._unwarper.again.spec.name == AGAIN
    assert not both._unwarper.again.is_started  # until a page wants it
    assert alone._unwarper.again is alone._unwarper.pool
    once = Unwarper.of(f"{FIRST}+{AGAIN}", None, RuntimeOptions(device="cpu"), UnwarpingOptions(refine=False))
    assert once.again is once.pool
    with pytest.raises(ConfigError, match="Nobody"):
        TextImageUnwarping(f"{FIRST}+Nobody", device="cpu")


def test_the_pipeline_says_who_looked(page_rgb):
    photo = on_a_table(page_rgb, 0, 0.75, 1200, 900)
    pipeline = DocPreprocessor(
        doc_unwarping_model_name=f"{FIRST}+{AGAIN}", device="cpu", use_doc_orientation_classify=False
    )
    assert pipeline.engines["unwarping"]["model"] == FIRST
    assert pipeline.engines["unwarping"]["again"] == AGAIN
    (result,) = pipeline.predict(np.ascontiguousarray(photo[..., ::-1]))
    assert set(result.unwarping["models"]) <= {FIRST, AGAIN}
    assert result.unwarping["models"]
    assert result["engines"]["unwarping"]["again"] == AGAIN
    assert "again" not in DocPreprocessor(device="cpu").engines["unwarping"]
