"""What a visitor sees and does, in a real browser."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_DROP = ".dp-drop input[type=file]"
_MARKDOWN = ".prose.dp-markdown"
_WAIT_MS = 25_000


@pytest.fixture(scope="module")
def visit(browser: Any, address: str) -> Iterator[Any]:
    """Opens the page in a browser of its own; says at the end whether other servers were asked for anything."""
    contexts, asked, failed = [], [], []

    def opened(path: str = "/", **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1360, "height": 1000}, **options})
        context.set_default_timeout(_WAIT_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: failed.append(str(error)))
        page.goto(address + path)
        page.wait_for_selector(_DROP, state="attached")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert failed == []


def tab(page: Any, name: str) -> None:
    """Open a tab, by its name."""
    page.get_by_role("tab", name=name, exact=True).first.click()


def wait_for_files(page: Any) -> None:
    """The files come last."""
    page.locator(".dp-files .file-preview").wait_for()


@pytest.fixture(scope="module")
def photo_page(visit: Any, photo_path: Path) -> Any:
    """The page with a photo that has been read."""
    page = visit()
    page.set_input_files(_DROP, photo_path)
    wait_for_files(page)
    return page


def test_photo_is_cleaned_up_and_read(photo_page: Any) -> None:
    page = photo_page
    assert page.locator(".dp-steps li.done").count() == 4
    assert page.locator(".dp-strip img").count() == 4
    files = page.locator(".dp-files").inner_text()
    for name in ("letter_clean.png", "letter_clean.jpg", "letter_clean.pdf", "letter_searchable.pdf", "letter.md"):
        stem, suffix = name.rsplit(".", 1)
        assert stem in files
        assert f".{suffix}" in files
    tab(page, "Why, and how fast")
    assert "Turned back by 90°" in page.locator(".dp-why").inner_text()
    assert "Flattened: " in page.locator(".dp-why").inner_text()
    tab(page, "Markdown")
    assert "page about nothing" in page.locator(_MARKDOWN).inner_text()


def test_slider_moves(photo_page: Any) -> None:
    page = photo_page
    tab(page, "Before and after")
    handle = page.locator(".dp-slider .inner").first
    handle.scroll_into_view_if_needed()
    before = handle.bounding_box()
    page.mouse.move(before["x"] + before["width"] / 2, before["y"] + before["height"] / 2)
    page.mouse.down()
    page.mouse.move(before["x"] - 60, before["y"] + before["height"] / 2, steps=4)
    page.mouse.up()
    assert handle.bounding_box()["x"] < before["x"] - 30


def test_line_is_shown_where_it_was(photo_page: Any) -> None:
    page = photo_page
    tab(page, "Text")
    row = page.locator("tr[data-line]", has_text="page about nothing").first
    line = row.get_attribute("data-line")
    row.hover()
    lit = page.locator(f'svg polygon.on[data-line="{line}"]')
    assert lit.count() == 2  # in the original and on the clean page
    # The title is at the top of the clean page, so it is at the right of the original, which lies on its side.
    boxes = [
        lit.nth(i).evaluate("e => { const b = e.getBBox(); return [b.x, b.y, b.width, b.height] }") for i in (0, 1)
    ]
    assert boxes[0][3] > boxes[0][2]
    assert boxes[1][2] > boxes[1][3]
    row.focus()
    page.keyboard.press("Enter")
    assert page.locator(f'polygon.kept[data-line="{line}"]').count() == 2


def test_pages_of_a_pdf(visit: Any, document_path: Path) -> None:
    page = visit()
    page.set_input_files(_DROP, document_path)
    wait_for_files(page)
    tab(page, "Markdown")
    page.locator(_MARKDOWN, has_text="Elephants").wait_for()
    page.locator(".dp-no input").click()
    page.get_by_role("option", name="2", exact=True).click()
    page.locator(_MARKDOWN, has_text="Butterflies").wait_for()


def test_bad_file_is_told_of_and_the_page_goes_on(visit: Any, broken_path: Path, document_path: Path) -> None:
    page = visit()
    page.set_input_files(_DROP, broken_path)
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert "could not be opened" in alert.inner_text()
    assert "/tmp" not in alert.text_content()
    page.get_by_role("button", name="Clear").first.click()
    page.set_input_files(_DROP, document_path)
    wait_for_files(page)
    assert alert.count() == 0


def test_two_visitors_at_once(visit: Any, photo_path: Path, document_path: Path) -> None:
    first, second = visit(), visit()
    first.set_input_files(_DROP, photo_path)
    second.set_input_files(_DROP, document_path)
    for page, word, other in ((first, "about nothing", "Elephants"), (second, "Elephants", "about nothing")):
        wait_for_files(page)
        tab(page, "Markdown")
        text = page.locator(_MARKDOWN).inner_text()
        assert word in text
        assert other not in text


def test_many_files_come_back_as_a_zip(
    visit: Any, broken_path: Path, document_path: Path, photo_path: Path, tmp_path: Path
) -> None:
    page = visit()
    tab(page, "Many files")
    page.locator(".dp-batch-drop input[type=file]").set_input_files([document_path, broken_path, photo_path])
    page.locator(".dp-batch-drop .file-preview").wait_for()
    page.get_by_role("button", name="Clean up and read all").click()
    link = page.locator(".dp-zip a[download]").first
    link.wait_for()
    with page.expect_download() as download:
        link.click()
    download.value.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        names = set(archive.namelist())
        results = archive.read("results.csv").decode("utf-8-sig")
    assert {"animals/animals.pdf", "animals/animals_002.md", "letter/letter_001.jpg", "results.csv"} <= names
    assert not any(name.startswith("broken/") for name in names)
    outcomes = {name: (int(pages), said) for name, pages, said in list(csv.reader(results.splitlines()))[1:]}
    assert outcomes["animals.pdf"] == (2, "done")
    assert outcomes["letter.jpg"] == (1, "done")
    assert outcomes["broken.jpg"][0] == 0
    assert "could not be opened" in outcomes["broken.jpg"][1]


def test_chinese_on_a_phone(visit: Any) -> None:
    page = visit("/zh", viewport={"width": 390, "height": 844}, color_scheme="dark")
    assert page.evaluate("document.documentElement.lang") == "zh"
    page.get_by_text("本来就平整").click()
    wait_for_files(page)
    assert page.locator(".dp-steps li.done").count() == 4
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
