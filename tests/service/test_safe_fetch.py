"""URLs that strangers name. The internet is a server on this machine that stands in for two public addresses; the
name servers are made up, and lie."""

from __future__ import annotations

import asyncio
import http.server
import ipaddress
import threading
import time
from collections.abc import Iterator

import httpcore2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docpre.service import safe_fetch
from docpre.service.public_address import is_allowed, is_public
from docpre.service.refusal import Refusal
from docpre.service.safe_fetch import fetch

PUBLIC, OTHER_PUBLIC = "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"
FILE = b"the file " * 1000
NOT_PUBLIC = """
    0.0.0.0 10.0.0.1 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 168.63.129.16 169.254.169.254 172.16.0.1
    172.31.255.255 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1
    255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 64:ff9b::7f00:1 64:ff9b:1::1 100::1
    2001::1 2001:db8::1 2002:7f00:1:: 2002:c0a8:101:: 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1
    ff0e::1
"""


class _Pages(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append((self.headers["Host"], self.path))
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/missing":
            self.send_error(404)
        elif self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(FILE)
            except OSError:
                self.close_connection = True
        elif self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            try:
                for _ in range(50):
                    self.wfile.write(b"x")
                    time.sleep(0.05)
            except OSError:
                self.close_connection = True
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(FILE)))
            if self.path == "/gzip":
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(FILE)

    def log_message(self, *_):
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Pages)
        self.asked: list[tuple[str, str]] = []


@pytest.fixture
def internet(monkeypatch) -> Iterator[_Server]:
    """The only machines that can be reached: the public ones, and this one under its own addresses."""
    server = _Server()
    server.connected = []
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    port = server.server_address[1]

    class Cable(httpcore2.AnyIOBackend):
        async def connect_tcp(self, host, _port, *arguments, **options):
            server.connected.append(host)
            if host not in (PUBLIC, OTHER_PUBLIC, "127.0.0.1", "10.1.2.3"):
                raise httpcore2.ConnectError("no route to host")
            return await super().connect_tcp("127.0.0.1", port, *arguments, **options)

    monkeypatch.setattr(safe_fetch.httpcore2, "AnyIOBackend", Cable)
    yield server
    server.shutdown()
    server.server_close()


class Names:
    """A name server: host -> answers, one for each time it is asked, the last one for ever."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = {host.replace("_", "."): list(each) for host, each in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        if host not in self.answers:
            raise OSError("unknown host")
        answers = self.answers[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]


def get(url: str, names: Names, *allowed: str, max_bytes: int = 1_000_000, max_redirects: int = 2) -> bytes:
    return asyncio.run(fetch(url, max_bytes=max_bytes, max_redirects=max_redirects, allowed=allowed, resolver=names))


def refusal(url: str, names: Names, *allowed: str, **limits: int) -> Refusal:
    with pytest.raises(Refusal) as caught:
        get(url, names, *allowed, **limits)
    return caught.value


def test_a_public_file(internet):
    assert get("http://a.example/file.png?size=1", Names(a_example=[[PUBLIC]])) == FILE
    assert internet.asked == [("a.example", "/file.png?size=1")]


def test_the_next_address_is_tried(internet):
    assert get("http://a.example/", Names(a_example=[["93.184.215.99", OTHER_PUBLIC]])) == FILE


def test_rebinding_gains_nothing(internet):
    """The name server says a public address first, and this machine's own ever after."""
    names = Names(evil_example=[[PUBLIC], ["127.0.0.1"]])
    assert get("http://evil.example/", names) == FILE
    assert internet.connected == [PUBLIC]
    assert names.asked == ["evil.example"]  # what was checked is what was connected to


def test_rebinding_by_a_redirect_to_itself(internet):
    names = Names(evil_example=[[PUBLIC], ["127.0.0.1"]])
    error = refusal("http://evil.example/to/http://evil.example/secret", names)
    assert (error.status, "not on the public internet" in str(error)) == (422, True)
    assert internet.connected == [PUBLIC]


