import pytest

from engine.stage.gl_context import headless_context
from engine.stage.passes import load_passes
from engine.stage.stage import Stage
from engine.stage.stage_params import StageSettings


@pytest.fixture(scope="session")
def context():
    made = headless_context()
    yield made
    made.release()


@pytest.fixture(scope="session")
def passes():
    return load_passes()


@pytest.fixture
def stage(context, passes):
    """A small stage with all passes."""
    made = Stage(context, (160, 96), StageSettings(), passes, internal_size=(160, 96))
    yield made
    made.close()
