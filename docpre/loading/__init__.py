"""Whatever a user names as input becomes an iterator of pages, one decoded page in memory at a time."""

from docpre.loading.content import NamedContent, is_url, read_content
from docpre.loading.counting import count_pages
from docpre.loading.folders import files_in
from docpre.loading.formats import IMAGE_SUFFIXES, PDF_SUFFIXES
from docpre.loading.iteration import batches, iter_pages, pages_from_arguments
from docpre.loading.limits import Limits
from docpre.loading.page import ImageArray, Page, Pixels
from docpre.loading.rgb import array_to_rgb, to_rgb

__all__ = [
    "IMAGE_SUFFIXES",
    "PDF_SUFFIXES",
    "ImageArray",
    "Limits",
    "NamedContent",
    "Page",
    "Pixels",
    "array_to_rgb",
    "batches",
    "count_pages",
    "files_in",
    "is_url",
    "iter_pages",
    "pages_from_arguments",
    "read_content",
    "to_rgb",
]