@pytest.mark.parametrize(
    "inside", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00:ec2::254", "::ffff:10.1.2.3"]
)
def test_a_private_address_among_public_ones(internet, inside):
    error = refusal("http://evil.example/", Names(evil_example=[[PUBLIC, inside]]))
    assert error.status == 422
    assert internet.connected == []


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1/",
        "http://[::1]/",
        "//10.1.2.3/",
        "http://inside.example/",
        "file:///etc/passwd",
        "ftp://a.example/",
        "http://user:secret@a.example/",
        "http://[",
    ],
)
def test_redirects_go_through_the_same_door(internet, target):
    names = Names(a_example=[[PUBLIC]], inside_example=[["10.1.2.3"]])
    names.answers |= {address: [[address]] for address in ("127.0.0.1", "::1", "10.1.2.3")}
    assert refusal(f"http://a.example/to/{target}", names).status == 422
    assert internet.connected == [PUBLIC]


def test_redirects_are_followed_and_counted(internet):
    names = Names(a_example=[[PUBLIC]], b_example=[[OTHER_PUBLIC]])
    assert get("http://a.example/to/http://b.example/to//file", names) == FILE
    assert [path for _, path in internet.asked] == ["/to/http://b.example/to//file", "/to//file", "/file"]
    error = refusal("http://a.example/to/http://b.example/to//file", names, max_redirects=1)
    assert "redirects more than 1 times" in str(error)


def test_what_the_list_allows(internet):
    names = Names(files_inside=[["10.1.2.3"]], metadata_inside=[["169.254.169.254"]])
    assert refusal("http://files.inside/", names).status == 422
    assert get("http://files.inside/", names, "files.inside") == FILE
    assert get("http://files.inside/", names, "10.0.0.0/8") == FILE
    assert refusal("http://files.inside/", names, "10.9.0.0/16", "other.inside").status == 422
    # Link-local addresses are never asked: clouds hand out credentials there.
    assert refusal("http://metadata.inside/", names, "metadata.inside", "169.254.0.0/16").status == 422


def test_limits_and_faults(internet):
    names = Names(a_example=[[PUBLIC]], dead_example=[["93.184.215.99"]])
    assert refusal("http://a.example/", names, max_bytes=len(FILE) - 1).status == 413
    assert refusal("http://a.example/endless", names).status == 413
    assert get("http://a.example/", names, max_bytes=len(FILE)) == FILE
    assert "answered 404" in str(refusal("http://a.example/missing", names))
    assert "compresses" in str(refusal("http://a.example/gzip", names))
    assert "can't be reached" in str(refusal("http://dead.example/", names))
    assert "not known" in str(refusal("http://unknown.example/", names))


def test_a_server_that_takes_its_time_is_left(internet):
    async def impatient() -> None:
        async with asyncio.timeout(0.2):
            await fetch("http://a.example/drip", max_bytes=1000, max_redirects=0, resolver=Names(a_example=[[PUBLIC]]))

    with pytest.raises(TimeoutError):
        asyncio.run(impatient())


@pytest.mark.parametrize("text", NOT_PUBLIC.split())
def test_addresses_that_are_not_public(text):
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["1.1.1.1", "8.8.8.8", PUBLIC, OTHER_PUBLIC, "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_that_are_public(text):
    assert is_public(ipaddress.ip_address(text))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_the_same_in_every_dress(address):
    value = int(address)
    mapped = ipaddress.IPv6Address((0xFFFF << 32) | value)
    nat64 = ipaddress.IPv6Address((0x64FF9B << 96) | value)
    sixtofour = ipaddress.IPv6Address((0x2002 << 112) | (value << 80))
    for dressed in (mapped, nat64, sixtofour):
        assert is_public(dressed) == is_public(address)
        assert is_allowed("a.example", dressed, ["a.example"]) == is_allowed("a.example", address, ["a.example"])


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_public(address):
    if is_public(address):
        assert address.is_global
        assert not address.is_private
