"""Text, Markdown, hOCR and the searchable PDF."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pymupdf

from docpre import save_pdf
from docpre.analysis.elements import Char, Layout, LayoutKind, Section, SectionKind, Structure, TextLine
from docpre.analysis.hocr import words
from docpre.analysis.text_output import joined, markdown, plain_text
from docpre.cli import main
from tests.analysis.conftest import draw_text_page

_SPACE = "{http://www.w3.org/1999/xhtml}"


def line(text, left=0.0, top=0.0, size=10.0):
    chars, x = [], left
    for char in text:
        if not char.isspace():
            chars.append(Char(char, quad(x, top, x + size, top + size), 0.9))
        x += size
    return TextLine(text, quad(left, top, x, top + size), 0.9, 0.9, None, tuple(chars))


def quad(left, top, right, bottom):
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def structure(*blocks):
    box = quad(0, 0, 500, 500)
    layouts = tuple(Layout(kind, box, None, lines) for kind, lines in blocks)
    order = tuple(index for _, lines in blocks for index in lines)
    return Structure(layouts, (Section(SectionKind.COLUMN, box, (0,), 0, 0),), 1, 1, (), order)


def test_paragraphs():
    assert joined([line("a well-"), line("known fact"), line("and more")]) == "a wellknown fact and more"
    assert joined([line("UTF-"), line("8 is a code")]) == "UTF- 8 is a code"
    assert joined([line("今天天气"), line("很好")]) == "今天天气很好"


def test_markdown_and_text():
    lines = [line("A title"), line("first"), line("second"), line("1. a*b"), line("x", 0, 50), line("y", 90, 50)]
    lines += [line("z", 0, 80)]
    found = structure(
        (LayoutKind.TITLE, (0,)), (LayoutKind.TEXT, (1, 2)), (LayoutKind.TEXT, (3,)), (LayoutKind.TABLE, (4, 5, 6))
    )
    expected = "## A title\n\nfirst second\n\n\\1. a\\*b\n\n| x | y |\n| --- | --- |\n| z |  |\n"
    assert markdown(lines, found, found.reading_order) == expected
    assert plain_text(lines, found, found.reading_order) == "A title\n\nfirst\nsecond\n\n1. a*b\n\nx\ny\nz\n"
    assert plain_text(lines[:2], None, (1, 0)) == "first\nA title\n"
    assert markdown([], None, ()) == plain_text([], None, ()) == ""


def test_words():
    found = ["".join(char.text for char in word) for word in words(line("版本 Debian 12年 ok"))]
    assert found == ["版", "本", "Debian", "12", "年", "ok"]


def test_hocr(result):
    root = ElementTree.fromstring(result.hocr.split("\n", 2)[2])
    page = root.find(f".//{_SPACE}div[@class='ocr_page']")
    assert page is not None
    assert page.get("title", "").endswith("ppageno 0")
    lines = root.findall(f".//{_SPACE}span[@class='ocr_line']")
    assert len(lines) == len(result.lines)
    first = "".join(lines[0].itertext()).split()
    assert first == result.lines[0].text.split()
    for element in root.findall(f".//{_SPACE}span[@class='ocrx_word']"):
        box = [int(value) for value in element.get("title", "").split(";")[0].split()[1:]]
        assert box[0] < box[2]
        assert box[1] < box[3]
        assert "x_wconf" in element.get("title", "")


def test_searchable_pdf(result, tmp_path):
    path = result.save_to_pdf(tmp_path / "page.pdf")
    with pymupdf.open(path) as document:
        page = document[0]
        assert "quick brown fox" in page.get_text()
        assert "天气很好" in page.get_text().replace(" ", "")
        (rectangle,) = page.search_for("lazy")
        scale = page.rect.width / result.output_image.shape[1]
        chars = result.lines[0].chars
        start = "".join(char.text for char in chars).index("lazy")
        assert abs(rectangle.x0 - chars[start].quad[0, 0] * scale) < 3
        assert abs(rectangle.x1 - chars[start + 3].quad[1, 0] * scale) < 3
        # Nothing of the text is seen.
        shown = page.get_pixmap(dpi=200, alpha=False)
        image = np.frombuffer(shown.samples, np.uint8).reshape(shown.height, shown.width, 3)
        assert abs(float(image.mean()) - float(result.output_image.mean())) < 1
    assert save_pdf([result, result], tmp_path / "two.pdf").is_file()


def test_the_command(tmp_path, capsys):
    from PIL import Image

    Image.fromarray(draw_text_page(["Hello world"])[..., ::-1]).save(tmp_path / "page.png")
    arguments = ["doc_analysis", "-i", str(tmp_path / "page.png"), "--save_path", str(tmp_path / "out")]
    arguments += ["--format", "json,markdown,text,hocr,pdf,img", "--use_doc_orientation_classify", "False"]
    assert main([*arguments, "--use_doc_unwarping", "False", "--device", "cpu"]) == 0
    assert "Hello world" in capsys.readouterr().out
    stem = "page_doc_analysis_res"
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {f"{stem}{end}" for end in (".json", ".md", ".txt", ".hocr", ".pdf", "_img.png")}
    assert (tmp_path / "out" / f"{stem}.txt").read_text("utf-8").strip() == "Hello world"
