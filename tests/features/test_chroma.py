import music
import numpy as np
import pytest
from listening import listen

SETTLED_S = 0.35  # the window's length


@pytest.mark.skipif(not music.available, reason="needs fluidsynth and the TimGM6mb soundfont")
@pytest.mark.parametrize("triads", [False, True])
def test_held_notes_and_triads_lead_the_chroma(seed, triads):
    score, truth = music.held(np.random.default_rng(seed), triads)
    top = four = count = 0
    for frame in listen(music.render(score)):
        for start, end, classes in truth:
            if start + SETTLED_S < frame.time_s < end:
                order = np.argsort(-frame.vectors["chroma"])
                count += 1
                top += int(order[0]) in classes
                four += set(classes) <= set(order[:4].tolist())
    print(f"programme {score.programs[0]}: top {top / count:.3f}, all in the top four {four / count:.3f} (seed {seed})")
    assert count > 1000
    assert top >= 0.95 * count
    assert four >= 0.85 * count


def test_silence_has_no_chroma():
    assert not np.any(listen(np.zeros(48000, np.float32))[-1].vectors["chroma"])
