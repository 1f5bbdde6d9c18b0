"""Pictures of the web: public machines only, bounded in time and size, nothing fetched where nobody asked for it."""

from __future__ import annotations

import threading
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import QUESTION

from arr_coc.pictures import addresses
from arr_coc.pictures.addresses import Reply, download, is_public, parts_of, public_address
from arr_coc.pictures.errors import ImageError
from arr_coc.processor.plain_inputs import question_messages

NO_ADDRESSES = ["http://a.org/x", "https://", "https://u:p@a.org/", "https://a.org:x/", "https://a b/"]


def test_pages_and_evaluation_download_nothing(tiny_processor):
    address = "https://127.0.0.1/a.png"
    with pytest.raises(ImageError, match="private network"):
        tiny_processor.apply_chat_template(question_messages(address, QUESTION))
    tiny_processor.downloads = False
    with pytest.raises(ImageError, match="not downloaded here"):
        tiny_processor.apply_chat_template(question_messages(address, QUESTION))


def plain_connection(host, port, number, timeout):
    return HTTPConnection(number, port, timeout=timeout)


@pytest.mark.parametrize("page", ["slow", "large", "picture"])
def test_a_download_ends_in_time_and_size(page, monkeypatch):
    """A server on this machine, plain: what is bounded does not depend on TLS."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            for _ in range(1000 if page == "slow" else 1):
                self.wfile.write(b"x" * (5000 if page == "large" else 1))
                if page == "slow" and ended.wait(0.02):
                    return

        def log_message(self, *_):
            pass

    ended = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    monkeypatch.setattr(addresses, "is_public", lambda _: True)
    monkeypatch.setattr(addresses, "TIMEOUT_S", 0.3)
    monkeypatch.setattr(addresses, "MAX_BYTES", 4000)
    monkeypatch.setattr(addresses, "CheckedConnection", plain_connection)
    address = f"https://localhost:{server.server_port}/a.png"
    try:
        if page == "picture":
            assert download(address) == b"x"
        else:
            with pytest.raises(ImageError, match="not there within" if page == "slow" else "larger than"):
                download(address)
    finally:
        ended.set()
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    "numeric",
    [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:10.0.0.1",
        "100.64.0.1",
        "224.0.0.1",
        "2002:7f00:0001::",
    ],
)
def test_private_addresses_are_refused(numeric, monkeypatch):
    assert not is_public(numeric)
    entries = [(0, 0, 0, "", ("93.184.216.34", 443)), (0, 0, 0, "", (numeric, 443))]
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *args, **kwargs: entries)
    with pytest.raises(ImageError, match="private network"):
        public_address("example.org", 443, "https://example.org")


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch):
    seen = []
    entries = [(0, 0, 0, "", ("93.184.216.34", 443))]
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *args, **kwargs: entries)

    def connect(place, timeout):
        seen.append(place)
        raise OSError

    monkeypatch.setattr(addresses.socket, "create_connection", connect)
    with pytest.raises(ImageError, match="can't be fetched"):
        download("https://example.org/a.png")
    assert seen == [("93.184.216.34", 443)]


def test_redirects_are_followed_and_checked():
    pages = {
        "https://a.org/1": Reply(302, "/2", b""),
        "https://a.org/2": Reply(301, "https://b.org/3", b""),
        "https://b.org/3": Reply(200, None, b"picture"),
        "https://a.org/loop": Reply(302, "/loop", b""),
        "https://a.org/gone": Reply(404, None, b""),
    }
    asked = []

    def fetch(address, seconds_left):
        asked.append(address)
        return pages[address]

    assert download("https://a.org/1", fetch) == b"picture" and asked[-1] == "https://b.org/3"
    with pytest.raises(ImageError, match="more than 5 redirects"):
        download("https://a.org/loop", fetch)
    with pytest.raises(ImageError, match="the server answers 404"):
        download("https://a.org/gone", fetch)


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_addresses_that_are_not_fetched(address):
    with pytest.raises(ImageError):
        parts_of(address)
