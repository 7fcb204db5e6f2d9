"""The whole of what a generator is given each tick: movers in order, class weights, truncation, and the network's own noise."""

import math

import numpy as np

from engine.core.params import Param, Parametric
from engine.core.rng import Rng
from engine.core.tick_context import TickContext
from engine.core.types import FloatArray, LatentState
from engine.latent.classes import ClassMixer
from engine.latent.mover import Mover
from engine.latent.network_inputs import NetworkInputs
from engine.latent.noise_field import NoiseField

RANDOM = 1 << 40  # in the draws of the noise: beyond all that flows
HAND_S = 0.03  # the hand's steps come at its own rate, and should not show


class Latent(Parametric):
    """/latent/*: what is common to all ways of moving. A change of patch or seed glides over `fade_s`, in all that moves."""

    truncation = Param(0.7, low=0.0, high=1.0, doc="Spread of z: low is typical and calm, high is varied.", slew_s=0.2)
    noise = Param(1.0, low=0.0, high=2.0, doc="Amount of the network's own random inputs.")
    noise_mode = Param(
        "flow",
        choices=("flow", "const", "random"),
        doc="Noise that flows, the network's own constant noise, or new noise every tick.",
    )
    noise_speed = Param(0.15, low=0.005, high=8.0, curve="exp", unit="1/s", doc="How fast they change.")
    z = Param((), low=-4.0, high=4.0, doc="z from a hand: its first numbers take the place of the movers'; none gives z back.")
    fade_s = Param(2.0, low=0.01, high=30.0, curve="exp", unit="s", doc="How long a change of patch or seed takes.")

    def __init__(self, z_size: int, noise_size: int, seed: int, extra_inputs: NetworkInputs | None = None) -> None:
        super().__init__()
        self._z_size, self._noise_size, self._extra_inputs = z_size, noise_size, extra_inputs
        self._rng = Rng(seed, "noise")
        self._field = NoiseField(self._rng, noise_size)
        self._phase = 0.0
        self._hand = np.zeros(0, np.float32)  # where the hand's part of z is
        self._last: LatentState | None = None
        self._gaps: dict[str, FloatArray] = {}  # how far what glides was from where it goes, when it set out
        self._fading_s = -1.0  # time since the change; negative: none

    def seed(self, seed: int) -> None:
        """Other draws from the next tick on, reached gently."""
        self._rng = Rng(seed, "noise")
        self._field = NoiseField(self._rng, self._noise_size)
        if self._extra_inputs is not None:
            self._extra_inputs.seed(seed)
        self.glide()

    def glide(self) -> None:
        """The next tick may jump: spread the jump over `fade_s`."""
        if self._last is not None:
            self._fading_s = 0.0

    def step(self, movers: list[Mover], classes: ClassMixer, context: TickContext) -> LatentState:
        """Everything one tick further."""
        z = np.zeros(self._z_size, np.float32)
        for mover in movers:
            mover.step(z, context)
        self._by_hand(z, context.dt_s)
        extra_inputs = {} if self._extra_inputs is None else self._extra_inputs.step(z, context)
        state = LatentState(z, classes.step(context), self.truncation, self._noise(context), extra_inputs)
        self._last = self._glided(state, context.dt_s) if self._fading_s >= 0.0 else state
        return self._last

    def _noise(self, context: TickContext) -> FloatArray:
        self._phase += context.dt_s * self.noise_speed
        mode = self.noise_mode
        if mode == "const":
            return np.zeros(self._noise_size, np.float32)
        drawn = self._field.at(self._phase) if mode == "flow" else self._rng.normals(RANDOM + context.tick, self._noise_size)
        return drawn * np.float32(self.noise)

    def _by_hand(self, z: FloatArray, dt_s: float) -> None:
        given = self.z[: len(z)]
        if len(given) < len(self._hand):
            self.glide()
        if not given and not len(self._hand):
            return
        here = self._hand[: len(given)]
        self._hand = np.append(here, z[len(here) : len(given)])  # what is new starts from where the movers have it
        self._hand += (np.array(given, np.float32) - self._hand) * np.float32(1.0 - math.exp(-dt_s / HAND_S))
        z[: len(given)] = self._hand

    def _glided(self, state: LatentState, dt_s: float) -> LatentState:
        """`state` on its way from where everything was: z, classes, noise and what the network is given besides."""
        now = self._gliding(state)
        if self._fading_s == 0.0 and self._last is not None:
            self._gaps = {name: was - now[name] for name, was in self._gliding(self._last).items() if name in now}
        self._fading_s += dt_s
        t = min(self._fading_s / self.fade_s, 1.0)
        left = np.float32(0.5 + 0.5 * math.cos(math.pi * t))
        now |= {name: now[name] + left * gap for name, gap in self._gaps.items() if name in now}
        if t >= 1.0:
            self._fading_s = -1.0
        y = np.maximum(now.pop("y"), 0.0)
        return LatentState(now.pop("z"), y / y.sum(), state.truncation, now.pop("noise", state.noise), now)

    def _gliding(self, state: LatentState) -> dict[str, FloatArray]:
        still = {} if self.noise_mode == "random" else {"noise": state.noise}  # new noise every tick is a jump by intent
        return {**state.extra_inputs, "z": state.z, "y": state.y, **still}
