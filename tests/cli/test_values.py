"""What texts on the command line become."""

from __future__ import annotations

import argparse

import pytest

from docpre.cli import settings


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("compile=true,compile_mode=default", {"compile": True, "compile_mode": "default"}),
        ("num_streams = 2", {"num_streams": 2}),
        ('{"torch": {"compile": false}}', {"torch": {"compile": False}}),
        ("torch: {compile: no}", {"torch": {"compile": False}}),
    ],
)
def test_settings_of_an_engine(text, content):
    assert settings(text) == content


@pytest.mark.parametrize("text", ["compile", "a=1,b", "{", "a=[", "[1]"])
def test_what_is_no_settings(text):
    with pytest.raises(argparse.ArgumentTypeError, match="key=value"):
        settings(text)
