"""What files are that people bring and that are no checkpoint of ours to read: one sentence each on what to do instead."""

from collections.abc import Iterable
from pathlib import Path

from engine.studio.checkpoint.bounded_reader import Window

HEAD = 4096  # bytes that are looked at
DIRECTORY = 1 << 20  # the last bytes, in which a zip lists what it holds
ONE_PASS = "what is played here is a generator that draws in one pass"
LORA = (".lora_up.", ".lora_down.", ".lora_A.", ".lora_B.", "lora_unet_", ".lora.")
DIFFUSION = ("model.diffusion_model.", "unet.", "cond_stage_model.", "first_stage_model.")


def of_folder(folder: Path) -> str:
    """What a folder is, if it is known and cannot be played; else an empty string."""
    if (folder / "model_index.json").is_file():
        return f"a diffusers pipeline: diffusion takes seconds a picture, and {ONE_PASS}"
    if (folder / "adapter_config.json").is_file() or (folder / "pytorch_lora_weights.safetensors").is_file():
        return LORA_SAYS
    return ""


LORA_SAYS = "a LoRA: a change to a diffusion model and no network of its own; there is nothing here to play it with"


def of_file(window: Window) -> str:
    """What a file is by its first bytes, if it is known and cannot be read; else an empty string."""
    head = bytes(window.data[window.begin : window.begin + HEAD])
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, which stands for the file: run `git lfs pull` where it was cloned, or download the file itself"
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page: the link led to a page about the file, or to a log-in; download the file itself"
    if head[:1] == b"\x08" and (b"pytorch" in head or b"onnx" in head or window.path.suffix.lower() == ".onnx"):
        return "an ONNX graph, in which layers have lost their names: import the checkpoint that it was exported from"
    if (
        head.startswith(b"PK\x03\x04")
        and window.data.find(b"/constants.pkl", max(window.begin, len(window.data) - DIRECTORY)) >= 0
    ):
        return "a TorchScript program, whose code would have to be run: import the checkpoint that it was traced from"
    if head.startswith(b"\x89HDF"):
        return "an HDF5 file, as Keras writes: there is no architecture here for it"
    return ""


def of_keys(keys: Iterable[str]) -> str:
    """What tensors are by their names, if they are known and cannot be played; else an empty string."""
    for key in keys:
        if any(part in key for part in LORA):
            return LORA_SAYS
        if key.startswith(DIFFUSION):
            return f"a diffusion model: it takes seconds a picture, and {ONE_PASS}"
    return ""
