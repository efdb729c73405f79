"""The set of docpre's own making: in the benchmark's layout, and the same each time."""

from __future__ import annotations

import pytest

from docpre.errors import ConfigError
from train.evaluate.docunet import docunet
from train.evaluate.page import measurable
from train.evaluate.synthetic_docunet import write_synthetic_docunet


def test_it_is_a_docunet_set(tmp_path):
    write_synthetic_docunet(tmp_path, 1, photo_wh=(244, 356), dpi=50, progress=False)
    good, _ = measurable(docunet(tmp_path), by_model=True, wants_words=False)
    assert [page.name for page in good] == ["1_1", "1_2"]
    photo = good[0].photo
    first = photo.read_bytes()
    photo.unlink()
    write_synthetic_docunet(tmp_path, 1, photo_wh=(244, 356), dpi=50, progress=False)
    assert photo.read_bytes() == first
    assert photo.read_bytes() != good[1].photo.read_bytes()


def test_so_many_documents_there_are_not(tmp_path):
    with pytest.raises(ConfigError, match="65"):
        write_synthetic_docunet(tmp_path, 66)
