"""A cache of each test's own."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCPRE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DOCPRE_OFFLINE", raising=False)
    return tmp_path / "cache" / "models" / "tiny"
