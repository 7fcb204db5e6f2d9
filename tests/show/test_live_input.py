"""What is listened to: the track or the live input, and what is said of either."""

import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.audio import open_source
from engine.instrument.instrument import HOP, RATE_HZ, Instrument, find_patch
from engine.show.analysis_thread import AnalysisThread
from engine.show.live_input import LiveInput
from engine.show.perform import open_model


def test_a_track_that_is_lost_and_comes_back_is_told_once_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.audio.file.RETRY_S", 0.2)
    path, kept = tmp_path / "song.wav", tmp_path / "kept.wav"
    soundfile.write(path, np.full((RATE_HZ // 2, 2), 0.5, np.float32), RATE_HZ)
    track = open_source(str(path), rate_hz=RATE_HZ, hop=HOP, loop=True)
    analysis = AnalysisThread(Instrument(find_patch("first-light"), open_model("light", "auto").info), track, lambda tick: None)
    said: list[str] = []
    listened = LiveInput(analysis, None, said.append, lambda on: None)
    analysis.start()
    try:
        poll_for(listened, 1.0)
        assert said == []
        path.rename(kept)
        poll_for(listened, 4.0)
        assert len(said) == 1
        assert said[0].startswith("expected sound from song.wav; got No such file")
        kept.rename(path)
        poll_for(listened, 3.0)
        assert said[1:] == ["song.wav is heard again"]
        assert not analysis.ended
        assert analysis.faults == 0
    finally:
        analysis.close()
        listened.close()


def poll_for(listened: LiveInput, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        listened.poll()
        time.sleep(0.02)
