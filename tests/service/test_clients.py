"""The examples for clients, as a user runs them. Those whose language is not installed are skipped."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

CLIENTS = Path(__file__).parents[2] / "docs" / "clients"
PROGRAMS = {
    "client.py": [sys.executable],
    "client.sh": ["sh"],
    "client.mjs": ["node"],
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_client(server, page_png, tmp_path, pipeline, name):
    needed = "curl" if name == "client.sh" else PROGRAMS[name][0]
    if shutil.which(needed) is None:
        pytest.skip(f"{needed} is not installed")
    source, target = tmp_path / "page.png", tmp_path / "clean.png"
    source.write_bytes(page_png)
    command = [*PROGRAMS[name], str(CLIENTS / name), server.url]
    subprocess.run([*command, str(source), str(target)], check=True, timeout=120)
    (expected,) = pipeline.predict(page_png)
    np.testing.assert_array_equal(np.asarray(Image.open(target)), expected.output_image[..., ::-1])
    source.write_bytes(b"Dear Sir or Madam")
    failed = subprocess.run([*command, str(source), str(target)], timeout=120, capture_output=True)
    assert failed.returncode != 0
