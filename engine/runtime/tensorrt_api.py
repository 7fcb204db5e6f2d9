"""Finds NVIDIA's TensorRT and TensorRT for RTX: one interface, two products, which bring their libraries in different ways."""

import ctypes
import importlib
import importlib.util
import os
import sys
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.core.extras import install_command

BUNDLE = "onnxruntime_ep_nv_tensorrt_rtx"  # a package on PyPI that holds the libraries of TensorRT for RTX
_MODULES = {"tensorrt": "tensorrt", "tensorrt-rtx": "tensorrt_rtx_bindings"}
PRODUCTS = tuple(_MODULES)
INSTALL = {"tensorrt": install_command("tensorrt"), "tensorrt-rtx": install_command("rtx")}
_LIBRARIES = ("cudart", "tensorrt_rtx", "tensorrt_onnxparser_rtx")  # each needs the ones before it
_HEARD = 32  # complaints that are kept


@dataclass(frozen=True, slots=True)
class Api:
    """One of the two products, ready to be used.

    `module` is the library's own Python module, the same classes in both. `portable`: it also builds plans for cards that are
    not here. `half_filters`: it convolves each map by itself in half precision too. `logger` is to be given to every builder,
    parser and runtime; what goes wrong in them is then in `complaints`.
    """

    product: str
    version: str
    module: Any
    portable: bool
    half_filters: bool
    logger: Any
    heard: deque[str]

    def complaints(self) -> str:
        """The errors that the library has logged since this was last asked, in one line."""
        found = list(dict.fromkeys(self.heard))
        self.heard.clear()
        return "; ".join(found)


_loaded: dict[str, Api] = {}
_loading = threading.Lock()


def load(product: str) -> Api:
    """The product named `tensorrt` or `tensorrt-rtx`.

    Raises ValueError for another name, RuntimeError where it is not installed or does not load: one line that says what to do.
    """
    if product not in PRODUCTS:
        raise ValueError(f"expected a product, one of {', '.join(PRODUCTS)}; got {product!r}")
    with _loading:
        if product not in _loaded:
            _loaded[product] = _load(product)
    return _loaded[product]


def _load(product: str) -> Api:
    name = _MODULES[product]
    if importlib.util.find_spec(name) is None:
        raise RuntimeError(f"expected {product}, which is not installed: {INSTALL[product]}")
    try:
        if product == "tensorrt-rtx" and importlib.util.find_spec("tensorrt_rtx_libs") is None:
            _preload_bundle()
        module = importlib.import_module(name)
    except (ImportError, OSError) as error:  # OSError: a library that is damaged, or of another system
        raise RuntimeError(f"expected {product} to load; got {_one_line(error)}: {INSTALL[product]}") from error
    heard: deque[str] = deque(maxlen=_HEARD)
    for_rtx = product == "tensorrt-rtx"
    # TensorRT 11.2 finds no kernels for grouped convolutions in half (NVIDIA/TensorRT 4838); TensorRT for RTX 1.7 builds them.
    return Api(product, module.__version__, module, for_rtx, for_rtx, _logger(module, heard), heard)


def _preload_bundle() -> None:
    """Load the libraries that the bundle holds, where the bindings then find them. Raises ImportError, OSError."""
    spec = importlib.util.find_spec(BUNDLE)  # not imported: it would load onnxruntime and change its own files
    if spec is None or spec.origin is None:
        raise ImportError(f"no package {BUNDLE}, which holds its libraries")
    folder = Path(spec.origin).parent
    if sys.platform == "win32":  # there the bindings load them by name
        os.environ["PATH"] = os.pathsep.join([str(folder), os.environ.get("PATH", "")])
        os.add_dll_directory(str(folder))
        return
    for library in _LIBRARIES:
        files = sorted(folder.glob(f"lib{library}.so.*"))
        if not files:
            raise ImportError(f"no lib{library}.so in {folder}")
        ctypes.CDLL(str(files[-1]), ctypes.RTLD_GLOBAL)


def _logger(module: Any, heard: deque[str]) -> Any:
    """A logger that keeps errors and forgets the rest. The library calls it from any of its threads."""

    class Logger(module.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            module.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:
            if severity in (module.ILogger.Severity.ERROR, module.ILogger.Severity.INTERNAL_ERROR):
                heard.append(_one_line(message))

    return Logger()


def _one_line(message: object) -> str:
    return " ".join(str(message).split())
