"""Fetching a picture from an `https://` address, without letting anybody reach into the network that we stand in.

The name is resolved here, every address it has must be public, and the connection goes to the very address that was
checked, so that a name can't answer once with a public and then with a private one. Redirects are checked the same way.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException, HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from arr_coc.pictures.errors import ImageError, complaint

MAX_BYTES = 50_000_000
TIMEOUT_S = 20.0
MAX_REDIRECTS = 5
CHUNK = 65_536
REDIRECTS = (301, 302, 303, 307, 308)
SAFE = "%/:@!$&'()*+,;=~?"
TRANSLATED = IPv6Network("64:ff9b::/96")
HEADERS = {"User-Agent": "arr-coc", "Accept": "image/*", "Accept-Encoding": "identity"}


class Reply(NamedTuple):
    """Of one request: status, where a redirect leads, and the body of a success."""

    status: int
    location: str | None
    body: bytes


class CheckedConnection(HTTPSConnection):
    """Connects to an address that was checked, and asks there for the host by its name."""

    def __init__(self, host: str, port: int, address: str, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout, context=ssl.create_default_context())
        self.address = address

    def connect(self) -> None:
        plain = socket.create_connection((self.address, self.port), self.timeout)
        context = ssl.create_default_context()
        self.sock = context.wrap_socket(plain, server_hostname=self.host, do_handshake_on_connect=False)
        self.sock.do_handshake()


def download(address: str, fetch: Callable[[str, float], Reply] | None = None) -> bytes:
    """The bytes at an `https://` address; at most 50 MB, within 20 seconds, over at most 5 redirects.

    Args:
        fetch: of (address, seconds left) to a `Reply`; for tests.
    Raises:
        ImageError: one line.
    """
    deadline, place = time.monotonic() + TIMEOUT_S, address
    for _ in range(MAX_REDIRECTS + 1):
        reply = (fetch or fetch_once)(place, deadline - time.monotonic())
        if reply.status == 200:
            return reply.body
        if reply.status not in REDIRECTS or not reply.location:
            raise complaint(place, f"the server answers {reply.status}", "check the address")
        place = urljoin(place, reply.location)
    raise complaint(address, f"more than {MAX_REDIRECTS} redirects", "give the address they end at")


def fetch_once(address: str, seconds_left: float) -> Reply:
    host, port, path = parts_of(address)
    seconds_left = max(seconds_left, 0.001)
    deadline = time.monotonic() + seconds_left
    connection = CheckedConnection(host, port, public_address(host, port, address), seconds_left)
    try:
        with cut_after(seconds_left, connection) as opened:
            connection.connect()
            opened.append(connection.sock)
            reply = read_reply(connection, path, address)
        if time.monotonic() >= deadline:  # a body that was cut looks like one that ended
            raise TimeoutError
        return reply
    except (OSError, HTTPException, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        if isinstance(error, TimeoutError) or time.monotonic() >= deadline:
            what = f"not there within {TIMEOUT_S:.0f} seconds"
            raise complaint(address, what, "save it to a file instead") from error
        raise complaint(address, f"can't be fetched ({type(error).__name__})", "check the address") from error
    finally:
        connection.close()


def read_reply(connection: HTTPSConnection, path: str, address: str) -> Reply:
    connection.request("GET", path, headers=HEADERS)
    answer = connection.getresponse()
    body = bytearray()
    while answer.status == 200 and (chunk := answer.read(CHUNK)):
        body += chunk
        if len(body) > MAX_BYTES:
            raise complaint(address, f"larger than {MAX_BYTES // 1_000_000} MB", "scale it down first")
    return Reply(answer.status, answer.getheader("Location"), bytes(body))


@contextmanager
def cut_after(seconds: float, connection: HTTPSConnection) -> Iterator[list[socket.socket]]:
    """Ends the connection then: a server that sends a byte now and then never lets a read of the socket time out.

    Yields a list for the opened socket, which the connection itself may let go of while its reply is read.
    """
    opened: list[socket.socket] = []

    def cut() -> None:
        with suppress(OSError, AttributeError):
            (opened[0] if opened else connection.sock).shutdown(socket.SHUT_RDWR)

    watch = threading.Timer(seconds, cut)
    watch.daemon = True
    watch.start()
    try:
        yield opened
    finally:
        watch.cancel()


def parts_of(address: str) -> tuple[str, int, str]:
    """Host, port and path with query.

    Raises:
        ImageError: no https, no host, a user name in it, or a port that is none.
    """
    try:
        parts = urlsplit(address)
        port = parts.port or 443
    except ValueError as error:
        raise complaint(address, "not an address", "check it") from error
    if parts.scheme.lower() != "https" or not parts.hostname:
        raise complaint(address, "only https addresses are fetched", "save it to a file and give its path")
    if parts.username is not None or any(ord(letter) <= 32 for letter in address):
        raise complaint(address, "an address with a user name or blanks", "save it to a file and give its path")
    path = quote(parts.path or "/", safe=SAFE)
    return parts.hostname, port, path + (f"?{quote(parts.query, safe=SAFE)}" if parts.query else "")


def public_address(host: str, port: int, address: str) -> str:
    """One numeric address of a host, all of whose addresses are public.

    Raises:
        ImageError: unknown host, or one that points into a private network.
    """
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise complaint(address, "its host is not known", "check the address") from error
    if not found or not all(is_public(each) for each in found):
        raise complaint(address, "its host is in a private network", "save it to a file and give its path")
    return found[0]


def is_public(numeric: str) -> bool:
    """Whether all can reach an IP address, and also the older one that an IPv6 address may carry within."""
    address = ip_address(numeric.split("%")[0])
    inner = carried(address) if isinstance(address, IPv6Address) else []
    return address.is_global and not address.is_multicast and all(each.is_global for each in inner)


def carried(address: IPv6Address) -> list[IPv4Address]:
    translated = IPv4Address(int(address) & 0xFFFFFFFF) if address in TRANSLATED else None
    inner = (address.ipv4_mapped, address.sixtofour, translated, *(address.teredo or ()))
    return [each for each in inner if each is not None]
