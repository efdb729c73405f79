"""Many clients, clients that leave, requests that take too long, and servers that end in the middle of it all."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pymupdf
import pytest
import requests

from docpre.service.paddle_api import PATH
from docpre.service.settings import ServiceSettings
from tests.conftest import draw_page, photograph
from tests.service.conftest import CLEAN_UP, QUICK, encoded, running, running_process, wait_until

SLOW_PAGES = 400  # many seconds on any machine; no test waits for all of them


def slow_pdf(pages: int = SLOW_PAGES) -> bytes:
    document = pymupdf.open()
    for _ in range(pages):
        document.new_page(width=300, height=400).insert_text((20, 50), "A page")
    return document.tobytes()


def test_32_clients_get_what_one_gets(server):
    """Every byte of every answer but its number."""
    inputs = [
        encoded(photograph(draw_page(220, 156, seed, 9)) if seed % 2 else draw_page(220, 156, seed, 9), "JPEG")
        for seed in range(8)
    ]
    options = [{}, QUICK, QUICK | {"transform": True}, {"visualize": True, "useDocUnwarping": False}]
    wishes = [(inputs[n % 8], options[n % 4]) for n in range(32)]

    def ask(wish: tuple[bytes, dict]) -> bytes:
        answer = server.infer(wish[0], **wish[1])
        assert answer.status_code == 200, answer.text
        return answer.content.replace(answer.json()["logId"].encode(), b"")

    alone = [ask(wish) for wish in wishes[:8]]
    with ThreadPoolExecutor(32) as clients:
        together = list(clients.map(ask, wishes))
    for n, answer in enumerate(together):
        assert answer == alone[n % 8], n


@pytest.fixture(scope="module")
def small_server():
    settings = ServiceSettings(
        pipeline={"device": "cpu"}, concurrency=1, max_waiting=1, max_pages=None, max_request_s=20.0
    )
    with running(settings) as server:
        yield server


def sent(server, body: bytes) -> socket.socket:
    """Send a request, and do not wait for the answer."""
    host, port = server.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)))
    head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


def under_way(server) -> float:
    return float(re.search(r"^docpre_requests_under_way (.+)$", server.get("/metrics").text, re.MULTILINE)[1])


def slow_body() -> bytes:
    return json.dumps({"file": base64.b64encode(slow_pdf()).decode()}).encode()


def test_beyond_the_places_there_is_429_and_hanging_up_frees_them(small_server, page_png):
    body = slow_body()
    connections = [sent(small_server, body) for _ in range(2)]
    wait_until(lambda: under_way(small_server) == 2)
    refused = small_server.infer(page_png, **QUICK)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "1"
    assert refused.json()["errorCode"] == 429
    for connection in connections:
        connection.close()
    wait_until(lambda: under_way(small_server) == 0, 10)
    assert small_server.infer(page_png, **QUICK).status_code == 200
    assert 'docpre_requests_total{path="/document-preprocessing",status="499"} 2.0' in small_server.get("/metrics").text


def test_a_request_that_takes_too_long(page_png):
    settings = ServiceSettings(
        pipeline={"device": "cpu"}, concurrency=1, max_pages=None, max_request_s=2.0, max_waiting=0
    )
    with running(settings) as server:
        late = server.infer(slow_pdf())
        assert late.status_code == 408
        assert "longer than 2 s" in late.json()["errorMsg"]
        wait_until(lambda: server.infer(page_png, **QUICK).status_code == 200)
        # A body that never ends holds its place no longer either.
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as slow:
            slow.sendall(f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{{".encode())
            slow.settimeout(30)
            assert slow.recv(100).startswith(b"HTTP/1.1 408")


def test_keys(tmp_path, page_png):
    keys = tmp_path / "keys"
    keys.write_text("# comment\nfirst-key\nschlüssel\n", "utf-8")
    settings = ServiceSettings(pipeline={"device": "cpu"}, concurrency=1, api_key_file=str(keys))
    with running(settings) as server:
        assert server.get("/health").status_code == 200
        assert server.get("/ready").status_code == 200
        for headers in (
            {},
            {"Authorization": "Bearer wrong"},
            {"Authorization": "Basic first-key"},
            {"Authorization": "first-key"},
        ):
            for answer in (server.infer(page_png, headers=headers), server.get("/metrics", headers=headers)):
                assert answer.status_code == 401
                assert answer.headers["WWW-Authenticate"] == "Bearer"
                assert answer.json()["errorCode"] == 401
        for key in ("first-key", "schlüssel"):
            headers = {"Authorization": f"Bearer {key}".encode()}
            assert server.infer(page_png, headers=headers, **QUICK).status_code == 200


def test_sigterm_finishes_what_is_under_way_and_logs_no_secrets(tmp_path, page_png):
    keys = tmp_path / "keys"
    keys.write_text("the-secret-key\n")
    answers: list[requests.Response] = []
    with running_process(*CLEAN_UP, "--concurrency", "1", "--api_key_file", str(keys)) as (server, process, log):
        headers = {"Authorization": "Bearer the-secret-key", "X-Request-Id": "the-request"}
        asking = threading.Thread(target=lambda: answers.append(server.infer(slow_pdf(10), headers=headers, **QUICK)))
        asking.start()
        metrics = requests.Session()
        wait_until(
            lambda: "docpre_requests_under_way 1.0" in metrics.get(server.url + "/metrics", headers=headers).text
        )
        server.session.get(server.url + "/health?token=the-secret-token", headers={"Authorization": "the-secret"})
        process.send_signal(signal.SIGTERM)
        asking.join()
        process.wait(30)
        logged = log()
    assert answers[0].status_code == 200
    assert len(answers[0].json()["result"]["docPreprocessingResults"]) == 10
    assert process.returncode in (0, -signal.SIGTERM)
    assert "POST /document-preprocessing 200" in logged
    assert "request the-request" in logged
    assert answers[0].json()["logId"] in logged
    assert "secret" not in logged
    assert not [line for line in logged.splitlines() if len(line) > 300]


def test_several_processes_and_one_of_them_dies(page_png):
    with running_process(*CLEAN_UP, "--workers", "2", "--concurrency", "1") as (server, process, _):
        children = Path("/proc", str(process.pid), "task", str(process.pid), "children")

        def workers() -> list[int]:
            return [int(pid) for pid in children.read_text().split() if is_server(int(pid))]

        wait_until(lambda: len(workers()) == 2)
        assert server.infer(page_png, **QUICK).status_code == 200
        wait_until(lambda: answered(server.url) >= 1)  # a request is counted just after it is answered
        first = workers()
        assert len(first) == 2
        os.kill(first[0], signal.SIGKILL)
        wait_until(lambda: len(workers()) == 2 and workers() != first)
        wait_until(lambda: answers_once(server.url, page_png))
        # What the one that died had counted is not lost.
        wait_until(lambda: answered(server.url) >= 2)


def answered(url: str) -> float:
    text = requests.get(url + "/metrics", timeout=30).text
    found = re.search(
        r'^docpre_requests_total\{path="/document-preprocessing",status="200"\} (\S+)$', text, re.MULTILINE
    )
    return float(found[1]) if found else 0.0


def is_server(pid: int) -> bool:
    """A server process of the supervisor, not its resource tracker, and not one that has just ended."""
    try:
        return b"spawn_main" in Path("/proc", str(pid), "cmdline").read_bytes()
    except OSError:
        return False


def answers_once(url: str, page: bytes) -> bool:
    try:
        return (
            requests.post(url + PATH, files={"file": page}, data={"visualize": "false"}, timeout=30).status_code == 200
        )
    except requests.ConnectionError:
        return False


def test_a_reader_that_dies_is_replaced(small_server, page_png):
    readers = [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/comm") if is_reader(path.parent)]
    for pid in readers:
        os.kill(pid, signal.SIGKILL)
    assert readers
    wait_until(lambda: not any(is_reader(Path("/proc", str(pid))) for pid in readers))
    assert [small_server.infer(page_png, **QUICK).status_code for _ in range(3)] == [200] * 3


def is_reader(process: Path) -> bool:
    """A child of this process' fork server."""
    try:
        parent = int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
        grandparent = int(Path("/proc", str(parent), "stat").read_text().rsplit(")", 1)[1].split()[1])
        return grandparent == os.getpid() and b"forkserver" in Path("/proc", str(parent), "cmdline").read_bytes()
    except (OSError, ValueError):
        return False
