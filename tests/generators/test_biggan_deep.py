"""BigGAN-deep: the pictures of the Hugging Face port from its own weights, from OpenVINO, in half, and in any batch."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
port = pytest.importorskip("pytorch_pretrained_biggan")

from engine.generators.biggan_deep import (  # noqa: E402
    Attention,
    BigGanDeep,
    config_from_hugging_face,
    fold,
    from_hugging_face,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "biggan_deep.npz"
RESOLUTIONS = (128, 256, 512)
_SMALL = [[False, 16, 16], [True, 16, 8], [False, 8, 8], [True, 8, 4], [True, 4, 1]]
SMALL = {"resolution": 32, "ch": 8, "num_classes": 10, "z_dim": 16, "hf_compat": False, "layers": _SMALL, "attention": 3}


def port_config(resolution: int, ch: int, classes: int = 1000) -> Any:
    """The port's configuration of a published size; what is not in its defaults is from the files it downloads."""
    blocks = {
        128: "16-16 16-16^ 16-16 16-8^ 8-8 8-4^ 4-4 4-2^ 2-2 2-1^",
        256: "16-16 16-16^ 16-16 16-8^ 8-8 8-8^ 8-8 8-4^ 4-4 4-2^ 2-2 2-1^",
        512: "16-16 16-16^ 16-16 16-8^ 8-8 8-8^ 8-8 8-4^ 4-4 4-2^ 2-2 2-1^ 1-1 1-1^",
    }[resolution]
    layers = [[block[-1] == "^", *map(int, block.rstrip("^").split("-"))] for block in blocks.split()]
    return port.BigGANConfig(output_dim=resolution, channel_width=ch, num_classes=classes, layers=layers)


@torch.no_grad()
def port_model(resolution: int, ch: int = 16) -> Any:
    """The port with random weights whose spectral norms are settled, random statistics, and an attention that counts."""
    torch.manual_seed(resolution)
    model = port.BigGAN(port_config(resolution, ch))
    last = model.generator.bn
    last.weight.normal_(1, 0.3)
    last.bias.normal_(0, 0.3)
    for _ in range(15 if resolution == 128 else 5):
        model.train()(torch.randn(1, 128), torch.eye(1000)[:1], 1.0)
    for name, buffer in model.named_buffers():
        if name.endswith("running_means"):
            buffer.normal_(0, 0.2)
        if name.endswith("running_vars"):
            buffer.uniform_(0.3, 1.5)
    model.generator.layers[8].gamma.fill_(0.7)
    return model.eval()


def ours(theirs: Any, hf_compat: bool) -> BigGanDeep:
    model = BigGanDeep.from_config(config_from_hugging_face(theirs.config.to_dict()) | {"hf_compat": hf_compat})
    model.load_state_dict(from_hugging_face(theirs.state_dict()))
    return model.eval()


def filled(config: dict[str, Any]) -> BigGanDeep:
    """A network of weights that depend on NumPy alone."""
    model, rng = BigGanDeep.from_config(config), np.random.default_rng(7)
    tensors = {}
    for key, tensor in model.state_dict().items():
        values = rng.standard_normal(tensor.shape).astype(np.float32)
        if key.endswith("variances"):
            values = 0.5 + values**2
        elif tensor.ndim > 1 and not key.endswith("means"):
            values /= np.prod(tensor.shape[1:]) ** 0.5
        tensors[key] = torch.from_numpy(values if tensor.ndim > 1 else 0.3 * values)
    model.load_state_dict(tensors)
    return model.eval()


@pytest.fixture(scope="module")
def small() -> BigGanDeep:
    return filled(SMALL)


def inputs(model: BigGanDeep, seed: int, *truncations: float) -> list[Any]:
    rng = np.random.default_rng(seed)
    batch = len(truncations)
    z = rng.standard_normal((batch, model.z_size)).astype(np.float32)
    y = rng.dirichlet([0.1] * model.classes, batch).astype(np.float32)
    truncation = np.array(truncations, np.float32)[:, None]
    return [torch.from_numpy(array) for array in (z, y, truncation, np.zeros((batch, 1), np.float32))]


@torch.no_grad()
def draw(model: BigGanDeep, *args: Any) -> Any:
    return model(*args).float().numpy()


