import time

import numpy as np
import pytest
from listening import check_sane, listen, music_like, times

from engine.features.analysis.analyser import Analysis

HOP = 256


def same(one, other):
    return (
        one.values == other.values
        and one.events == other.events
        and one.tick == other.tick
        and all(np.array_equal(vector, other.vectors[key]) for key, vector in one.vectors.items())
    )


BAD = {
    "nan": lambda hop: np.full_like(hop, np.nan),
    "one nan": lambda hop: np.where(np.arange(hop.size) == 7, np.float32(np.nan), hop),
    "inf": lambda hop: np.where(np.arange(hop.size) % 9 == 0, np.float32(np.inf), hop),
    "minus inf": lambda hop: np.full_like(hop, -np.inf),
    "dc": lambda hop: hop + np.float32(1.0),
    "huge": lambda hop: hop * np.float32(1e30),
    "largest": lambda hop: np.full_like(hop, np.finfo(np.float32).max),
    "denormal": lambda hop: np.full_like(hop, 1e-42),
    "tiny": lambda hop: hop * np.float32(1e-20),
    "square": lambda hop: np.sign(hop),
}


@pytest.fixture(scope="module")
def clean():
    return listen(music_like(5.0))[-1]


@pytest.mark.parametrize("kind", BAD)
def test_bad_samples_leave_frames_finite_and_pass_without_trace(kind, clean):
    sound = music_like(5.0)
    analysis = Analysis()
    for number in range(len(sound) // HOP):
        hop = sound[number * HOP : (number + 1) * HOP]
        bad = 300 <= number < 320
        check_sane(analysis.step({"main": BAD[kind](hop) if bad else hop}, 0.0))
    last = analysis.step({"main": sound[-HOP:]}, 0.0)
    assert abs(last.values["loudness_db"] - clean.values["loudness_db"]) < 6.0
    assert last.values["pitch_hz"] == pytest.approx(196.0, rel=0.02)
    assert last.vectors["chroma"].argmax() == 7
    assert min(abs(last.values["tempo_bpm"] / bpm - 1.0) for bpm in (60, 120, 240)) < 0.02


def test_constant_dc_is_not_sound():
    frames = listen(np.full(48000 * 2, 0.7, np.float32))
    assert frames[-1].values["silence"] == 1.0
    assert len(times(frames, "onset")) <= 1


def test_a_hop_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"expected a hop of shape \(256,\); got \(128,\)"):
        Analysis().step({"main": np.zeros(128, np.float32)}, 0.0)


def test_streamed_equals_fed_equals_fed_again():
    sound = music_like(6.0)
    whole = listen(sound)
    streamed = Analysis()
    ring = np.zeros(HOP, np.float32)  # one buffer used over and over, as a device does
    for number, frame in enumerate(whole):
        ring[:] = sound[number * HOP : (number + 1) * HOP]
        again = streamed.step({"main": ring}, time.monotonic())
        assert same(frame, again)
        ring[:] = np.nan
    streamed.reset()
    assert all(same(frame, again) for frame, again in zip(whole, listen(sound, analysis=streamed), strict=True))


def test_frames_already_given_do_not_change():
    frames = listen(music_like(1.0))
    kept = {key: vector.copy() for key, vector in frames[50].vectors.items()}
    assert all(np.array_equal(frames[50].vectors[key], vector) for key, vector in kept.items())
    assert not np.array_equal(frames[50].vectors["mel"], frames[-1].vectors["mel"])


@pytest.mark.parametrize(("rate_hz", "hop"), [(48000, 512), (44100, 256), (44100, 512), (96000, 512)])
def test_other_rates_and_hops(rate_hz, hop):
    time_s = np.arange(rate_hz * 4) / rate_hz
    sound = (0.2 * np.sin(2 * np.pi * 440 * time_s)).astype(np.float32)
    frames = listen(sound, hop, rate_hz)
    for frame in frames:
        check_sane(frame)
    assert frames[-1].vectors["chroma"].argmax() == 9
    assert frames[-1].values["pitch_hz"] == pytest.approx(440.0, rel=0.01)
    assert frames[-1].time_s == pytest.approx(len(frames) * hop / rate_hz)


def test_named_inputs_have_their_own_features():
    analysis = Analysis(inputs=("main", "synth"))
    quiet, loud = np.zeros(HOP, np.float32), music_like(2.0)
    for number in range(len(loud) // HOP):
        frame = analysis.step({"main": quiet, "synth": loud[number * HOP : (number + 1) * HOP]}, 0.0)
        check_sane(frame)
    assert frame.values["silence"] == 1.0
    assert frame.values["synth/silence"] == 0.0
    assert frame.values["synth/level"] > 0.5 > frame.values["level"]
    assert "synth/tempo_bpm" not in frame.values
    assert frame.vectors["synth/chroma"].shape == (12,)
    assert {"onset/threshold", "synth/onset/threshold", "tempo/centre_bpm"} <= set(analysis.leaves)
    assert "synth/tempo/centre_bpm" not in analysis.leaves


def test_gate_and_gain_freeze_in_silence_and_the_next_hit_is_answered_at_once():
    rng = np.random.default_rng(2)
    sound = np.concatenate([music_like(6.0, level=0.02), np.zeros(10 * 48000, np.float32), music_like(1.0, level=0.02)])
    sound += (1e-5 * rng.standard_normal(sound.size)).astype(np.float32)
    frames = listen(sound)
    before, inside, end = (frames[int(second * 187.5)].values for second in (5.9, 7.5, 15.9))
    assert before["gain_db"] > 6.0
    assert inside["silence"] == end["silence"] == 1.0
    assert inside["gain_db"] == end["gain_db"] == pytest.approx(before["gain_db"], abs=2.0)
    assert inside["level"] == inside["onset"] == 0.0
    first = 16 * 48000 // HOP
    assert any(frame.values["onset"] > 0.2 for frame in frames[first : first + 2])
    assert all(frame.values["silence"] == 0.0 for frame in frames[first + 1 : first + 20])
    assert not [time_s for time_s in times(frames, "onset") if 7.0 < time_s < 15.9]


@pytest.mark.parametrize("level", [0.01, 0.05, 0.3])
def test_auto_gain_brings_any_volume_to_the_same_level(level):
    values = listen(music_like(7.0, level=level))[-1].values
    assert values["level"] == pytest.approx(0.8, abs=0.15)


def test_auto_gain_off_leaves_the_sound_as_it_is():
    analysis = Analysis()
    analysis.leaves["gain/auto_gain"].set_base(False)
    assert listen(music_like(3.0, level=0.02), analysis=analysis)[-1].values["gain_db"] == 0.0


def test_cost_of_a_hop():
    sound, analysis = music_like(6.0), Analysis()
    costs = []
    for number in range(len(sound) // HOP):
        hops = {"main": sound[number * HOP : (number + 1) * HOP]}
        start = time.perf_counter()
        analysis.step(hops, 0.0)
        costs.append((time.perf_counter() - start) * 1e6)
    mean, p50, p99 = np.mean(costs), np.median(costs), np.percentile(costs, 99)
    goal = 0.05 * HOP / 48000 * 1e6
    print(f"analysis: mean {mean:.0f} us, median {p50:.0f}, p99 {p99:.0f} a hop; goal {goal:.0f} (5% of the hop)")
    assert p50 < 10 * goal
