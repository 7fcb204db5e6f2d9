import secrets

import music
import pytest
from listening import compose


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
    return {kind: [(style, *compose(style, kind, seed)) for style in music.STYLES] for kind in ("drums", "mixed")}


@pytest.fixture(scope="session")
def judge(pieces, seed):
    """Has every piece of a kind judged by `right(style, score, frames, seed)`.

    About one piece in a few hundred is heard wrong, and seeds are drawn anew in every run: of a style that failed two more
    pieces are written, and both must be heard right.
    """

    def each(kind, right):
        for style, score, frames in pieces[kind]:
            if not right(style, score, frames, seed):
                more = [secrets.randbelow(1000) for _ in range(2)]
                again = [right(style, *compose(style, kind, other), other) for other in more]
                assert all(again), f"{kind} {style}: wrong of seed {seed}, and of two more, {more}, right were {again}"

    return each
