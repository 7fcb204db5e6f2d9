"""Checkpoints from a model hub that speaks Hugging Face's protocol, by way of the package huggingface_hub.

HF_ENDPOINT names another server, HF_TOKEN a user, HF_HOME where downloads are kept, as that package has them.
"""

import importlib
import os
from pathlib import Path
from typing import Any

from engine.core.extras import install_command
from engine.studio.checkpoint.bounded_reader import CheckpointError
from engine.studio.checkpoint.hugging_face import CONFIG, FILES

INSTALL = install_command("hub")


def download(place: str) -> Path:
    """The file of `place`, REPO:FILE, or for a REPO alone the folder with its configuration and weights, kept for next time.

    Raises CheckpointError where the package is missing, or the server has no such thing or is out of reach.
    """
    try:
        hub: Any = importlib.import_module("huggingface_hub")
    except ImportError as error:
        raise CheckpointError(f"expected the package huggingface_hub for --from-hub; got none: {INSTALL}") from error
    repository, _, file = place.partition(":")
    if file:
        return _fetch(hub, repository, file)
    folder = _fetch(hub, repository, CONFIG).parent
    for name in FILES[:-1]:
        try:
            return _fetch(hub, repository, name).parent
        except FileNotFoundError:
            continue
    _fetch(hub, repository, FILES[-1])
    return folder


def _fetch(hub: Any, repository: str, file: str) -> Path:
    """One file, downloaded or kept from before. Raises FileNotFoundError if the repository has none of that name."""
    server = os.environ.get("HF_ENDPOINT") or None
    try:
        return Path(hub.hf_hub_download(repository, file, endpoint=server))
    except (OSError, ValueError, RuntimeError) as error:
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if type(error).__name__ in ("EntryNotFoundError", "RemoteEntryNotFoundError"):
            raise FileNotFoundError(f"expected {file} in {repository}; got none ({said})") from error
        raise CheckpointError(f"expected {repository}:{file} from {server or 'huggingface.co'}; got {said}") from error
