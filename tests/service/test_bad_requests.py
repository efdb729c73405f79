"""Whatever is sent, the answer is 4xx with a sentence, and the next request is answered."""

from __future__ import annotations

import random
import uuid

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docpre.service.paddle_api import PATH
from tests.service.bad_requests import BAD, document, picture
from tests.service.bombs import BOMBS
from tests.service.conftest import QUICK, Server


def check_refusal(answer: requests.Response, status: int, says: str) -> None:
    content = answer.json()
    assert answer.status_code == status, content
    assert content.keys() == {"logId", "errorCode", "errorMsg"}
    assert uuid.UUID(content["logId"])
    assert content["errorCode"] == status
    assert says in content["errorMsg"]
    assert content["errorMsg"].endswith(".")


@pytest.mark.parametrize("name", BAD)
def test_bad_requests(server: Server, name: str):
    bad = BAD[name]
    answer = server.session.request(
        bad.method, server.url + bad.path, data=bad.body(), headers=bad.headers, timeout=60, allow_redirects=False
    )
    check_refusal(answer, bad.status, bad.says)


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(server: Server, name: str):
    answer = server.infer(BOMBS[name](), **QUICK)
    assert answer.status_code in (413, 422)
    is_late = "takes longer" in answer.text
    check_refusal(answer, answer.status_code, "max_read_s" if is_late else "can't be read")


def test_a_body_that_does_not_say_how_long_it_is(server: Server):
    parts = (b"A" * 100_000 for _ in range(100))
    answer = requests.post(server.url + PATH, data=parts, headers={"Content-Type": "application/json"}, timeout=60)
    check_refusal(answer, 413, "over the limit")


def _mangled(content: bytes, seed: int) -> bytes:
    """Bytes overwritten, cut out, doubled, or cut off."""
    draw = random.Random(seed)
    data = bytearray(content)
    for _ in range(draw.randint(1, 8)):
        at = draw.randrange(len(data))
        kind = draw.randrange(4)
        if kind == 0:
            data[at] = draw.randrange(256)
        elif kind == 1:
            del data[at : at + draw.randint(1, 50)]
        elif kind == 2:
            data[at:at] = data[at : at + draw.randint(1, 50)]
        else:
            data[at : at + 4] = draw.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\x80\0\0\0"])
        data = data or bytearray(content)
    return bytes(data)


ORIGINALS = [
    picture("PNG"),
    picture("PNG", "P"),
    picture("JPEG"),
    picture("JPEG", progressive=True),
    picture("TIFF"),
    picture("TIFF", compression="tiff_lzw"),
    picture("TIFF", "1", compression="group4"),
    picture("WEBP"),
    picture("BMP"),
    document(),
    document(deflate=True, garbage=4),
]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(original=st.sampled_from(ORIGINALS), seed=st.integers(0, 1 << 32))
def test_damaged_files(server: Server, original: bytes, seed: int):
    answer = server.infer(_mangled(original, seed), **QUICK)
    assert answer.status_code in (200, 413, 422), answer.text
    if answer.status_code != 200:
        check_refusal(answer, answer.status_code, "")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=300),
    magic=st.sampled_from(
        [b"", b"%PDF-1.4\n", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"BM", b"RIFF"]
    ),
)
def test_made_up_files(server: Server, content: bytes, magic: bytes):
    answer = server.infer(magic + content, **QUICK)
    assert answer.status_code in (200, 413, 422), answer.text
