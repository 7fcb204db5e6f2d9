"""Breaks OSC packets at random and parses them: `python -m tools.fuzz_osc [--packets N] [--seed N] [--clock cpu] [--json FILE]`.

Prints JSON: how many packets were refused, whether anything but a refusal came out (then it exits with 1), and what a packet
costs in microseconds. `same_*` is one ordinary packet parsed after each of the others: what the machine itself adds. `largest_us`
is the worst that is legal, in one packet as large as a datagram can be. `match_us` is the worst of 64 patterns of a kind, read
and matched against one name; `expansion_us` the same over a whole tree of 300 addresses.
"""

import argparse
import contextlib
import json
import struct
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from engine.bench.osc_mutations import BIN_US, trial
from engine.control.tree import ParamTree
from engine.core.params import Leaf, Param
from engine.remote.osc.packet import MAX_ARGUMENTS, MAX_BYTES, MAX_MESSAGES, PacketError, parse
from engine.remote.osc.pattern import Addresses
from engine.remote.osc.wildcards import Name, read_part

CLOCKS = {"wall": time.perf_counter_ns, "cpu": time.thread_time_ns}


def main() -> None:
    """Print the figures, and write them to a file if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packets", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu leaves out what other processes take")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result = trial(options.packets, options.seed, CLOCKS[options.clock])
    expansion = partial(expansion_us, Addresses(wide_tree(300)))
    figures = {
        "packets": result.packets,
        "seed": options.seed,
        "clock": options.clock,
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
        "largest_us": {name: _least_us(partial(parse, packet)) for name, packet in largest().items()},
        "match_us": {kind: max(map(match_us, patterns)) for kind, patterns in hard_patterns().items()},
        "expansion_us": {kind: max(map(expansion, patterns)) for kind, patterns in hard_patterns().items()},
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


def hard_patterns() -> dict[str, list[str]]:
    """Patterns that hurt matchers which go back: 1 to 64 wildcards, as far as 240 characters hold them."""
    kinds = {
        "stars": "*",
        "stars apart": "*a",
        "questions": "?",
        "brackets": "[a]",
        "wide brackets": "[ -~]",
        "braces": "{a}",
        "braces of two": "{a,b}",
        "stars and brackets": "*[a-z]",
        "stars and braces": "*{a,aa}",
    }
    hard = {kind: [piece * min(count, 240 // len(piece)) + "b" for count in range(1, 65)] for kind, piece in kinds.items()}
    names = ["a" * (number % 9 + 1) + chr(97 + number // 9) for number in range(64)]
    hard["names in braces"] = ["{" + ",".join(names[:count])[:240].rstrip(",") + "}*" for count in range(1, 65)]
    hard["open brackets"] = ["[" * count for count in range(1, 65)]
    hard["open braces"] = ["{" * count for count in range(1, 65)]
    return hard


def match_us(pattern: str) -> float:
    """What one part of a pattern costs: read, and matched against a name of 28 characters."""
    name = Name("a" * 28)
    return _least_us(lambda: read_part(pattern).matches(name))


def expansion_us(addresses: Addresses, pattern: str) -> float:
    """What it costs to find a fresh pattern's addresses, at whatever depth."""
    addresses.matching("//*")  # builds what is kept until the tree changes
    fresh = ("/" * slashes + pattern for slashes in range(2, 7))  # they mean the same, and none is remembered
    return _least_us(lambda: addresses.matching(next(fresh)), 5)


def wide_tree(count: int) -> ParamTree:
    """A parameter tree of `count` addresses with long and short names, some of which begin alike."""
    board = ParamTree()
    leaf = Param(0.5, doc="A level.")
    board.attach("shader", {f"bloom{number}/amount": Leaf(leaf) for number in range(count // 4)})
    board.attach("classes", {"a" * (number % 24) + f"class-{number}": Leaf(leaf) for number in range(count - count // 4)})
    return board


def _least_us(call: Callable[[], object], times: int = 8) -> float:
    took = []
    for _ in range(times):
        began_ns = time.perf_counter_ns()
        with contextlib.suppress(PacketError):
            call()
        took.append((time.perf_counter_ns() - began_ns) / 1e3)
    return min(took)


if __name__ == "__main__":
    main()
