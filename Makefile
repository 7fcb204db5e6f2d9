# make play   perform: the demo track through the default patch; a film of it where no window can be opened
# make quick  lint, types, import contracts and the quick tests, in under a minute: before every commit
# make test   every test, linter and type check
# make soak   the long forms; make soak PIECE=osc one piece of them, as CONTRIBUTING.md lists them
# make test-gpu   the tests that need an NVIDIA card; without one they skip, and say so
# make bench  measure latency, frame rates and memory on this machine
#
# PLAY="..."         options for `clavilux play`, as in: make play PLAY="--audio none --seconds 20"
# TORCH_INDEX=URL    take PyTorch from another index: PyTorch's own has builds for the CPU alone
# PYTHON=python3.12  build the environment with this interpreter

RECENT := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$name $(RECENT) 2>/dev/null && echo $$name && break; done)
TORCH_INDEX ?=
PLAY ?=
PIECE ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
TORCH := $(shell sed -n 's/^torch==/torch==/p' constraints.txt)
RTX := $(shell sed -n -e '/^onnxruntime-ep-nv-/p' -e '/^tensorrt-rtx-/p' constraints.txt)
INSTALLED_FROM := pyproject.toml constraints.txt Makefile

.PHONY: play quick test test-gpu check soak bench picture clean system-play system-test

play: system-play .venv/play.stamp
	@if $(BIN)/python -m engine.windows.display; then $(BIN)/clavilux play $(PLAY); else $(BIN)/clavilux play --film $(PLAY); fi

quick: system-test .venv/test.stamp
	$(BIN)/python -m tools.quick

test: check
	$(BIN)/python -m pytest -m "not soak"

test-gpu: system-test .venv/test.stamp
	$(BIN)/python -m pytest -m gpu -rs

soak: system-test .venv/test.stamp
	$(BIN)/python -m tools.soak $(PIECE)

bench: system-test .venv/test.stamp
	mkdir -p out
	$(BIN)/clavilux bench stage --json out/bench-stage.json

picture: system-play .venv/play.stamp
	$(BIN)/clavilux render -o out/first-light.mp4
	$(BIN)/python -c "from pathlib import Path; from engine.outputs.contact_sheet import contact_sheet; \
		contact_sheet(Path('out/first-light.mp4'), Path('patches/demo/first-light.jpg'), pictures=12, columns=3, width=420)"

check: system-test .venv/test.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

system-play:
	@tools/system.sh "$(PYTHON)" play

system-test:
	@tools/system.sh "$(PYTHON)" test

.venv/bin/python: | system-play
	"$(PYTHON)" -m venv .venv

.venv/play.stamp: $(INSTALLED_FROM) | .venv/bin/python
	$(if $(TORCH_INDEX),$(PIP) --no-deps --index-url "$(TORCH_INDEX)" "$(TORCH)")
	$(PIP) --constraint constraints.txt --editable .
	@touch $@

.venv/test.stamp: $(INSTALLED_FROM) .venv/play.stamp | .venv/bin/python
	$(PIP) --constraint constraints.txt --editable ".[dev]"
	@[ "$$(uname -sm)" != "Linux x86_64" ] || $(PIP) --no-deps --only-binary=:all: $(RTX) || \
		{ echo "expected TensorRT for RTX from PyPI, which the tests build engines with: $(RTX); got no download" >&2; exit 1; }
	@touch $@

clean:
	rm -rf .venv build dist
