"""[config] and [recipe] of a run: from the preset, the model it goes on from, a file, the command line; the later win."""

import inspect
import tomllib
from pathlib import Path

from engine.runtime.card import ModelCard
from engine.studio.dataset.dataset import Dataset
from engine.studio.training.recipe import Recipe, Table
from engine.studio.training.run_options import Plan


def settle(plan: Plan, kind: type[Recipe], dataset: Dataset, origin: ModelCard | None) -> tuple[Table, tuple[str, ...]]:
    """The model's [config] and its classes. Raises ValueError for what cannot be made of this dataset, OSError."""
    if origin is not None and origin.architecture != kind.architecture:
        raise ValueError(f"expected a model of {kind.architecture} to go on from; got {origin.architecture} in {origin.folder}")
    given = _read(plan.config) if plan.config else {}
    config = origin.config if origin is not None else read_preset(kind)["config"]
    before = given.get("classes", origin.classes if origin is not None else ())
    classes = kind.named(dataset, origin)
    try:
        return kind.fitted(config | given.get("config", {}), dataset, classes, before), classes
    except (KeyError, TypeError) as error:
        raise ValueError(f"expected a whole [config] of {kind.architecture} from {plan.config}; got {error!r}") from error


def choices(plan: Plan, kind: type[Recipe]) -> Table:
    """The recipe's own settings. Raises ValueError for names and types that it does not have."""
    settings = dict(read_preset(kind)["recipe"])
    given = _read(plan.config).get("recipe", {}) if plan.config else {}
    for key, value in (given | plan.changes).items():
        if key not in settings:
            raise ValueError(f"expected a setting of {plan.recipe}, one of {', '.join(settings)}; got {key!r}")
        if isinstance(value, bool) or isinstance(value, str) != isinstance(settings[key], str):
            raise ValueError(f"expected {key} to be like {settings[key]!r}; got {value!r}")
        settings[key] = value
    return settings


def read_preset(kind: type[Recipe]) -> Table:
    """[config] and [recipe] as a recipe's file beside its module has them."""
    return _read(Path(inspect.getfile(kind)).with_name(kind.preset))


def _read(file: Path) -> Table:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"expected TOML in {file}; got {error}") from error