def relative(found: Any, expected: Any) -> float:
    """The largest difference, as a share of the largest value."""
    return float(np.abs(found - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_pictures_are_those_of_the_port(resolution: int) -> None:
    theirs = port_model(resolution)
    model = ours(theirs, hf_compat=True)
    for truncation in (0.4, 0.58, 0.735):  # on a set of statistics, on one that the port misses, between two
        z, y, t, noise = inputs(model, 3, truncation)
        with torch.no_grad():
            expected = theirs(z.clamp(-2, 2) * t, y, truncation).numpy()
        assert expected.shape == (1, 3, resolution, resolution)
        assert expected.std() > 0.02
        assert relative(draw(model, z, y, t, noise), expected) < 1e-5


def test_statistics_are_interpolated_the_right_way_round() -> None:
    theirs = port_model(128)
    model, swapped = ours(theirs, hf_compat=False), ours(theirs, hf_compat=True)
    statistics = {name: buffer.clone() for name, buffer in theirs.named_buffers() if "running" in name}
    for truncation in (0.4, 0.58, 0.737):
        low = int(truncation * 50 + 1e-6)
        share = truncation * 50 - low
        for name, buffer in theirs.named_buffers():
            if name in statistics:  # 51 sets alike, so that the port has nothing to interpolate
                buffer[:] = statistics[name][low] * (1 - share) + statistics[name][low + 1] * share
        z, y, t, noise = inputs(model, 4, truncation)
        with torch.no_grad():
            expected = theirs(z.clamp(-2, 2) * t, y, 0.5).numpy()
        assert relative(draw(model, z, y, t, noise), expected) < 1e-5
        assert (relative(draw(swapped, z, y, t, noise), expected) > 1e-3) == (truncation != 0.4)


@pytest.mark.parametrize(
    ("resolution", "keys", "parameters"), [(128, 506, 50_388_609), (256, 602, 55_880_833), (512, 698, 56_163_905)]
)
def test_the_published_checkpoints_fit(resolution: int, keys: int, parameters: int) -> None:
    with torch.device("meta"):
        theirs = port.BigGAN(port_config(resolution, 128))
        model = BigGanDeep.from_config(
            {"resolution": resolution, "ch": 128, "num_classes": 1000, "z_dim": 128, "hf_compat": False}
        )
    assert len(theirs.state_dict()) == keys
    assert sum(p.numel() for p in theirs.parameters()) == parameters
    tensors = from_hugging_face(theirs.state_dict())
    model.load_state_dict(tensors, assign=True)
    trimmed = 125 * (128 * 9 + 1)  # channels of the last convolution that nobody sees
    assert sum(p.numel() for p in model.parameters()) == parameters - trimmed
    assert model.resolution == (resolution, resolution)
    config = config_from_hugging_face(theirs.config.to_dict())
    assert [tuple(layer) for layer in config["layers"]] == [
        (b.up, b.norm_0.scale.out_features // 128, b.out // 128) for b in model.layers if not isinstance(b, Attention)
    ]


def test_a_checkpoint_that_cannot_be_folded_is_refused() -> None:
    weight, u, v = torch.ones(2, 3), torch.ones(2), torch.ones(3)
    whole = {"a.weight_orig": weight, "a.weight_u": u, "a.weight_v": v, "a.bias": u}
    folded = fold(whole)
    assert set(folded) == {"a.weight", "a.bias"}
    assert torch.equal(folded["a.weight"], weight / 6)
    for broken in ({"a.weight_u": v}, {"a.weight_v": torch.zeros(3)}, {"a.weight_v": torch.full((3,), torch.nan)}):
        with pytest.raises(ValueError, match="expected"):
            fold(whole | broken)
    with pytest.raises(ValueError, match=r"expected a\.weight_u and weight_v"):
        fold({"a.weight_orig": weight})


@pytest.mark.parametrize(
    "change",
    [
        {"layers": [], "resolution": 100},
        {"layers": [[False, 16, 16], [True, 8, 4]]},
        {"layers": [[False, 8, 16]]},
        {"resolution": 64},
        {"attention": 5},
    ],
)
def test_a_configuration_that_cannot_be_built_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"expected .*; got"):
        BigGanDeep.from_config(SMALL | change)


def test_statistics_of_another_number_are_refused() -> None:
    with pytest.raises(ValueError, match="expected n_stats 51"):
        config_from_hugging_face(port.BigGANConfig(n_stats=11).to_dict())


def test_a_picture_does_not_depend_on_its_batch(small: BigGanDeep) -> None:
    args = inputs(small, 1, 0.2, 0.61, 1.0)
    pictures = draw(small, *args)
    for index in range(3):
        assert relative(draw(small, *(a[index : index + 1] for a in args)), pictures[index : index + 1]) < 1e-5


def test_latent_classes_and_truncation_all_move_the_picture(small: BigGanDeep) -> None:
    args, other = inputs(small, 1, 0.5), inputs(small, 2, 0.9)
    before = draw(small, *args)
    for index in range(3):
        changed = [*args[:index], other[index], *args[index + 1 :]]
        assert np.abs(draw(small, *changed) - before).mean() > 1e-3
    assert (draw(small, *args[:3], other[3] + 1) == before).all()


def test_a_latent_is_cut_off_at_two_deviations_and_scaled(small: BigGanDeep) -> None:
    z, y, t, noise = inputs(small, 1, 0.5)
    z[:, :3] = torch.tensor([2.0, -2.0, 2.0])
    far = z.clone()
    far[:, :3] = torch.tensor([2.5, -9.0, 3.0])
    assert (draw(small, z, y, t, noise) == draw(small, far, y, t, noise)).all()
    none = torch.zeros_like(t)
    assert (draw(small, z, y, none, noise) == draw(small, -z, y, none, noise)).all()


def test_a_small_step_of_truncation_is_a_small_step_of_the_picture(small: BigGanDeep) -> None:
    pictures = [draw(small, *inputs(small, 1, 0.58 + step)) for step in (-1e-4, 0.0, 1e-4, 0.1)]
    near = max(np.abs(pictures[1] - pictures[index]).mean() for index in (0, 2))
    assert near < 0.02 * np.abs(pictures[1] - pictures[3]).mean()


@pytest.mark.parametrize("change", [{}, {"hf_compat": True, "layers": [[True, 4, 1]], "attention": 0, "resolution": 8}])
def test_openvino_draws_what_torch_draws(change: dict[str, Any]) -> None:
    openvino = pytest.importorskip("openvino")
    model = filled(SMALL | change)
    args = inputs(model, 1, 0.5)
    traced = torch.jit.trace(model, args, check_trace=False)
    graph = openvino.convert_model(traced, example_input=args, input=[list(a.shape) for a in args])
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    compiled = openvino.Core().compile_model(graph, "CPU", options)
    for truncation in (0.0, 0.4, 0.58, 0.735, 1.0):
        args = inputs(model, 5, truncation)
        found = compiled([a.numpy() for a in args])[0]
        assert relative(found, draw(model, *args)) < 1e-4


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_draws_the_same_picture(small: BigGanDeep, dtype: str) -> None:
    model = filled(SMALL).to(getattr(torch, dtype))
    assert model.layers[0].norm_0.variances.dtype == torch.float32
    assert model.layers[0].conv_0.weight.dtype == getattr(torch, dtype)
    for truncation in (0.41, 1.0):
        args = inputs(small, 6, truncation)
        difference = np.abs(draw(model, *args) - draw(small, *args))
        assert difference.mean() < {"float16": 2e-3, "bfloat16": 2e-2}[dtype]


def test_statistics_that_do_not_fit_half_survive_it() -> None:
    model = BigGanDeep.from_config(SMALL)
    model.layers[0].norm_0.variances.fill_(1e6)
    assert (model.half().layers[0].norm_0.variances == 1e6).all()
    assert (model.float().layers[0].norm_0.variances == 1e6).all()


def test_bending_moves_the_picture_and_rests_at_zero(small: BigGanDeep) -> None:
    assert small.extra_inputs == {"bend": (4, 6)}  # 4, 8, 16, 32 px
    args = inputs(small, 1, 0.5, 0.8)
    before, rest = draw(small, *args), torch.zeros(2, 4, 6)
    assert relative(draw(small, *args, {"bend": rest}), before) < 1e-5
    for level in range(4):
        bent = rest.clone()
        bent[0, level] = torch.tensor([0.25, 0.1, 0.2, 0.3, 0.5, 1.0])
        found = draw(small, *args, {"bend": bent})
        assert np.abs(found[0] - before[0]).mean() > 1e-2
        assert relative(found[1], before[1]) < 1e-5


def test_pictures_are_the_golden_ones(small: BigGanDeep) -> None:
    expected = np.load(GOLDEN)["pictures"]
    assert relative(draw(small, *inputs(small, 9, 0.33, 1.0)), expected) < 1e-4
