"""Breaks OSC packets at random and parses them: `python -m tools.fuzz_osc [--packets N] [--seed N] [--json FILE]`.

Prints JSON: how many packets were refused, whether anything but a refusal came out (then it exits with 1), and what a packet
costs in microseconds. `same_*` is one ordinary packet parsed after each of the others: what the machine itself adds. `largest_us`
is the worst that is legal, in one packet as large as a datagram can be.
"""

import argparse
import json
import struct
import sys
import time
from pathlib import Path

from engine.remote.osc.mutations import BIN_US, trial
from engine.remote.osc.packet import MAX_ARGUMENTS, MAX_BYTES, MAX_MESSAGES, parse


def main() -> None:
    """Print the figures, and write them to a file if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packets", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result = trial(options.packets, options.seed)
    figures = {
        "packets": result.packets,
        "seed": options.seed,
        "refused": result.refused,
        "uncaught": len(result.uncaught),
        "uncaught_first": result.uncaught[:10],
        "parser_us_p50": result.timing.quantile_us(0.5),
        "parser_us_p99": result.timing.quantile_us(0.99),
        "parser_us_p999": result.timing.quantile_us(0.999),
        "parser_us_max": result.timing.most_us,
        "same_us_p50": result.same.quantile_us(0.5),
        "same_us_p999": result.same.quantile_us(0.999),
        "same_us_max": result.same.most_us,
        "largest_us": {name: _least_us(packet) for name, packet in largest().items()},
        "bin_us": BIN_US,
        "histogram": result.timing.histogram(),
    }
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps({name: value for name, value in figures.items() if name != "histogram" or not options.json}, indent=1))
    sys.exit(1 if result.uncaught else 0)


def largest() -> dict[str, bytes]:
    """Legal packets that cost the most."""
    strings = b"/s\0\0," + b"s" * MAX_ARGUMENTS + bytes(3) + b"abc\0" * MAX_ARGUMENTS
    mixed = b"/m\0\0," + b"if" * (MAX_ARGUMENTS // 2) + bytes(3) + bytes(4 * MAX_ARGUMENTS)
    short = struct.pack(">i", 8) + b"/x\0\0,T\0\0"
    messages = b"#bundle\0" + bytes(8) + short * MAX_MESSAGES
    return {
        f"{MAX_ARGUMENTS} strings": strings,
        f"{MAX_ARGUMENTS} numbers of two types": mixed,
        f"{MAX_MESSAGES} messages": messages,
        "a blob": b"/b\0\0,b\0\0" + struct.pack(">i", MAX_BYTES - 15 & ~3) + bytes(MAX_BYTES - 15 & ~3),
    }


def _least_us(packet: bytes) -> float:
    took = []
    for _ in range(20):
        began_ns = time.perf_counter_ns()
        parse(packet)
        took.append((time.perf_counter_ns() - began_ns) / 1e3)
    return min(took)


if __name__ == "__main__":
    main()
