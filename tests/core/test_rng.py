import numpy as np

from engine.core.rng import Rng


def test_draws_depend_on_seed_name_and_index_alone():
    a, again = Rng(1, "walk"), Rng(1, "walk")
    assert [a.unit(n) for n in (5, 3, 5)] == [again.unit(n) for n in (5, 3, 5)]
    assert np.array_equal(a.normals(4, 8), again.normals(4, 8))
    assert np.array_equal(a.normals(-4, 8), again.normals(-4, 8))
    for other in (Rng(2, "walk"), Rng(1, "walk2")):
        assert other.unit(5) != a.unit(5)
        assert not np.array_equal(other.normals(4, 8), a.normals(4, 8))


def test_units_are_uniform_and_normals_normal_and_neighbours_unrelated():
    rng = Rng(3, "x")
    units = np.array([rng.unit(n) for n in range(20000)])
    assert 0.0 <= units.min() < units.max() < 1.0
    assert np.allclose(np.histogram(units, 10, (0, 1))[0] / 20000, 0.1, atol=0.01)
    assert abs(np.corrcoef(units[1:], units[:-1])[0, 1]) < 0.03
    normals = np.stack([rng.normals(n, 500) for n in range(-20, 20)])
    assert abs(normals.mean()) < 0.03
    assert abs(normals.std() - 1) < 0.03
    assert np.abs(np.corrcoef(normals) - np.eye(40)).max() < 0.25
