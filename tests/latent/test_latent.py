"""z from a hand, over OSC for instance, in the place of the movers'; and another seed, which jumps nowhere."""

import numpy as np

from engine.core.rng import Rng
from engine.core.tick_context import TickContext
from engine.core.types import FeatureFrame, FloatArray, GeneratorInfo, LatentState
from engine.latent.latent import HAND_S, Latent
from engine.latent.mover import Mover
from engine.latent.movers.walk import Walk
from engine.latent.network_inputs import NetworkInputs

Z = 6


class Still(Mover):
    def step(self, z: FloatArray, context: TickContext) -> None:
        z += 0.25


class OneClass:
    def step(self, context: TickContext) -> FloatArray:
        return np.ones(1, np.float32)


def perform(latent: Latent, ticks: int) -> list[FloatArray]:
    context = TickContext(FeatureFrame(0, 0.0, 0.0, {}, {}, ()), dt_s=0.01)
    return [latent.step([Still.__new__(Still)], OneClass(), context).z for _ in range(ticks)]  # type: ignore[arg-type,list-item]


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


class Show:
    """A walk through z, a second latent with a share in all layers, and noise: all that a seed draws but classes."""

    NOISE = 24

    def __init__(self, seed: int, noise_mode: str = "flow") -> None:
        model = GeneratorInfo("m", "stylegan2", "torch", Z, (self.NOISE,), ("one",), (32, 32), {"styles": (Z + 3,)})
        extra_inputs = NetworkInputs(model, seed)
        extra_inputs.leaves["styles/fine"].set_base(1.0)
        self.latent, self.walk = Latent(Z, self.NOISE, seed, extra_inputs), Walk(Z, Rng(seed, "walk"))
        self.latent.leaves["noise_mode"].set_base(noise_mode)
        self.walk.leaves["amount"].set_base(1.0)

    def seed(self, seed: int) -> None:
        self.latent.seed(seed)
        self.walk.seed(Rng(seed, "walk"))

    def play(self, ticks: int) -> list[LatentState]:
        contexts = [TickContext(FeatureFrame(n, 0.0, 0.0, {}, {}, ()), n, dt_s=0.01) for n in range(ticks)]
        return [self.latent.step([self.walk], OneClass(), context) for context in contexts]  # type: ignore[arg-type]


def test_another_seed_is_reached_without_a_jump_in_anything_that_it_draws() -> None:
    show, fresh = Show(1), Show(2)
    before = show.play(100)
    show.seed(2)
    after, aim = show.play(400), fresh.play(400)
    parts = {"z": lambda s: s.z, "second latent": lambda s: s.extra_inputs["styles"][:Z], "noise": lambda s: s.noise}
    for name, part in parts.items():
        path, goal = np.array([part(s) for s in (before[-1], *after)]), np.array([part(s) for s in aim])
        if name == "noise":  # its place along the field goes on
            apart = np.linalg.norm(path[-1] - part(before[-1]))
        else:
            assert np.allclose(path[-1], goal[-1], atol=1e-5), name
            apart = np.linalg.norm(goal[0] - path[0])
        steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
        assert apart > 1.0, name
        assert steps.max() < 0.02 * apart + 0.02, f"{name} jumps"  # in 2 s; half a cosine is nowhere faster than 0.008 of it


def test_noise_that_is_new_every_tick_stays_so_through_a_change_of_seed() -> None:
    show = Show(1, "random")
    show.play(10)
    show.seed(2)
    drawn = np.array([state.noise for state in show.play(200)])
    assert abs(float(np.corrcoef(drawn[:-1].ravel(), drawn[1:].ravel())[0, 1])) < 0.1
    assert 0.9 < drawn.std() < 1.1
