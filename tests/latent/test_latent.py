"""z from a hand, over OSC for instance, in the place of the movers'."""

import numpy as np

from engine.latent.latent import HAND_S, Latent
from engine.latent.mover import Mover
from engine.moment import Moment
from engine.types import FeatureFrame, FloatArray

Z = 6


class Still(Mover):
    def step(self, z: FloatArray, moment: Moment) -> None:
        z += 0.25


class OneClass:
    def step(self, moment: Moment) -> FloatArray:
        return np.ones(1, np.float32)


def perform(latent: Latent, ticks: int) -> list[FloatArray]:
    moment = Moment(FeatureFrame(0, 0.0, 0.0, {}, {}, ()), dt_s=0.01)
    return [latent.step([Still.__new__(Still)], OneClass(), moment).z for _ in range(ticks)]  # type: ignore[arg-type,list-item]


def test_the_first_numbers_of_z_follow_the_hand_and_the_rest_the_movers() -> None:
    latent = Latent(Z, 1, 0)
    perform(latent, 3)
    latent.leaves["z"].set_base((1.0, -2.0))
    path = perform(latent, 100)
    assert np.allclose(path[-1], (1.0, -2.0, 0.25, 0.25, 0.25, 0.25), atol=1e-3)
    steps = np.abs(np.diff(path, axis=0)).max()
    assert steps < 2.25 * (1.0 - np.exp(-0.01 / HAND_S)) + 1e-6, "a jump"


def test_z_is_given_back_without_a_jump() -> None:
    latent = Latent(Z, 1, 0)
    latent.leaves["z"].set_base(tuple([3.0] * (Z + 10)))  # more than there are: the first count
    assert np.allclose(perform(latent, 100)[-1], 3.0, atol=1e-3)
    latent.leaves["z"].set_base(())
    path = perform(latent, 400)
    assert np.abs(np.diff(path, axis=0)).max() < 0.1
    assert np.allclose(path[-1], 0.25, atol=1e-3)
