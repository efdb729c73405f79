"""A web server that does to whoever asks it what a page may do to its reader: kill it, or keep it waiting."""

from __future__ import annotations

import http.server
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class KillingServer(http.server.ThreadingHTTPServer):
    """``/deadly...`` kills the process that asks; ``/held...`` is answered once ``release`` is set; all else at once.

    Args:
        content: of every page.
    """

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Pages)
        self.content = content
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.release = threading.Event()
        #: Processes that have asked for a held page, and those that were killed.
        self.holding: list[int] = []
        self.killed: list[int] = []


class _Pages(http.server.BaseHTTPRequestHandler):
    server: KillingServer

    def do_GET(self) -> None:
        if "deadly" in self.path:
            pid = process_at(self.client_address[1])
            self.server.killed.append(pid)
            os.kill(pid, signal.SIGKILL)
            return
        if "held" in self.path:
            self.server.holding.append(process_at(self.client_address[1]))
            self.server.release.wait(120)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def killing_server(content: bytes) -> Iterator[KillingServer]:
    with KillingServer(content) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.release.set()
            server.shutdown()
            thread.join()


def process_at(port: int) -> int:
    """The process that has a TCP connection from a port of this machine (Linux)."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].split(":")[1], 16) == port:
            socket = f"socket:[{fields[9]}]"
            for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
                try:
                    if os.readlink(descriptor) == socket:
                        return int(descriptor.parts[2])
                except OSError:
                    continue
    raise LookupError(f"no process at port {port}")
