"""The checks to run before every commit, in under a minute on two cores: `make quick`, or `python -m tools.quick`.

Lint, format, import contracts and types; and of the tests those that every part must pass, and those of the core.
"""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

TESTS = (
    "tests/parts",
    "tests/core/test_params.py",
    "tests/core/test_resources.py",
    "tests/core/test_rng.py",
    "tests/control/test_action.py",
    "tests/control/test_controllers.py",
    "tests/control/test_tree.py",
    "tests/latent/test_network_inputs.py",
    "tests/stage/test_passes.py",
    "tests/features/test_declared.py",
    "tests/runtime/test_declared_runtimes.py",
)
PYTHON = (sys.executable, "-m")
CHECKS = {  # what is run, as the heading of what it prints
    "mypy": (*PYTHON, "mypy"),
    "ruff check": (*PYTHON, "ruff", "check", "--quiet"),
    "ruff format": (*PYTHON, "ruff", "format", "--check"),
    "import contracts": (sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"),
}
MENDS = {"ruff format": "run `ruff format`"}
PYTEST = (*PYTHON, "pytest", "-q", "--durations=0", "--durations-min=2", "-p", "no:cacheprovider", *TESTS)


def run(command: tuple[str, ...]) -> tuple[int, str]:
    """A command's exit code and what it printed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def main() -> int:
    """Run all checks, two at a time; 0 if all passed."""
    began = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        tests = pool.submit(run, PYTEST)  # first: it takes longest
        jobs = {name: pool.submit(run, command) for name, command in CHECKS.items()} | {"pytest": tests}
        failed = []
        for name, job in jobs.items():
            code, printed = job.result()
            if code:
                failed.append(name)
            if code or job is tests:
                print(f"{name}: {MENDS.get(name, '')}".rstrip())
                print(printed.strip(), flush=True)
    print(f"{'failed: ' + ', '.join(failed) if failed else 'passed'} in {time.monotonic() - began:.0f} s")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
