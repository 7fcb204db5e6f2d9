import mir_eval
import numpy as np
import pytest
from listening import listen, times


@pytest.mark.parametrize(("kind", "least"), [("drums", 0.95), ("mixed", 0.8)])
def test_onsets_of_music_are_found_within_30_ms(judge, kind, least):
    def right(style, score, frames, seed):
        f1, precision, recall = mir_eval.onset.f_measure(score.onsets(), times(frames, "onset"), window=0.03)
        print(f"{kind} {style}: onset F1 {f1:.3f}, precision {precision:.3f}, recall {recall:.3f} (seed {seed})")
        return f1 >= least

    judge(kind, right)


def test_a_hit_is_told_with_its_own_hop_or_the_next():
    rng = np.random.default_rng(5)
    sound = np.zeros(48000 * 3, np.float32)
    hits = [24000, 60000, 100001, 120200]
    for start in hits:
        sound[start : start + 4800] += (0.3 * rng.standard_normal(4800) * np.exp(-np.arange(4800) / 1500)).astype(np.float32)
    told = [frame.tick for frame in listen(sound) if frame.values["onset"] > 0]
    assert len(told) == len(hits)
    assert all(0 <= tick - start // 256 <= 1 for tick, start in zip(told, hits, strict=True))


def test_a_held_tone_is_one_onset():
    time = np.arange(48000 * 3) / 48000
    sound = (0.3 * np.sin(2 * np.pi * 220 * time) * (time > 0.5)).astype(np.float32)
    assert len(times(listen(sound), "onset")) == 1
