"""docpre.metrics without the eval extra: everything imports, and what needs a package says how to get it."""

import subprocess
import sys

import pytest

WITHOUT_EXTRA = """
import importlib.abc, pkgutil, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("numba", "rapidfuzz"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
import numpy as np
import docpre.metrics
from docpre.errors import EngineError

assert set(docpre.metrics.__all__) <= set(dir(docpre.metrics))
for module in pkgutil.iter_modules(docpre.metrics.__path__):
    __import__(f"docpre.metrics.{module.name}")
page = np.zeros((9, 9), np.uint8)
from docpre.metrics.dense_sift import dense_sift
for call in (
    lambda: docpre.metrics.unwarping_metrics(page, page),
    lambda: docpre.metrics.unwarping_metrics_many([(page, page)]),
    lambda: docpre.metrics.cer("a", "b"),
    lambda: docpre.metrics.edit_distance("a", "b"),
    lambda: dense_sift(page / 255),
):
    try:
        call()
    except EngineError as error:
        assert "pip install 'docpre[eval]'" in str(error), error
    else:
        raise AssertionError("no error")
assert docpre.metrics.word_f1("a b", "a b") == 1
"""

LAZY = """
import sys
import docpre.metrics
heavy = {"numba", "rapidfuzz", "torch", "lightning", "tqdm", "skimage"} & set(sys.modules)
assert not heavy, heavy
docpre.metrics.top1
assert "numba" not in sys.modules
"""


@pytest.mark.parametrize("program", [WITHOUT_EXTRA, LAZY], ids=["without extra", "lazy"])
def test_in_a_fresh_interpreter(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_unknown_names_are_attribute_errors() -> None:
    import docpre.metrics

    with pytest.raises(AttributeError, match="no attribute 'psnr'"):
        _ = docpre.metrics.psnr


def test_where_nothing_can_be_cached_numba_compiles_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    numba = pytest.importorskip("numba", reason="numba isn't installed")
    from docpre.metrics.eval_extra import compiled

    njit = numba.njit

    def njit_without_cache_folder(**options: bool):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return njit(**options)

    monkeypatch.setattr(numba, "njit", njit_without_cache_folder)
    assert compiled(lambda x: x + 1)(1) == 2
