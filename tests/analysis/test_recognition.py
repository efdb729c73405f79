"""Reading the network's steps: CTC's rule, spaces, boxes; characters and their kinds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docpre.analysis.characters import characters, is_latin, is_wide, latin_classes
from docpre.analysis.recognition import LineRecogniser, Reading, cut_out, decoded, in_lines, read_line
from docpre.engine_pool import EnginePool
from docpre.engines import RuntimeOptions, create_engine
from docpre.engines.any_height import with_any_height
from docpre.engines.inner_outputs import with_inner_outputs
from docpre.errors import EngineError, ModelError
from docpre.registry import MODELS, find_weights

NUMBER = {text: number for number, text in enumerate(characters())}


def scores(text, second=None):
    """Steps that say a text ('_' for nothing), with another character in the second place of each."""
    found = np.zeros((len(text), len(characters())), np.float32)
    for step, char in enumerate(text):
        found[step, 0 if char == "_" else NUMBER[char]] = 0.8
        if second is not None:
            found[step, NUMBER[second]] = 0.1
    return found


def test_the_characters_are_the_networks():
    path = find_weights(MODELS["PP-OCRv6_small_rec"]).path
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    own = session.get_modelmeta().custom_metadata_map["character"].splitlines()
    assert characters() == ("", *own, " ")
    assert session.get_outputs()[0].shape[-1] == len(characters())


@settings(max_examples=60, deadline=None)
@given(st.text("ab年 ", max_size=8), st.data())
def test_repeated_steps_are_one_character(text, data):
    steps = "".join(char * data.draw(st.integers(1, 3)) + "_" * data.draw(st.integers(1, 2)) for char in text)
    reading = decoded(scores(steps))
    assert reading.text == text.strip(" ")
    assert len(reading.scores) == len(reading.steps) == len(reading.text)
    for char, (first, last) in zip(reading.text, reading.steps, strict=True):
        assert set(steps[first : last + 1]) == {char}


def test_latin_alone():
    assert decoded(scores("年_年", second="x"), latin_classes()).text == "xx"
    assert decoded(scores("a年", second="x"), latin_classes()).text == "ax"
    assert is_latin("é")
    assert is_latin("7")
    assert is_latin("€")
    assert not any(is_latin(char) for char in "年あжαＡ，")
    assert is_wide("年")
    assert is_wide("，")
    assert not is_wide("é")


def test_spaces_beside_wide_characters_come_back():
    strip = np.full((48, 400, 3), 255, np.uint8)
    places = {"中": (0, 48), "文": (50, 98), "a": (122, 160), "国": (240, 288)}
    for left, right in places.values():
        strip[6:42, left + 2 : right - 2] = 0
    steps = tuple((left // 8 + 1, right // 8 - 1) for left, right in places.values())
    reading = Reading("中文a国", (0.9, 0.8, 0.7, 0.6), steps)
    quad = np.array([[10, 20], [210, 20], [210, 44], [10, 44]], np.float32)
    found = read_line(quad, strip, reading)
    assert found.line.text == "中文 a 国"
    assert found.line.average == pytest.approx(0.75)
    assert found.line.least == pytest.approx(0.6)
    assert found.width == pytest.approx(400 / 48)
    for char, (left, right) in zip(found.line.chars, places.values(), strict=True):
        expected = [[10 + (left + 2) / 2, 20], [10 + (right - 2) / 2, 44]]
        np.testing.assert_allclose(char.quad[[0, 2]], expected, atol=1)


@settings(max_examples=30, deadline=None)
@given(st.floats(-30, 30), st.floats(60, 120), st.floats(10, 30))
def test_a_slanted_line_is_cut_out_upright(angle, width, height):
    rows, columns = np.indices((300, 300), dtype=np.float32)
    turn = np.radians(angle)
    along = np.array([np.cos(turn), np.sin(turn)])
    down = np.array([-np.sin(turn), np.cos(turn)])
    middle = np.array([150, 150])
    # Brightness rises along the line, so that its strip must rise from left to right and be even from top to bottom.
    brightness = 128 + ((columns - 150) * along[0] + (rows - 150) * along[1])
    image = np.repeat(brightness.clip(0, 255).astype(np.uint8)[..., None], 3, 2)
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    quad = np.array([middle + x * along * width / 2 + y * down * height / 2 for x, y in signs], np.float32)
    strip = cut_out(image, quad)
    assert strip.shape[0] == 48
    assert strip.shape[1] == pytest.approx(48 * width / height, abs=2)
    assert strip[:, -3, 0].mean() - strip[:, 2, 0].mean() == pytest.approx(width, rel=0.2)
    assert np.abs(np.diff(strip[..., 0].astype(int), axis=0)).mean() < 2


def test_a_small_strip_gives_the_same_boxes_and_spaces():
    image = np.full((24, 200, 3), 255, np.uint8)
    places = {"中": (4, 24), "文": (28, 48), "国": (120, 140)}
    for left, right in places.values():
        image[4:20, left:right] = 0
    quad = np.array([[0, 0], [200, 0], [200, 24], [0, 24]], np.float32)
    found = []
    for height, widened in ((48, 1.0), (24, 1.0), (32, 1.5)):
        strip = cut_out(image, quad, height, widened)
        share = height * widened / 48
        assert strip.shape == (height, 400 * share, 3)
        middles = [(left + right) * share for left, right in places.values()]
        reading = Reading("中文国", (0.9, 0.9, 0.9), tuple((int(x // 8), int(x // 8)) for x in middles))
        found.append(read_line(quad, strip, reading))
    assert [one.line.text for one in found] == ["中文 国"] * 3
    for other in found[1:]:
        for first, second in zip(found[0].line.chars, other.line.chars, strict=True):
            np.testing.assert_allclose(first.quad, second.quad, atol=1.5)
        np.testing.assert_allclose(found[0].edges, other.edges, atol=0.05)


class WatchedReader(LineRecogniser):
    """Notes what the network is shown."""

    def __init__(self, pool, threads):
        super().__init__(pool, threads)
        self.sizes = []

    def outputs(self, strip, with_inner=False, device=None):
        self.sizes.append(strip.shape[:2])
        return super().outputs(strip, with_inner, device)


def test_only_what_is_hard_to_read_is_looked_at_twice():
    pool = EnginePool("text_recognition", None, None, RuntimeOptions(device="cpu", cpu_threads=1))
    plain = np.full((48, 480, 3), 255, np.uint8)
    cv2.putText(plain, "A plain line", (10, 36), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (0, 0, 0), 3, cv2.LINE_AA)
    noise = np.random.default_rng(0).integers(0, 255, (48, 480, 3)).astype(np.uint8)
    quads = np.array([[[0, 0], [480, 0], [480, 48], [0, 48]]], np.float32)
    with ThreadPoolExecutor(1) as threads:
        seen = {}
        for name, image, with_inner in (("plain", plain, False), ("noise", noise, False), ("inner", plain, True)):
            reader = WatchedReader(pool, threads)
            (read,) = reader.read(image, quads, with_inner=with_inner)
            seen[name] = reader.sizes, read
    assert seen["plain"][0] == [(32, 368)]
    assert seen["noise"][0] == [(32, 368), (48, 480)]
    assert seen["inner"][0] == [(48, 480)]  # the classifier of handwriting knows lines as they are
    assert seen["plain"][1].line.text == seen["inner"][1].line.text == "A plain line"
    assert seen["plain"][1].width == seen["inner"][1].width == pytest.approx(10)


def test_lines_in_order():
    boxes = [(200, 12), (10, 10), (10, 60), (120, 58)]
    quads = np.array([[[x, y], [x + 80, y], [x + 80, y + 20], [x, y + 20]] for x, y in boxes], np.float32)
    assert in_lines(quads)[:, 0].tolist() == [[10, 10], [200, 12], [10, 60], [120, 58]]
    assert len(in_lines(quads[:0])) == 0


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_inner_tensors(engine):
    pytest.importorskip(engine)
    spec = MODELS["PP-OCRv6_small_rec"]
    batch = np.random.default_rng(0).normal(0, 0.5, (1, 3, 48, 160)).astype(np.float32)
    network, _ = create_engine(spec, RuntimeOptions(engine=engine, device="cpu"))
    answer, *inner = network.run_all(batch)
    assert answer.shape == (1, 20, len(characters()))
    np.testing.assert_allclose(answer, network.run(batch), atol=1e-6)
    assert len(inner) == len(spec.inner) > 1
    assert all(tensor.ndim == 4 and len(tensor) == 1 for tensor in inner)
    assert (1, 192, 6, 40) in [tensor.shape for tensor in inner]
    reference, _ = create_engine(spec, RuntimeOptions(engine="onnxruntime", device="cpu"))
    for tensor, expected in zip(inner, reference.run_all(batch)[1:], strict=True):
        np.testing.assert_allclose(tensor, expected, atol=1e-3)


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_lines_of_any_height(engine):
    pytest.importorskip(engine)
    spec = MODELS["PP-OCRv6_small_rec"]
    network, _ = create_engine(spec, RuntimeOptions(engine=engine, device="cpu"))
    as_published, _ = create_engine(replace(spec, any_height=False, inner=()), RuntimeOptions(device="cpu"))
    batch = np.random.default_rng(0).normal(0, 0.5, (1, 3, 48, 160)).astype(np.float32)
    np.testing.assert_allclose(network.run(batch), as_published.run(batch), atol=1e-4)
    assert network.run(batch[:, :, :32]).shape == (1, 20, len(characters()))
    with pytest.raises(EngineError):
        as_published.run(batch[:, :, :32])


def test_other_networks_have_a_height(tmp_path):
    path = find_weights(MODELS["PP-LCNet_x1_0_doc_ori"]).path
    with pytest.raises(ModelError, match="lines of text"):
        with_any_height(path)
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network")
    with pytest.raises(ModelError, match="not an ONNX file"):
        with_any_height(broken)


def test_the_bytes_of_more_outputs():
    # Field 7 of ModelProto, in it field 12 of GraphProto, in it field 1 of ValueInfoProto.
    assert with_inner_outputs(b"", ["ab"]) == bytes([7 << 3 | 2, 6, 12 << 3 | 2, 4, 1 << 3 | 2, 2]) + b"ab"
    assert with_inner_outputs(b"", ["x" * 200])[:3] == bytes([7 << 3 | 2, 206 & 0x7F | 0x80, 206 >> 7])
