"""The whole analysis, with the real networks."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from docpre import ConfigError, DocAnalyzer, DocPreprocessor, EngineError, InputError
from docpre.analysis.characters import is_latin
from docpre.analysis.elements import WordsType
from tests.analysis.conftest import LINES, draw_text_page


def texts(result):
    return tuple(line.text.replace("，", ",").replace("。", ".") for line in result.lines)


def expected(lines=LINES):
    return tuple(line.replace("，", ",").replace("。", ".") for line in lines)


def test_what_is_read(result):
    assert texts(result) == expected()
    for line in result.lines:
        assert line.words_type is WordsType.PRINT
        assert "".join(char.text for char in line.chars) == line.text.replace(" ", "")
        assert 0 <= line.least <= line.average <= 1
    assert sorted(result.reading_order) == list(range(len(LINES)))
    assert set(result.elapsed_ms) >= {"loading", "detection", "recognition", "layout"}
    assert set(result["engines"]) == {"text_detection", "text_recognition", "layout"}


def test_boxes_hold_the_ink(result, text_page):
    dark = text_page.min(2) < 128
    for line in result.lines:
        middles = []
        for char in line.chars:
            left, top = np.floor(char.quad.min(0)).astype(int)
            right, bottom = np.ceil(char.quad.max(0)).astype(int)
            assert dark[top:bottom, left:right].any()
            middles.append(char.quad[:, 0].mean())
        assert middles == sorted(middles)
        low, high = line.quad.min(0), line.quad.max(0)
        points = np.concatenate([char.quad for char in line.chars])
        assert (points >= low - 1).all()
        assert (points <= high + 1).all()


def test_latin_alone(analyzer, text_page):
    (found,) = analyzer.predict(text_page, language_type="ENG", layout_analysis=False)
    assert LINES[0] in [line.text for line in found.lines]
    assert found.structure is None
    assert all(is_latin(char.text) for line in found.lines for char in line.chars)


def test_printed_lines_are_no_handwriting(analyzer, text_page):
    (found,) = analyzer.predict(text_page, words_type="handwriting_only", layout_analysis=False)
    assert found.lines == ()
    assert found.text == ""
    (found,) = analyzer.predict(text_page, words_type="handprint_mix", layout_analysis=False)
    assert {line.words_type for line in found.lines} == {WordsType.PRINT}


def test_results_of_the_preprocessor(analyzer, text_page):
    turned = np.ascontiguousarray(np.rot90(text_page, -1))  # clockwise
    clean = DocPreprocessor(use_doc_unwarping=False, device="cpu").predict(turned)
    assert clean[0]["angle"] == 90
    (found,) = analyzer.predict(clean, layout_analysis=False)
    assert texts(found) == expected()
    assert found["angle"] == 90
    # The first line lies at the right of the turned picture, running downwards.
    quad, original = found.lines[0].quad, found.lines_in_original[0].quad
    height = turned.shape[1]
    np.testing.assert_allclose(original, np.stack([height - 1 - quad[:, 1], quad[:, 0]], 1), atol=0.6)
    assert found.lines_in_original[0].chars[0].quad.shape == (4, 2)
    (same,) = analyzer.predict(iter(clean), layout_analysis=False)
    assert texts(same) == texts(found)
    with pytest.raises(ConfigError, match="not both"):
        analyzer.predict([clean[0], text_page])
    with pytest.raises(ConfigError, match="read already"):
        analyzer.predict(clean, dpi=100)


def test_a_bad_page_loses_no_other(analyzer, text_page, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"not a picture")
    blank = np.full((90, 60, 3), 255, np.uint8)
    bad, empty, good = analyzer.predict([tmp_path / "bad.png", blank, text_page], layout_analysis=False)
    assert bad.error is not None
    assert "lines" not in bad
    assert bad.img == {}
    assert empty.lines == ()
    assert len(good.lines) == len(LINES)
    with pytest.raises(InputError, match="save"):
        bad.save_to_text(tmp_path)
    with pytest.raises(InputError):
        analyzer.predict(tmp_path / "bad.png")


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (300, 2), (33, 31)])
def test_odd_sizes(analyzer, shape):
    (found,) = analyzer.predict(np.full((*shape, 3), 255, np.uint8))
    assert found.lines == ()


def test_one_object_for_threads(analyzer):
    pages = [draw_text_page([text]) for text in ("first page", "second page", "third page")]
    with ThreadPoolExecutor(3) as pool:
        found = pool.map(lambda page: analyzer.predict(page, layout_analysis=False)[0].text.strip(), pages)
    assert list(found) == ["first page", "second page", "third page"]


def test_engines_agree(result, text_page):
    pytest.importorskip("openvino")
    other = DocAnalyzer(
        layout_analysis=False,
        use_doc_orientation_classify=False,
        use_doc_unwarping=False,
        device="cpu",
        engine="openvino",
    )
    (found,) = other.predict(text_page)
    assert texts(found) == texts(result)
    for one, two in zip(found.lines, result.lines, strict=True):
        np.testing.assert_allclose(one.quad, two.quad, atol=1)
        assert one.average == pytest.approx(two.average, abs=2e-3)


@pytest.mark.parametrize(
    "arguments",
    [{"language_type": "GER"}, {"words_type": "both"}, {"layout_analysis": "yes"}, {"precision": "fp64"}],
)
def test_wrong_arguments(arguments):
    with pytest.raises(ConfigError):
        DocAnalyzer(**arguments)


@pytest.mark.parametrize("arguments", [{"engine": "torch"}, {"engine": "openvino", "precision": "int8"}])
def test_engines_that_are_not_to_be_had(arguments):
    preprocessor = DocPreprocessor(use_doc_orientation_classify=False, use_doc_unwarping=False, device="cpu")
    with pytest.raises(EngineError, match="analysed"):
        DocAnalyzer(preprocessor=preprocessor, device="cpu", **arguments)


def test_saving(result, tmp_path, capsys):
    content = json.loads(result.save_to_json(tmp_path).read_text("utf-8"))["res"]
    assert len(content["lines"]) == len(LINES)
    assert content["lines"][0]["chars"][0]["text"] == "T"
    assert content["lines"][0]["words_type"] == "print"
    assert content["structure"]["rows"] >= 1
    result.print()
    assert "chars" not in capsys.readouterr().out
    picture = result.save_to_img(tmp_path)
    assert picture is not None
    assert picture.stat().st_size > 1000
