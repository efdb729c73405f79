"""Visitors' files are deleted in time, the page's own stay."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from demo.sweeping import delete_old, swept


def test_old_files_and_empty_folders_go(tmp_path: Path) -> None:
    own = tmp_path / "own" / "example.jpg"
    old, fresh = tmp_path / "a" / "old.jpg", tmp_path / "b" / "fresh.jpg"
    for path in (own, old, fresh):
        path.parent.mkdir()
        path.write_bytes(b"picture")
    for path in (own, old, old.parent):
        os.utime(path, (time.time() - 3700,) * 2)
    delete_old(tmp_path, {own, own.parent}, kept_s=3600)
    delete_old(tmp_path, {own, own.parent}, kept_s=3600)
    assert own.exists()
    assert fresh.exists()
    assert not old.exists()


def test_a_folder_is_swept_while_the_page_is_served(tmp_path: Path) -> None:
    (tmp_path / "thumbnail.jpg").write_bytes(b"picture")

    async def serve() -> None:
        async with swept(tmp_path, kept_s=0, every_s=0.01):
            (tmp_path / "upload").mkdir()
            (tmp_path / "upload" / "page.jpg").write_bytes(b"picture")
            for _ in range(500):
                if not (tmp_path / "upload").exists():
                    return
                await asyncio.sleep(0.01)

    asyncio.run(serve())
    assert [path.name for path in tmp_path.rglob("*")] == ["thumbnail.jpg"]
