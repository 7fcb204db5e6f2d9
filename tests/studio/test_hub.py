"""Checkpoints from a hub, by way of huggingface_hub, against a server of our own on this machine."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import forged
import pytest
import torch

from engine.runtime.card import load_card
from engine.studio.checkpoint.bounded_reader import CheckpointError
from engine.studio.checkpoint.detection import open_checkpoint

pytest.importorskip("huggingface_hub")
torch.set_num_threads(1)
ROOT = Path(__file__).parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Serves files by REPO/resolve/REVISION/FILE, and remembers what was asked for."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.files, self.asked = files, list[str]()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answer(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        repository, _, rest = self.path.lstrip("/").partition("/resolve/")
        data = self.server.files.get(f"{repository}:{rest.partition('/')[2]}")
        self.server.asked.append(f"{self.command} {self.path}")
        if data is None:
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, *arguments: object) -> None: ...


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    config = {"output_dim": 128}
    files = {
        "someone/faces:network.pkl": forged.nvidia_pickle(forged.network()),
        "someone/biggan:config.json": json.dumps(config).encode(),
        "someone/biggan:pytorch_model.bin": forged.rosinality(forged.network()),
    }
    server = Hub(files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def fetch(hub_address: str, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HF_ENDPOINT": hub_address, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1"}
    environment |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    command = [sys.executable, "-m", "engine.cli", "import", "--from-hub", *arguments, "--no-sheet"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment, cwd=ROOT)


def test_a_file_of_a_repository_becomes_a_model(hub: Hub, tmp_path: Path) -> None:
    done = fetch(hub.address, tmp_path / "home", "someone/faces:network.pkl", "-o", str(tmp_path / "faces"))
    assert done.returncode == 0, done.stderr
    assert load_card(tmp_path / "faces").architecture == "stylegan2"
    assert 'file = "someone/faces:network.pkl"' in (tmp_path / "faces" / "model.toml").read_text()
    assert (
        f"GET /someone/faces/resolve/{COMMIT}/network.pkl" in hub.asked
        or "GET /someone/faces/resolve/main/network.pkl" in hub.asked
    )


def test_what_a_hub_does_not_have_is_told_in_one_line(hub: Hub, tmp_path: Path) -> None:
    done = fetch(hub.address, tmp_path / "home", "someone/faces:other.pkl", "-o", str(tmp_path / "faces"))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert "expected other.pkl in someone/faces; got none" in done.stderr
    assert not (tmp_path / "faces").exists()


def test_a_repository_without_a_file_named_is_taken_as_a_folder(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.studio.checkpoint.hub import download

    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    folder = download("someone/biggan")
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "pytorch_model.bin"]
    with pytest.raises(CheckpointError, match=r"expected tensors by name in .*pytorch_model\.bin"), open_checkpoint(folder):
        pass


def test_a_hub_out_of_reach_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.studio.checkpoint.hub import download

    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between attempts
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(CheckpointError, match=r"expected someone/faces:network\.pkl from http://127\.0\.0\.1:9; got "):
        download("someone/faces:network.pkl")
