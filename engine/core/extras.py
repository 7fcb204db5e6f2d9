"""How an extra of this program is installed, in words that work where it was cloned and where it was installed."""

import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def install_command(extra: str) -> str:
    """A command for the shell that adds the packages of `clavilux[EXTRA]` to the Python that runs."""
    pip = f"{shlex.quote(sys.executable)} -m pip install"
    if (ROOT / "pyproject.toml").is_file():  # a checkout
        constraints = f" -c {shlex.quote(str(ROOT / 'constraints.txt'))}" if (ROOT / "constraints.txt").is_file() else ""
        return f"{pip}{constraints} -e {shlex.quote(f'{ROOT}[{extra}]')}"
    return f"{pip} {shlex.quote(f'clavilux[{extra}]')}"
