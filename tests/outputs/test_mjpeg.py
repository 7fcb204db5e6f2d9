"""The picture in browsers: over real connections, and in Chromium."""

import http.client
import io
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.core.types import ByteArray
from engine.outputs.mjpeg import BOUNDARY, MOST_CLIENTS, MjpegSink

SIZE = (640, 360)
COLOURS = np.array([(220, 40, 40), (40, 200, 60), (50, 60, 220), (230, 210, 60)], np.uint8)  # of the quarters, row by row
REACH_S = 60.0


def quarters() -> ByteArray:
    picture = np.full((SIZE[1], SIZE[0], 4), 255, np.uint8)
    picture[..., :3] = np.kron(COLOURS.reshape(2, 2, 3), np.ones((SIZE[1] // 2, SIZE[0] // 2, 1), np.uint8))
    return picture


def middles(picture: ByteArray) -> ByteArray:
    """Mean colours of the quarters' middles."""
    height, width = picture.shape[0] // 2, picture.shape[1] // 2
    found = [
        picture[row * height + height // 4 : row * height + 3 * height // 4, left : left + width // 2, :3].mean((0, 1))
        for row in range(2)
        for left in (width // 4, width + width // 4)
    ]
    return np.array(found)


class Fed:
    """A sink that is fed with one picture, 30 times a second."""

    def __init__(self, port: int = 0, picture: ByteArray | None = None) -> None:
        self.sink = MjpegSink(port=port)
        self.sink.open(SIZE, 30.0, 48000, paced=True)
        self._picture = quarters() if picture is None else picture
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._feed)
        self._thread.start()

    def _feed(self) -> None:
        number = 0
        while not self._ending.wait(1 / 30):
            self.sink.picture(self._picture, number / 30)
            number += 1

    def get(self, path: str, **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.sink.port, timeout=REACH_S)
        connection.request("GET", path, headers=headers)
        return connection.getresponse()

    def close(self) -> None:
        self._ending.set()
        self._thread.join()
        self.sink.close()


@pytest.fixture
def fed() -> Iterator[Fed]:
    made = Fed()
    yield made
    made.close()


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + REACH_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def part(stream: http.client.HTTPResponse) -> bytes:
    """The next picture of a stream, as the multipart format has it."""
    head = {}
    while line := stream.readline().strip():
        name, _, value = line.partition(b": ")
        head[name] = value
    assert head[b"Content-Type"] == b"image/jpeg"
    jpeg = stream.read(int(head[b"Content-Length"]))
    assert stream.readline() == b"\r\n"
    assert stream.readline() == f"--{BOUNDARY}\r\n".encode()
    return jpeg


def test_a_stream_is_pictures_as_they_come(fed: Fed) -> None:
    stream = fed.get("/stream.mjpg")
    assert stream.headers["Content-Type"] == f"multipart/x-mixed-replace; boundary={BOUNDARY}"
    assert stream.readline() == f"--{BOUNDARY}\r\n".encode()
    for _ in range(5):
        seen = np.asarray(Image.open(io.BytesIO(part(stream))))
        assert seen.shape == (SIZE[1], SIZE[0], 3)
        assert np.abs(middles(seen) - COLOURS).max() < 4
    stream.close()
    until(lambda: fed.sink.viewers == 0)


def test_pictures_are_made_while_anybody_looks_and_only_then(fed: Fed) -> None:
    time.sleep(0.3)
    assert not fed.sink.wants_pictures()
    assert fed.sink.status().pictures == 0
    frame = fed.get("/frame.jpg")
    assert frame.headers["Content-Type"] == "image/jpeg"
    assert np.abs(middles(np.asarray(Image.open(frame))) - COLOURS).max() < 4
    until(lambda: not fed.sink.wants_pictures())
    made = fed.sink.status().pictures
    time.sleep(0.3)
    assert fed.sink.status().pictures <= made + 1  # one was on its way


def test_pictures_that_are_upside_down_in_memory_are_not_so_to_see() -> None:
    fed = Fed(picture=np.ascontiguousarray(quarters()[::-1])[::-1])
    try:
        assert np.abs(middles(np.asarray(Image.open(fed.get("/frame.jpg")))) - COLOURS).max() < 4
    finally:
        fed.close()


def test_a_client_that_takes_nothing_holds_up_nobody(fed: Fed) -> None:
    noise = np.random.default_rng(3).integers(0, 255, (SIZE[1], SIZE[0], 4), np.uint8)
    fed._picture = noise  # large, so that the connection's buffers are soon full
    stuck = socket.create_connection(("127.0.0.1", fed.sink.port))
    stuck.sendall(b"GET /stream.mjpg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    until(lambda: fed.sink.viewers == 1)
    stream = fed.get("/stream.mjpg")
    stream.readline()
    began, taken = time.monotonic(), 0
    while time.monotonic() - began < 4.0:
        part(stream)
        taken += 1
    assert taken > 20
    stream.close()
    stuck.close()
    began = time.monotonic()
    fed.sink.close()
    assert time.monotonic() - began < 5.0


def test_no_more_clients_than_there_is_room_for(fed: Fed) -> None:
    waiting = [socket.create_connection(("127.0.0.1", fed.sink.port)) for _ in range(MOST_CLIENTS)]
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        fed.get("/")
    for client in waiting:
        client.close()

    def answered() -> bool:
        try:
            return fed.get("/").status == 200
        except (ConnectionError, http.client.HTTPException):
            return False

    until(answered)


def test_clients_that_send_their_request_drop_by_drop_lose_their_places(fed: Fed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.outputs.mjpeg.ASK_S", 1.0)
    slow = [socket.create_connection(("127.0.0.1", fed.sink.port)) for _ in range(MOST_CLIENTS)]
    for client in slow:
        client.sendall(b"GET / HTTP/1.1\r\n")

    def all_are_let_go() -> bool:
        gone = 0
        for client in slow:
            try:
                client.sendall(b"X-More: 1\r\n")
            except OSError:
                gone += 1
        time.sleep(0.2)
        return gone == MOST_CLIENTS

    until(all_are_let_go)
    until(lambda: fed.sink._server._places._value == MOST_CLIENTS)
    assert fed.get("/").status == 200
    stream = fed.get("/stream.mjpg")  # whoever has asked is not hurried
    stream.readline()
    began = time.monotonic()
    while time.monotonic() - began < 2.0:
        part(stream)
    stream.close()
    for client in slow:
        client.close()


def test_a_web_page_from_elsewhere_is_not_let_in(fed: Fed) -> None:
    for host in ("evil.example", "evil.example:8090", "127.0.0.1.evil.example", ""):
        for path in ("/", "/stream.mjpg", "/frame.jpg"):
            assert fed.get(path, Host=host).status == 421
    port = fed.sink.port
    for host in (f"127.0.0.1:{port}", "localhost", f"LOCALHOST:{port}", f"[::1]:{port}", "192.168.1.7:80", socket.gethostname()):
        answer = fed.get("/", Host=host)
        assert answer.status == 200
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert not any(name.lower().startswith("access-control") for name in answer.headers)
    assert fed.get("/etc/passwd").status == 404
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", data=b"x")
    with pytest.raises(urllib.error.HTTPError, match="501"):
        urllib.request.urlopen(request, timeout=REACH_S)


def test_it_listens_on_this_machine_alone_unless_a_host_is_written_out() -> None:
    fed = Fed()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
            route.connect(("192.0.2.1", 9))  # sends nothing; tells which of our addresses would
            ours = route.getsockname()[0]
    except OSError:
        pytest.skip("this machine has no other address than the loopback")
    try:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((ours, fed.sink.port), timeout=REACH_S)
    finally:
        fed.close()


def test_a_port_that_is_taken_is_told_at_once(fed: Fed) -> None:
    port = fed.sink.port
    other = MjpegSink(port=port)
    message = f"expected 127.0.0.1:{port} free for HTTP; got Address already in use from --output mjpeg:127.0.0.1:{port}"
    with pytest.raises(OSError, match=message):
        other.open(SIZE, 30.0, 48000, paced=True)
    fed.close()
    other.open(SIZE, 30.0, 48000, paced=True)  # free again, it can be had
    other.close()


# --- Chromium ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def chromium(tmp_path: Path) -> list[str]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert found, "expected Chromium; `make test` installs it"
    usual = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=800,450")
    return [found, *usual, f"--user-data-dir={tmp_path / 'profile'}"]


def test_chromium_shows_the_picture_over_its_whole_window(fed: Fed, chromium: list[str], tmp_path: Path) -> None:
    shot = tmp_path / "shot.png"
    page = [*chromium, "--timeout=5000", f"--screenshot={shot}", f"http://127.0.0.1:{fed.sink.port}/"]
    subprocess.run(page, check=True, capture_output=True, timeout=REACH_S)
    seen = np.asarray(Image.open(shot).convert("RGB"))
    assert seen.shape == (450, 800, 3)
    assert np.abs(middles(seen) - COLOURS).max() < 6
    for corner, colour in zip((seen[3, 3], seen[3, -3], seen[-3, 3], seen[-3, -3]), COLOURS, strict=True):
        assert np.abs(corner.astype(int) - colour).max() < 6


def test_a_page_goes_on_by_itself_when_the_show_is_back_after_a_crash(chromium: list[str], tmp_path: Path) -> None:
    first = Fed()
    port = first.sink.port
    page = [*chromium, "--remote-debugging-port=0", f"http://127.0.0.1:{port}/"]
    browser = subprocess.Popen(page, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        try:
            until(lambda: first.sink.viewers == 1 and first.sink.status().pictures > 5)
        finally:
            first.close()
        second = Fed(port)
        try:
            until(lambda: second.sink.viewers == 1 and second.sink.status().pictures > 5)
        finally:
            second.close()
    finally:
        browser.send_signal(signal.SIGTERM)
        browser.wait(REACH_S)


def test_where_the_picture_is_says_the_truth_of_one_address_and_of_all() -> None:
    assert MjpegSink("127.0.0.1", 81).announcement() == "the picture is at http://127.0.0.1:81/"
    assert "this machine's other addresses" in MjpegSink("0.0.0.0", 81).announcement()
