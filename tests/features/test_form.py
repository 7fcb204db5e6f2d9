import numpy as np
from listening import listen, times

RATE_HZ = 48000
BPM = 120.0


def kit(seconds, rng, kicks=True, level=1.0):
    """Four on the floor, a bass between and hats."""
    sound = np.zeros(int(seconds * RATE_HZ), np.float32)
    time = np.arange(int(0.3 * RATE_HZ)) / RATE_HZ
    kick = 0.6 * np.sin(2 * np.pi * np.cumsum(50 + 150 * np.exp(-time / 0.02)) / RATE_HZ) * np.exp(-time / 0.1)
    bass = 0.35 * np.sin(2 * np.pi * 60 * time) * np.minimum(1.0, (0.3 - time) / 0.05)
    for step in range(int(seconds * BPM / 60 * 2)):
        start = int(step * 30 / BPM * RATE_HZ)
        if kicks:
            add(sound, start, bass if step % 2 else kick)
        add(sound, start, 0.08 * rng.standard_normal(time.size) * np.exp(-time / 0.03))
    return level * sound


def add(sound, start, part):
    end = min(start + part.size, sound.size)
    sound[start:end] += part[: end - start].astype(np.float32)


def pad(seconds, level):
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return (level * sum(np.sin(2 * np.pi * hertz * time) for hertz in (220, 277, 330))).astype(np.float32)


def riser(seconds, rng):
    """A drone under noise that swells and brightens, and a roll that thickens."""
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    share = time / seconds
    dull = np.convolve(rng.standard_normal(time.size), np.ones(32) / 32, "same")
    noise = (1 - share) * dull * 3 + share * rng.standard_normal(time.size)
    sound = (0.01 * 10 ** (1.0 * share) * noise + pad(seconds, 0.02)).astype(np.float32)
    start = 0.0
    while start < seconds - 0.1:
        add(
            sound,
            int(start * RATE_HZ),
            0.1 * (0.3 + start / seconds) * rng.standard_normal(2000) * np.exp(-np.arange(2000) / 500),
        )
        start += 0.5 * (1 - 0.8 * start / seconds)
    return sound


def test_quiet_build_drop():
    rng = np.random.default_rng(3)
    frames = listen(np.concatenate([pad(10, 0.02), riser(8, rng), kit(12, rng)]))
    drops, builds = times(frames, "drop"), times(frames, "build")
    assert len(drops) == 1
    assert abs(drops[0] - 18.0) < 0.15
    assert len(builds) >= 1
    assert 11.0 < builds[-1] < 18.0
    at = {second: frames[int(second * RATE_HZ / 256)].values for second in (9, 17.5, 18.7, 29)}
    assert at[17.5]["build"] > 0.5 > at[9]["build"]
    assert at[18.7]["drop"] > 0.3
    assert at[29]["drop"] < 0.1
    assert at[29]["energy_8s"] > at[9]["energy_8s"] + 0.3


def test_break_and_return():
    rng = np.random.default_rng(4)
    frames = listen(np.concatenate([kit(14, rng), pad(6, 0.02), kit(8, rng)]))
    breaks, drops = times(frames, "break"), times(frames, "drop")
    assert len(breaks) == 1
    assert abs(breaks[0] - 14.0) < 0.7
    assert len(drops) == 1
    assert abs(drops[0] - 20.0) < 0.15
    assert frames[int(18 * RATE_HZ / 256)].values["break"] > 0.8
    assert frames[-1].values["break"] < 0.1


def test_a_steady_groove_has_no_form_events():
    frames = listen(kit(20, np.random.default_rng(5)))
    assert [event.kind for frame in frames for event in frame.events if event.kind in ("drop", "break", "build")] == []
