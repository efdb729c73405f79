"""The benchmark's lists, by their published lengths."""

from docpre.metrics import docunet


def test_ocr_lists() -> None:
    lists = (docunet.OCR_DOCUMENTS_UVDOC, docunet.OCR_DOCUMENTS_DOCTR, docunet.OCR_DOCUMENTS_UVDOC_BENCHMARK)
    assert [len(documents) for documents in lists] == [25, 30, 20]
    for documents in lists:
        assert list(documents) == sorted(set(documents))
    assert set(docunet.OCR_DOCUMENTS_UVDOC) | set(docunet.OCR_DOCUMENTS_DOCTR) <= set(docunet.DOCUMENTS)
    assert docunet.UPSIDE_DOWN_PHOTOS == ((64, 1), (64, 2))
