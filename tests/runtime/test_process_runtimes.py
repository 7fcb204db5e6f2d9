"""Which runtime draws: the best that works here, another while it is made, none where the model cannot be drawn."""

import shutil
import time

import pytest
from ticks import LIVENESS, draw, latent, make_tick, wait_until

from engine.runtime.compile.compiled_model import entry
from engine.runtime.nvidia import cards
from engine.runtime.worker.process import GeneratorProcess


def test_a_model_that_cannot_be_drawn_fails_with_its_reason(card, tmp_path):
    shutil.copytree(card.folder, tmp_path / "m")
    text = (tmp_path / "m" / "model.toml").read_text()
    (tmp_path / "m" / "model.toml").write_text(text.replace('architecture = "light"', 'architecture = "shadow"'))
    with GeneratorProcess(tmp_path / "m", "torch") as process:
        wait_until(lambda: process.status().state == "failed", 60)
        message = process.status().message
        assert "expected a architecture" in message or "expected an architecture" in message
        assert "'shadow'" in message
        process.send(make_tick(card, 1))
        with pytest.raises(RuntimeError, match="shadow"):
            process.wait_for(1, 5)


def test_a_runtime_that_was_asked_for_and_cannot_play_is_an_error_that_says_why(model):
    if cards():
        pytest.skip("there is an NVIDIA card")
    for runtime in ("cuda", "cuda-compiled", "tensorrt", "tensorrt-rtx"):
        with pytest.raises(ValueError, match=f"expected a runtime that works here; got {runtime}: no NVIDIA card answers"):
            GeneratorProcess(model, runtime)


def test_what_cannot_be_compiled_leaves_the_next_runtime_playing_and_is_told(model, card, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with GeneratorProcess(model) as process:
        process.send(make_tick(card, 1))
        frame = process.wait_for(1, 60)
        assert frame.rgba.std() > 1
        wait_until(lambda: "NotADirectoryError" in process.status().message, 60)
        assert process.info.runtime == "torch"
        assert "openvino: could not be compiled" in process.status().why


def test_where_the_best_runtime_cannot_start_the_next_one_draws(model, card, openvino, tmp_path, monkeypatch):
    (tmp_path / "openvino.py").write_text("raise RuntimeError('this library is broken')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with GeneratorProcess(model) as process:
        assert process.status().runtime == "openvino"
        process.send(make_tick(card, 1))
        assert process.wait_for(1, 120).rgba.std() > 1
        assert process.info.runtime == "torch"
        assert "this library is broken; torch runs instead" in process.status().message


def test_a_better_runtime_is_compiled_beside_the_one_that_plays_and_takes_over(model, openvino, card, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with GeneratorProcess(model) as process:
        assert process.status().runtime == "torch"
        number, runtimes, last = 0, [], 0.0
        began, longest_s = time.monotonic(), 0.0
        while (not runtimes or runtimes[-1] != "openvino") and time.monotonic() < began + 200:
            number += 1
            process.send(make_tick(card, number))
            if process.poll() is not None:
                now, status = time.monotonic(), process.status()
                longest_s, last = max(longest_s, now - (last or now)), now
                runtimes += [status.runtime] if status.runtime not in runtimes else []
            time.sleep(0.01)
        assert runtimes == ["torch", "openvino"]
        print(f"{len(runtimes)} runtimes; the longest gap between two frames was {longest_s:.2f} s")
        assert longest_s < 0.5 * LIVENESS
        assert process.status().restarts == 0
        assert "has taken over" in process.status().message
        process.send(make_tick(card, 7))
        assert (process.wait_for(7, 20).rgba == draw(openvino, latent(card, 7))).all()


def test_what_is_damaged_is_not_played_but_made_again_beside_what_does(model, openvino, card, tmp_path, monkeypatch):
    whole = entry(card, "openvino").folder
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = entry(card, "openvino").folder
    shutil.copytree(whole, folder)
    weights = bytearray((folder / "0.bin").read_bytes())
    weights[-1] ^= 1
    (folder / "0.bin").write_bytes(weights)
    with GeneratorProcess(model) as process:
        assert process.status().runtime == "torch"
        process.send(make_tick(card, 1))
        process.wait_for(1, 60)
        wait_until(lambda: process.status().runtime == "openvino", 200)
        entry(card, "openvino").check()
