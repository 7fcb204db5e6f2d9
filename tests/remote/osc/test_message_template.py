import numpy as np
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import build_msg

from engine.remote.osc.message_template import LARGEST, Template, element, packets


def test_a_template_lays_out_what_is_built_message_by_message():
    messages = [(f"/feature/{'x' * (number % 7)}{number}", number % 4 + 1) for number in range(200)]
    numbers = np.random.default_rng(0).random(sum(count for _, count in messages)).astype(np.float32).tolist()
    runs = Template(messages).fill(numbers)
    whole, at = b"", 0
    for address, count in messages:
        message = build_msg(address, numbers[at : at + count]).dgram
        assert element(address, *numbers[at : at + count])[4:] == message
        whole, at = whole + len(message).to_bytes(4, "big") + message, at + count
    assert b"".join(runs) == whole
    bundles = packets(runs)
    assert len(bundles) > 5
    assert max(map(len, bundles)) <= LARGEST
    assert [message.address for bundle in bundles for message in OscBundle(bundle)] == [address for address, _ in messages]
    assert packets(Template(()).fill(())) == []


def test_a_text_is_cut_and_what_osc_cannot_say_is_replaced():
    message = OscMessage(element("/status/message", "größe\0" + "x" * 5000)[4:])
    assert message.params == ["gr??e?" + "x" * 194]
