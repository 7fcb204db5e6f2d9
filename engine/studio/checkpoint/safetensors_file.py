"""safetensors, read as data; and models of ours in them, which are written anew or taken under a given architecture."""

import json
import math
import tomllib
from pathlib import Path
from typing import Any

import torch

from engine.runtime.card import CARD_LIMIT, GENERATOR, HEADER_LIMIT, ModelCard
from engine.studio.checkpoint.bounded_reader import CheckpointError, Window
from engine.studio.checkpoint.found_network import Found
from engine.studio.checkpoint.lazy_tensor import MOST_DIMENSIONS, Storage, Weight

_TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


def is_one(window: Window) -> bool:
    """Whether the file begins as safetensors do: a length, then JSON."""
    length = int.from_bytes(window.data[window.begin : window.begin + 8], "little")
    return length < 1 << 40 and window.data[window.begin + 8 : window.begin + 9] == b"{"


def load(window: Window) -> dict[str, Weight]:
    """The tensors by name. Raises CheckpointError for headers that are none, and tensors that are not where they say."""
    length = window.number(8)
    if not 2 <= length <= min(HEADER_LIMIT, window.end - window.at):
        raise CheckpointError(
            f"expected a safetensors header of at most {HEADER_LIMIT} bytes in {window.path}; got one of {length}"
        )
    try:
        table = json.loads(window.read(length))
        rows = {key: entry for key, entry in table.items() if key != "__metadata__"}
        spans = {key: tuple(entry["data_offsets"]) for key, entry in rows.items()}
        weights, end = {}, 0
        for key, (begin, after) in sorted(spans.items(), key=lambda item: item[1]):
            if begin != end:
                raise CheckpointError(f"expected tensors one after another in {window.path}; got some that overlap or leave gaps")
            weights[key] = _weight(rows[key], window.part(after - begin))
            end = after
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(
            f"expected well-formed safetensors in {window.path}; got a header that is not ({type(error).__name__})"
        ) from None
    if window.at != window.end:
        raise CheckpointError(f"expected the tensors to fill {window.path}; got {window.end - window.at} bytes more")
    return weights


def _weight(entry: dict[str, Any], data: Window) -> Weight:
    shape = tuple(entry["shape"])
    if len(shape) > MOST_DIMENSIONS:
        raise ValueError("many dimensions")
    storage = Storage(_TYPES[entry["dtype"]], math.prod(shape), data.path)
    storage.bind(data)
    stride = tuple(math.prod(shape[index + 1 :]) for index in range(len(shape)))
    return storage.view(0, shape, stride)


def find_ours(card: ModelCard, window: Window) -> Found:
    """A model of ours as a source: its weights are checked again, its classes and licence stay."""
    text = tomllib.loads((card.folder / "model.toml").read_text(encoding="utf-8-sig"))
    licence = text.get("licence")
    named = licence if isinstance(licence, str) else ""
    return Found(card.architecture, card.config, load(window), f"Clavilux ({GENERATOR})", card.classes, named)


def read_config(file: Path) -> dict[str, Any]:
    """[config] from a .toml (whole, or a card's) or a .json. Raises CheckpointError."""
    try:
        if file.stat().st_size > CARD_LIMIT:
            raise CheckpointError(f"expected a configuration of at most {CARD_LIMIT} bytes in {file}; got {file.stat().st_size}")
        text = file.read_text(encoding="utf-8-sig")
        table = json.loads(text) if file.suffix.lower() == ".json" else tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"expected a configuration (.toml or .json) in {file}; got {error}") from error
    if not isinstance(table, dict):
        raise CheckpointError(f"expected a table of settings in {file}; got {type(table).__name__}")
    inner = table.get("config", table)
    return inner if isinstance(inner, dict) else table
