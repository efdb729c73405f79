"""Which documents of the DocUNet and UVDoc benchmarks are read by OCR, and what is known of their photos."""

DOCUMENTS = tuple(range(1, 66))
"""The documents of DocUNet, two photos (1 and 2) each."""

UPSIDE_DOWN_PHOTOS = ((64, 1), (64, 2))
"""(document, photo) that DocUNet shows upside down; most papers measure them as they are."""

# fmt: off
OCR_DOCUMENTS_UVDOC = (
    1, 9, 10, 12, 19, 20, 21, 22, 23, 24, 30, 31, 32, 34, 35, 36, 37, 38, 39, 40, 44, 45, 46, 47, 49,
)
"""The 25 documents of DocUNet whose CER and ED DewarpNet, UVDoc and PaddleOCR print."""

OCR_DOCUMENTS_DOCTR = (
    1, 2, 3, 4, 5, 6, 7, 9, 10, 21, 22, 23, 24, 27, 30, 31, 32, 36, 38, 40, 41, 44, 45, 46, 47, 48, 50, 51, 52, 53,
)
"""The 30 documents of DocUNet whose CER and ED DocTr and DocGeoNet print."""

OCR_DOCUMENTS_UVDOC_BENCHMARK = (
    1, 2, 3, 9, 10, 17, 18, 19, 21, 23, 29, 32, 33, 34, 36, 37, 41, 45, 46, 48,
)
"""The 20 samples of UVDoc's own benchmark whose CER and ED UVDoc prints."""
# fmt: on
