"""Files that visitors brought or were given are deleted after a while. Gradio's own ``delete_cache`` misses most."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path


@asynccontextmanager
async def swept(folder: Path, kept_s: float, every_s: float) -> AsyncIterator[None]:
    """Keep a folder swept for as long as the context lasts.

    Args:
        folder: what is in it at the beginning, the page's own pictures, stays.
        kept_s: how long other files are kept.
        every_s: how often it is seen to.
    """
    own = set(folder.rglob("*"))

    async def sweep() -> None:
        while True:
            await asyncio.sleep(every_s)
            await asyncio.to_thread(delete_old, folder, own, kept_s)

    sweeping = asyncio.create_task(sweep())
    try:
        yield
    finally:
        sweeping.cancel()
        with suppress(asyncio.CancelledError):
            await sweeping


def delete_old(folder: Path, own: set[Path], kept_s: float) -> None:
    """Delete the files in a folder that were last changed so long ago, and folders that are empty then."""
    for path in sorted(folder.rglob("*"), reverse=True):  # what is in a folder before the folder
        if path in own:
            continue
        with suppress(OSError):  # gone already, or a folder that is not empty
            if path.lstat().st_mtime > time.time() - kept_s:
                continue
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink()
