import contextlib
import gc
import itertools
import json
import os
import subprocess
import sys
import time

import pytest

from engine.bench.osc_mutations import corpus, endless, trial
from engine.control.tree import ParamTree
from engine.core.params import Leaf, Param
from engine.remote.osc.packet import Message, PacketError, parse
from engine.remote.osc.pattern import Addresses, is_pattern


def check(packets: int, seed: int) -> None:
    result = trial(packets, seed, clock=time.thread_time_ns)  # other tests may run beside this one
    assert gc.isenabled()
    assert result.uncaught == []
    assert result.packets == packets
    assert 0.3 * packets < result.refused < 0.9 * packets  # neither all harmless nor all rubbish
    assert result.timing.quantile_us(0.999) < 500.0  # the goal is 50 us


def test_a_hundred_thousand_broken_packets():
    check(100_000, seed=1)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_ten_million_broken_packets():
    """FUZZ_PACKETS and FUZZ_SEED choose others."""
    check(int(os.environ.get("FUZZ_PACKETS", "10_000_000")), int(os.environ.get("FUZZ_SEED", "2")))


def test_the_packets_before_they_are_broken_are_all_taken():
    for packet in corpus():
        assert parse(packet)


def test_a_seed_gives_the_same_packets_again():
    first, again, other = (list(itertools.islice(endless(seed), 500)) for seed in (7, 7, 8))
    assert first == again
    assert first != other
    assert len(set(first)) > 300


def test_whatever_comes_out_is_a_message_and_its_address_a_name_or_a_pattern_or_refused():
    board = ParamTree()
    board.attach("walk", {"jitter": Leaf(Param(0.5, doc="Jitter.")), "speed": Leaf(Param(0.5, doc="Speed."))})
    addresses = Addresses(board)
    patterns = 0
    for packet in itertools.islice(endless(3), 20_000):
        try:
            messages = parse(packet)
        except PacketError:
            continue
        for message in messages:
            assert type(message) is Message
            assert message.address.startswith("/")
            assert message.address.isascii()
            if is_pattern(message.address):
                patterns += 1
                with contextlib.suppress(PacketError):
                    assert set(addresses.matching(message.address)) <= set(board)
    assert patterns > 100


def test_the_command_prints_what_it_found(tmp_path):
    out = tmp_path / "fuzz.json"
    command = [sys.executable, "-m", "tools.fuzz_osc", "--packets", "2000", "--seed", "4", "--json", str(out)]
    subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=120)
    figures = json.loads(out.read_text())
    assert figures["packets"] == 2_000
    assert figures["uncaught"] == 0
    assert sum(figures["histogram"].values()) == 2_000
    assert 0 < figures["parser_us_p50"] <= figures["parser_us_p99"] <= figures["parser_us_p999"] <= figures["parser_us_max"]
