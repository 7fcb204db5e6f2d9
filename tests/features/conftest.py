import secrets

import music
import numpy as np
import pytest
from listening import listen


@pytest.fixture(scope="session")
def seed():
    """Drawn anew in every run, below those that the drum network was trained on; shown when a test fails."""
    drawn = secrets.randbelow(1000)
    print(f"music seed {drawn}")
    return drawn


@pytest.fixture(scope="session")
def pieces(seed):
    """Each style twice, drums alone and everything: (style, score, frames)."""
    if not music.available:
        pytest.skip("needs fluidsynth and the TimGM6mb soundfont")
    found = {"drums": [], "mixed": []}
    for style in music.STYLES:
        score = music.write(style, np.random.default_rng(seed))
        for kind, part in (("drums", score.only(9)), ("mixed", score)):
            found[kind].append((style, part, listen(music.render(part))))
    return found
