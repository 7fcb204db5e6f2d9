"""The picture for browsers on this machine or network: Motion JPEG over HTTP, as a page, a stream and a single picture."""

import io
import ipaddress
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, Self

import numpy as np
from PIL import Image

from engine.core.registry import register
from engine.core.types import ByteArray
from engine.outputs.sink import Sink

LOOPBACK, PORT = "127.0.0.1", 8090
QUALITY = 85
MOST_CLIENTS = 16  # connections at a time
SEND_S = 10.0  # a client that takes nothing for so long is let go
ASK_S = 5.0  # for a request to arrive, and for a picture to answer it with
BOUNDARY = "clavilux-picture"

# After a crash the show comes back under another tag: then the page begins again.
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Clavilux</title>
<style>html, body, img { margin: 0; width: 100%; height: 100%; background: #000; object-fit: contain; display: block }</style>
<img src="/stream.mjpg" alt="The picture of the show">
<script>
setInterval(async () => {
  try {
    const answer = await fetch("/", { method: "HEAD", cache: "no-store" })
    if (answer.headers.get("ETag") !== '"TAG"') location.reload()
  } catch {}
}, 1000)
</script>
</html>
"""
POLICY = "default-src 'none'; img-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


@register("sink", "mjpeg")
class MjpegSink(Sink):
    """Serves `/`, a page that fills its window with the picture, `/stream.mjpg`, and `/frame.jpg`, the newest picture.

    Pictures are encoded while anybody looks. Each client is sent the newest when it has taken the one before: a slow one sees
    fewer, and holds up nobody. Beyond this machine only if a host is written out, and to no web page from elsewhere.
    """

    example = "8090"
    pictures_waiting = 1
    keeps_newest = True

    def __init__(self, host: str = LOOPBACK, port: int = PORT) -> None:
        super().__init__(f"mjpeg:{_place(host, port)}")
        self.host, self.port = host, port  # port 0: any that is free; the one it is, once it is open
        self.tag = secrets.token_hex(8)
        self._newest = Newest()

    @classmethod
    def from_target(cls, target: str) -> Self:
        host, _, port = target.rpartition(":")
        if not target:
            return cls()
        if not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise ValueError(f"expected mjpeg:PORT or mjpeg:HOST:PORT such as mjpeg:8090; got mjpeg:{target}")
        return cls(host.removeprefix("[").removesuffix("]") or LOOPBACK, int(port))

    @property
    def viewers(self) -> int:
        """Clients that wait for pictures now."""
        return self._newest.viewers

    def announcement(self) -> str:
        if self.host in ("0.0.0.0", "::"):
            return f"the picture is at http://{_place(LOOPBACK, self.port)}/ and at this machine's other addresses"
        return f"the picture is at http://{_place(self.host, self.port)}/"

    def acquire(self) -> None:
        try:
            family, _, _, _, address = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0]
            self._server = _Server(self, family, address)
        except OSError as error:
            place = _place(self.host, self.port)
            raise OSError(f"expected {place} free for HTTP; got {error.strerror or error} from --output {self.title}") from None
        self.port = int(self._server.server_address[1])
        self.title = f"mjpeg:{_place(self.host, self.port)}"
        serve = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="mjpeg server", daemon=True)
        serve.start()

    def wants_pictures(self) -> bool:
        return self._newest.viewers > 0

    def write_picture(self, rgba: ByteArray, t_s: float) -> None:
        height, width = rgba.shape[:2]
        pixels = np.ascontiguousarray(rgba)
        jpeg = io.BytesIO()
        Image.frombuffer("RGBX", (width, height), pixels, "raw", "RGBX", 0, 1).save(jpeg, "JPEG", quality=QUALITY)
        self._newest.put(jpeg.getvalue())

    def release(self) -> None:
        self._newest.end()
        self._server.shutdown()
        self._server.server_close()

    def view(self) -> AbstractContextManager[Callable[[float | None], bytes | None]]:
        """For one client: gives the newest picture that it has not seen, waiting so long at most; None then, and at the end."""
        return self._newest.view()

    def is_ours(self, named: str) -> bool:
        """Whether a request's Host header names this machine as no other web page can have it named.

        A page whose own name is made to point here would be let in by its browser: so an address it must be, or a name of ours.
        """
        host = named.rpartition(":")[0] if named.rpartition(":")[2].isdigit() else named
        host = host.removeprefix("[").removesuffix("]").rstrip(".").lower()
        own = socket.gethostname().lower()
        if host in ("localhost", self.host.lower(), own, f"{own}.local"):
            return True
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return False
        return True


class Newest:
    """The newest picture, for any number of clients, each at its own speed."""

    def __init__(self) -> None:
        self.viewers = 0  # who wait for pictures
        self._jpeg, self._number = b"", 0
        self._change = threading.Condition()
        self._over = False

    def put(self, jpeg: bytes) -> None:
        """A newer one."""
        with self._change:
            self._jpeg = jpeg
            self._number += 1
            self._change.notify_all()

    def end(self) -> None:
        """No more will come."""
        with self._change:
            self._over = True
            self._change.notify_all()

    @contextmanager
    def view(self) -> Iterator[Callable[[float | None], bytes | None]]:
        """See `MjpegSink.view`."""
        with self._change:
            self.viewers += 1
            seen = self._number

        def newer(limit_s: float | None) -> bytes | None:
            nonlocal seen
            with self._change:
                self._change.wait_for(lambda: self._number != seen or self._over, limit_s)
                if self._number == seen or self._over:
                    return None
                seen = self._number
                return self._jpeg

        try:
            yield newer
        finally:
            with self._change:
                self.viewers -= 1


class _Server(ThreadingMixIn, TCPServer):
    """A thread a client, so many and no more."""

    daemon_threads = True
    request_queue_size = 2 * MOST_CLIENTS  # whoever finds it full tries again a second later
    allow_reuse_address = sys.platform != "win32"  # there it would let two listen at one port

    def __init__(self, sink: MjpegSink, family: int, address: Any) -> None:
        self.sink = sink
        self.address_family = family
        self._places = threading.BoundedSemaphore(MOST_CLIENTS)
        super().__init__(address, _Client)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients go away in the middle of a picture, and nobody needs to know."""


class _Client(BaseHTTPRequestHandler):
    """One request a connection."""

    server: _Server
    server_version, sys_version = "Clavilux", ""
    timeout = ASK_S

    def handle_one_request(self) -> None:
        # `timeout` is that of one read: a client that sends a little now and then would keep its place for ever.
        self._late = threading.Timer(ASK_S, self._hang_up)
        self._late.daemon = True
        self._late.start()
        try:
            super().handle_one_request()
        finally:
            self._late.cancel()

    def parse_request(self) -> bool:
        """Read the head, all of it in ASK_S."""
        whole = super().parse_request()
        self._late.cancel()
        return whole

    def _hang_up(self) -> None:
        with suppress(OSError):  # it has gone by itself
            self.connection.shutdown(socket.SHUT_RDWR)

    def do_GET(self) -> None:
        sink, path = self.server.sink, self.path.partition("?")[0]
        if not sink.is_ours(self.headers.get("Host", "")):
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "expected this machine's address in Host")
        elif path == "/":
            self._answer("text/html; charset=utf-8", PAGE.replace("TAG", sink.tag).encode())
        elif path == "/stream.mjpg":
            self._stream()
        elif path == "/frame.jpg":
            with sink.view() as newer:
                jpeg = newer(ASK_S)
            if jpeg is None:
                self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, "expected a picture; got none in time")
            else:
                self._answer("image/jpeg", jpeg)
        else:
            self.send_error(HTTPStatus.NOT_FOUND, "expected /, /stream.mjpg or /frame.jpg")

    def do_HEAD(self) -> None:
        if self.path == "/":
            self.do_GET()
        else:
            self.send_error(HTTPStatus.METHOD_NOT_ALLOWED, "expected GET")

    def _stream(self) -> None:
        self._head(f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        self.wfile.write(f"--{BOUNDARY}\r\n".encode())
        self.connection.settimeout(SEND_S)
        with self.server.sink.view() as newer:
            while (jpeg := newer(None)) is not None:
                head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\nX-Timestamp: {time.time():.3f}\r\n\r\n"
                # The next part's boundary at once: browsers show a picture when they see where it ends.
                self.wfile.write(head.encode() + jpeg + f"\r\n--{BOUNDARY}\r\n".encode())

    def _answer(self, kind: str, body: bytes) -> None:
        self._head(kind, len(body))
        if self.command == "GET":
            self.wfile.write(body)

    def _head(self, kind: str, length: int | None = None) -> None:
        self.send_response(HTTPStatus.OK)
        headers = {"Content-Type": kind, "Cache-Control": "no-store", "ETag": f'"{self.server.sink.tag}"'}
        headers |= {"Cross-Origin-Resource-Policy": "same-origin", "X-Content-Type-Options": "nosniff"}
        headers |= {"Content-Security-Policy": POLICY}
        if length is not None:
            headers["Content-Length"] = str(length)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the terminal is the performer's."""


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
