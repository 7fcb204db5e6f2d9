"""How far sets of pictures are apart, by what a network sees in them."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from engine.studio import picture_distance  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def test_distance_tells_sets_of_features_apart() -> None:
    rng = np.random.default_rng(2)
    one, two, other = rng.random((60, 8)), rng.random((60, 8)), rng.random((60, 8)) + 0.3
    assert abs(picture_distance.kernel_distance(one, two)) < 0.2 * picture_distance.kernel_distance(one, other)
