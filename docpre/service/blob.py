"""Bytes and pixels between processes without copies through a pipe: a file in memory, whose descriptor is sent."""

from __future__ import annotations

import mmap
import os
import tempfile
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle

import numpy as np
from numpy.typing import NDArray


def send_blob(connection: Connection, content: bytes | memoryview | NDArray[np.uint8], receiver_pid: int) -> None:
    """Send bytes, or an array's, over a pipe between processes of one machine."""
    data = np.ascontiguousarray(content).reshape(-1).data if isinstance(content, np.ndarray) else content
    descriptor = _memory_file()
    try:
        os.truncate(descriptor, len(data))
        if len(data):
            with mmap.mmap(descriptor, len(data)) as memory:
                memory[:] = data
        send_handle(connection, descriptor, receiver_pid)
    finally:
        os.close(descriptor)


def receive_blob(connection: Connection) -> memoryview:
    """The bytes that ``send_blob`` sent. They are let go when nothing refers to them any more."""
    descriptor = recv_handle(connection)
    try:
        size = os.fstat(descriptor).st_size
        return memoryview(mmap.mmap(descriptor, size)) if size else memoryview(b"")
    finally:
        os.close(descriptor)


def _memory_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("docpre", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:  # macOS
        return os.dup(file.fileno())
