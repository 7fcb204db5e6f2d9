"""What people bring that is no checkpoint of ours to read: one sentence on what it is and what to do."""

import io
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.studio.checkpoint.bounded_reader import CheckpointError
from engine.studio.checkpoint.importing import Order, import_checkpoint


def refused(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        import_checkpoint(path, Order(path.parent / "model"), lambda said: None)
    assert not (path.parent / "model").exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def onnx() -> bytes:
    import onnx
    from onnx import TensorProto, helper

    given, made = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [given], [made])
    return bytes(onnx.ModelProto.SerializeToString(helper.make_model(graph, producer_name="pytorch")))


def zipped(*names: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name in names:
            file.writestr(name, b"x")
    return data.getvalue()


def torchscript() -> bytes:
    data = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), data)
    return data.getvalue()


def module() -> bytes:
    data = io.BytesIO()
    torch.save(torch.nn.Linear(2, 2), data)
    return data.getvalue()


FILES = {
    "pointer.pkl": (lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "git lfs pull"),
    "page.pkl": (lambda: b"\n<!DOCTYPE html><html><body>Sign in</body></html>", "a web page"),
    "graph.onnx": (onnx, "an ONNX graph"),
    "program.pt": (torchscript, "a TorchScript program"),
    "module.pt": (module, "save its state_dict()"),
    "archive.zip": (lambda: zipped("a/readme.txt", "a/network.pkl"), "unpack it"),
    "keras.h5": (lambda: b"\x89HDF\r\n\x1a\n" + bytes(100), "an HDF5 file"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_named_with_what_to_do(tmp_path: Path, name: str) -> None:
    make, words = FILES[name]
    (tmp_path / name).write_bytes(make())
    assert words in refused(tmp_path / name)


@pytest.mark.parametrize(
    ("key", "words"),
    [("unet.down.0.attn.to_q.lora_A.weight", "a LoRA"), ("model.diffusion_model.out.0.weight", "a diffusion model")],
)
def test_so_are_tensors_by_their_names(tmp_path: Path, key: str, words: str) -> None:
    save_file({key: torch.zeros(2, 2)}, tmp_path / "a.safetensors")
    assert words in refused(tmp_path / "a.safetensors")


def test_so_is_a_folder_of_diffusers(tmp_path: Path) -> None:
    (tmp_path / "sd").mkdir()
    (tmp_path / "sd" / "model_index.json").write_text("{}")
    assert "a diffusers pipeline" in refused(tmp_path / "sd")


def test_a_fork_of_stylegan_is_told_as_one(tmp_path: Path) -> None:
    import forged

    made = forged.network(conv_clamp=256.0)
    (tmp_path / "xl.pkl").write_bytes(forged.nvidia_pickle(made, synthesis_b8={"architecture": "resnet"}))
    assert "where it is a fork of StyleGAN" in refused(tmp_path / "xl.pkl")
