"""Writes the patches of Pure Data and Max for Live: `python -m tools.host_patches`."""

from pathlib import Path

from tools.host_patches import ableton, max_patcher, puredata
from tools.host_patches.controls import PATCHES


def written() -> dict[Path, bytes]:
    """The content of every file that is generated, by its path."""
    device = ableton.patcher()
    return {
        PATCHES / "puredata" / "clavilux.pd": puredata.patch().encode(),
        PATCHES / "ableton" / "Clavilux.maxpat": max_patcher.text(device),
        PATCHES / "ableton" / "Clavilux.amxd": max_patcher.device(device),
    }


if __name__ == "__main__":
    for path, content in written().items():
        path.write_bytes(content)
