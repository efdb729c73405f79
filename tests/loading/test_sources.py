"""Everything that can be named as input: folders, lists, bytes, URLs."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from docpre.errors import InputError
from docpre.loading import Limits, count_pages
from tests.loading.files import encoded, pages_of


def test_a_directory_gives_its_pictures_and_pdfs_by_name(tmp_path, small, pdf_path, caplog):
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (folder / "b.png").write_bytes(encoded(small, "PNG"))
    (folder / "a.JPG").write_bytes(encoded(small, "JPEG"))
    (folder / "sub" / "b.bmp").write_bytes(encoded(small, "BMP"))
    (folder / "c.pdf").write_bytes(pdf_path.read_bytes())
    (folder / "notes.txt").write_text("not a page")
    (folder / ".hidden.png").write_text("hidden")
    pages = pages_of(folder)
    assert [page.stem for page in pages] == ["a", "b", "c_0", "c_1", "c_2", "b-2"]
    assert count_pages(folder) == 6
    assert "left out 1 files" in caplog.text


def test_an_empty_directory(tmp_path):
    with pytest.raises(InputError, match="no pictures or PDFs"):
        pages_of(tmp_path)
    assert pages_of([tmp_path])[0].error is not None


def test_names_of_a_run_are_unique(tmp_path, small, pdf_path):
    twin = tmp_path / "Document_0.png"
    twin.write_bytes(encoded(small, "PNG"))
    stems = [page.stem for page in pages_of([pdf_path, twin, twin, small, small])]
    assert stems == ["document_0", "document_1", "document_2", "Document_0-2", "Document_0-3", "array_3", "array_4"]


def test_an_empty_list_gives_no_pages():
    assert pages_of([]) == []


def test_bytes(small, pdf_path):
    assert_array_equal(pages_of(encoded(small, "PNG"))[0].image, small)
    assert len(pages_of(pdf_path.read_bytes())) == 3


class Handler(BaseHTTPRequestHandler):
    content = encoded(np.full((30, 20, 3), 90, np.uint8), "PNG")

    def do_GET(self):
        if self.path.startswith("/missing"):
            self.send_error(404)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_urls(server):
    (page,) = pages_of(f"{server}/pictures/my%20page.png?size=large")
    assert page.image.shape == (30, 20, 3)
    assert (page.stem, page.suffix) == ("my page", ".png")
    with pytest.raises(InputError, match="404"):
        pages_of(f"{server}/missing.png")
    with pytest.raises(InputError, match="max_bytes"):
        pages_of(f"{server}/a.png", limits=Limits(max_bytes=10))
