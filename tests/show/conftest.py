"""What tests of shows share."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Closes at the end of the test what it was given."""
    with ExitStack() as stack:
        yield stack
