"""Requests and answers of Baidu's ``doc_analysis`` and ``oauth/2.0/token``, field by field as Baidu describes them
(https://ai.baidu.com/ai-doc/OCR/jk9m7mj1l)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_UINT64 = 2**64


def _small_letters(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


#: Some clients write True, as Python does.
Flag = Annotated[Literal["true", "false"], BeforeValidator(_small_letters)]


class DocAnalysisRequest(BaseModel):
    """The fields of the form. Unknown ones are passed over, as Baidu does."""

    model_config = ConfigDict(extra="ignore")

    image: str | None = Field(
        default=None,
        description="A picture as Base64, at most 10 MB of it; jpg, jpeg, png or bmp, its sides 15 to 8192 pixels. "
        "It comes before url, and url before pdf_file.",
    )
    url: str | None = Field(default=None, description="Such a picture's address, at most 1024 bytes; http or https.")
    pdf_file: str | None = Field(default=None, description="A PDF as Base64, at most 10 MB of it.")
    pdf_file_num: str = Field(default="1", description="Which page of the PDF, from 1.")
    language_type: Literal["CHN_ENG", "ENG"] = Field(
        default="CHN_ENG", description="Chinese and Latin letters, or Latin ones alone."
    )
    result_type: Literal["big", "small"] = Field(default="big", description="Lines, or characters too.")
    detect_direction: Flag = Field(default="false", description="Give img_direction.")
    line_probability: Flag = Field(default="false", description="Give each line's line_probability.")
    disp_line_poly: Flag = Field(default="false", description="Give each line's poly_location.")
    words_type: Literal["print", "handprint_mix", "handwring_only"] = Field(
        default="print", description="All lines are taken for printed; told apart; or the handwritten ones alone."
    )
    layout_analysis: Flag = Field(default="false", description="Give layouts and sections.")
    recg_formula: Flag = Field(default="false", description="Formulas are not read yet: true is answered 216102.")
    recg_long_division: Flag = Field(
        default="false", description="Long divisions are not read yet: true is answered 216102."
    )
    disp_underline_analysis: Flag = Field(default="false", description="Not there: true is answered 216102.")
    recg_alter: Flag = Field(default="false", description="Not there: true is answered 216102.")


class Location(BaseModel):
    """An upright rectangle, in pixels."""

    left: int
    top: int
    width: int
    height: int


class Point(BaseModel):
    """A corner, in pixels."""

    x: int
    y: int


#: From the top left of what is written, clockwise.
Corners = Annotated[list[Point], Field(min_length=4, max_length=4)]


class LineProbability(BaseModel):
    """How sure a line's characters are, 0 to 1."""

    average: float
    min: float


class Words(BaseModel):
    """A line."""

    word: str
    words_location: Location
    poly_location: Corners | None = Field(default=None, description="With disp_line_poly.")
    line_probability: LineProbability | None = Field(default=None, description="With line_probability.")


class Character(BaseModel):
    """A character of a line; spaces are left out."""

    char: str
    chars_location: Location


class LineResult(BaseModel):
    """A line and how it was written."""

    words_type: Literal["handwriting", "print"]
    words: Words
    chars: list[Character] | None = Field(default=None, description="With result_type small.")


class LayoutBlock(BaseModel):
    """A block of the page."""

    layout: Literal["table", "figure", "text", "title", "contents"]
    layout_location: Corners
    layout_idx: list[int] = Field(description="Its lines, as places in results.")


class SectionLocation(BaseModel):
    """A section's outline."""

    points: Corners


class SectionIndex(BaseModel):
    """What a section holds, and where it stands."""

    idx: list[int] = Field(description="Its lines, as places in results.")
    para_idx: list[int] | None = Field(default=None, description="Its blocks, as places in layouts. Of sections alone.")
    row_idx: list[int] | None = Field(default=None, description="Its row of the grid. Of sections alone.")
    col_idx: list[int] | None = Field(default=None, description="Its column of the grid. Of sections alone.")


class PageSection(BaseModel):
    """A column of the page, or what stands around the columns."""

    attribute: Literal["section", "header", "footer", "number", "footnote"]
    attri_location: SectionLocation
    sec_idx: SectionIndex


class DocAnalysisAnswer(BaseModel):
    """A page. All places are pixels of the picture as it was sent, before its EXIF orientation; of a PDF's page, pixels
    of the page at the server's resolution (--dpi, 200 by default)."""

    log_id: int = Field(ge=0, lt=_UINT64)
    img_direction: Literal[0, 1, 2, 3] | None = Field(
        default=None,
        description="With detect_direction: by how many quarter turns the page is turned counter-clockwise.",
    )
    results_num: int
    results: list[LineResult] = Field(description="In the order of reading.")
    layouts_num: int | None = Field(default=None, description="With layout_analysis, as what follows.")
    layouts: list[LayoutBlock] | None = None
    sec_rows: int | None = Field(default=None, description="Rows of the grid of sections.")
    sec_cols: int | None = Field(default=None, description="Columns of the grid of sections.")
    sections: list[PageSection] | None = None
    pdf_file_size: str | None = Field(default=None, description="How many pages the PDF has.")


class BaiduErrorAnswer(BaseModel):
    """What went wrong; HTTP's status is 200."""

    log_id: int = Field(ge=0, lt=_UINT64)
    error_code: int
    error_msg: str


class TokenAnswer(BaseModel):
    """A token."""

    access_token: str
    expires_in: int = Field(description="Seconds that it is good for.")
    scope: str


class TokenErrorAnswer(BaiduErrorAnswer):
    """Why there is no token: OAuth's fields, and those of the other errors."""

    error: Literal["invalid_request", "invalid_client", "unsupported_grant_type"]
    error_description: str
