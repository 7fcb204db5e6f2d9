"""How a network is executed, and the process it runs in."""

import sys

# OpenVINO's converter reports its use over the network, unasked, unless this package is missing.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
