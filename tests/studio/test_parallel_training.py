"""Training that several processes share."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from engine.runtime.card import load_card  # noqa: E402
from engine.runtime.picture_network import load_network  # noqa: E402
from engine.studio import card_file  # noqa: E402
from engine.studio.dataset.dataset import Dataset  # noqa: E402
from engine.studio.training.parallel import World  # noqa: E402
from engine.studio.training.pictures import Cut, Pictures  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")

SHARED = """
import sys
from engine.studio.training.parallel import join
from engine.studio.training.trainer import Run
from engine.studio.training.run_options import Plan, Every
from pathlib import Path
shelf, out = Path(sys.argv[1]), Path(sys.argv[2])
world = join("cpu")
run = Run(Plan(shelf / "figures", out, "stylegan2", config=shelf / "stylegan2.toml", steps=3, threads=1, look_every=0), world)
run.go()
for name in ("generator", "critic", "average"):
    total = sum(p.double().sum() for p in run.recipe.parts()[name].parameters()).detach()
    assert world.mean(total) == total, name
(out / f"rank-{world.rank}").touch()
world.close()
"""


def test_torchrun_shares_the_batch_and_all_have_the_same_weights(shelf: Path, tmp_path: Path) -> None:
    (tmp_path / "shared.py").write_text(SHARED)
    line = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*line, str(tmp_path / "shared.py"), str(shelf), str(tmp_path / "run")],
        capture_output=True, text=True, timeout=200, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "run").glob("rank-*")} == {"rank-0", "rank-1"}
    assert card_file.read(tmp_path / "run" / "model")["training"]["crops"] == 12  # of both processes
    load_network(load_card(tmp_path / "run" / "model"))


def test_ranks_see_different_pictures_and_the_same_step_the_same(shelf: Path) -> None:
    cut, data = Cut(24, 32, 16), Dataset(shelf / "figures")
    worlds = [World(rank, 2, torch.device("cpu"), None) for rank in (0, 1)]
    readers = [Pictures(data, cut, 8, 5, world) for world in (*worlds, worlds[0])]
    first, second, again = (reader.batch(0)[0] for reader in readers)
    assert first.shape == (4, 3, 16, 16)
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    readers[2].batch(9)  # out of order
    assert torch.equal(readers[2].batch(1)[0], readers[0].batch(1)[0])
    held = {i for i, picture in enumerate(data.pictures) if picture.split == "held"}
    assert held
    assert not held & set(readers[0].indices.tolist())
    for reader in readers:
        reader.close()
