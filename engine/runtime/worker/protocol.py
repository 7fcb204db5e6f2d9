"""What passes between the show and a generator process, as records for shared memory."""

from typing import Any

import numpy as np

from engine.core.slots import Record
from engine.core.types import ByteArray, Frame, GpuPicture, LatentState, Tick
from engine.runtime.card import ModelCard

BEAT_S = 0.05  # between two status records
EXTRA = "live/"  # before the names of the inputs that only some models have
WORKER_STATUS = np.dtype(
    [
        ("warm", np.bool_),  # the first frame was drawn
        ("failed", np.bool_),  # message is the error it ends with
        ("taken", np.int64),  # number of the latent in work, or of the last one
        ("drawn", np.int64),  # number of the last latent drawn
        ("frames", np.int64),  # frames drawn
        ("ms_p50", np.float32),  # median time of a frame
        ("message", "S1024"),  # UTF-8
    ]
)


def latent_dtype(card: ModelCard) -> np.dtype[Any]:
    """A tick's latent. `number` counts what was sent, also over restarts."""
    return np.dtype(
        [
            ("number", np.int64),
            ("tick", np.int64),
            ("t_heard", np.float64),
            ("truncation", np.float32),
            ("z", np.float32, (card.z_size,)),
            ("y", np.float32, (len(card.classes),)),
            ("noise", np.float32, (int(np.prod(card.noise_shape, dtype=np.int64)),)),
            *((EXTRA + name, np.float32, shape) for name, shape in card.extra_inputs.items()),
        ],
        align=True,
    )


_MADE = [("number", np.int64), ("tick", np.int64), ("t_heard", np.float64), ("t_made", np.float64)]
PLACE = np.dtype([*_MADE, ("cell", np.int64)], align=True)  # a drawn frame that stayed on the card


def frame_dtype(card: ModelCard) -> np.dtype[Any]:
    """A drawn frame, with `number` and `tick` of the latent it was drawn from."""
    width, height = card.resolution
    return np.dtype([*_MADE, ("rgba", np.uint8, (height, width, 4))], align=True)


def latent_record(tick: Tick, number: int, dtype: np.dtype[Any]) -> Record:
    """The record of a tick. Raises ValueError if its latent is of another model's shape."""
    latent = tick.latent
    record: dict[str, Any] = {"number": number, "tick": tick.number, "t_heard": tick.t_heard, "truncation": latent.truncation}
    inputs = {"z": latent.z, "y": latent.y, "noise": latent.noise.reshape(-1)}
    inputs |= {EXTRA + name: values for name, values in latent.extra_inputs.items()}
    if len(inputs) + len(record) != len(dtype.names or ()):
        raise ValueError(f"expected the inputs {dtype.names}; got {', '.join(inputs)} from tick {tick.number}")
    for field, values in inputs.items():
        if values.shape != dtype[field].shape:
            raise ValueError(f"expected {field} of shape {dtype[field].shape}; got {values.shape} from tick {tick.number}")
        record[field] = values
    return record


def latent_state(record: Record) -> LatentState:
    """The generator's input in a record."""
    extra_inputs = {field.removeprefix(EXTRA): values for field, values in record.items() if field.startswith(EXTRA)}
    return LatentState(record["z"], record["y"], float(record["truncation"]), record["noise"], extra_inputs)


def frame(record: Record, seq: int) -> Frame:
    """The frame in a record; its picture is the record's own memory."""
    rgba = record["rgba"]
    rgba.flags.writeable = False
    return _frame(rgba, record, seq)


def gpu_frame(record: Record, picture: GpuPicture, seq: int) -> Frame:
    """The frame of a record of PLACE, and its picture."""
    return _frame(picture, record, seq)


def _frame(rgba: ByteArray | GpuPicture, record: Record, seq: int) -> Frame:
    return Frame(rgba, int(record["tick"]), float(record["t_heard"]), float(record["t_made"]), seq)
