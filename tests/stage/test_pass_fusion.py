from itertools import product

from engine.stage.pass_fusion import split


def names(passes, active):
    return [[item.name for item in segment.passes] for segment in split(passes, active)]


def test_what_needs_no_neighbours_is_one_program(passes):
    assert names(passes, set()) == [["zoom", "warp", "kaleidoscope", "flash", "grade"]]


def test_memory_ends_a_program_and_neighbours_begin_one(passes):
    assert names(passes, {"feedback"}) == [["zoom", "warp", "kaleidoscope", "feedback"], ["flash", "grade"]]
    assert names(passes, {"bloom"}) == [["zoom", "warp", "kaleidoscope"], ["bloom", "flash", "grade"]]
    assert names(passes, {"feedback", "bloom"}) == [["zoom", "warp", "kaleidoscope", "feedback"], ["bloom", "flash", "grade"]]
    assert names(passes, {"displace", "glitch"}) == [["zoom", "warp", "kaleidoscope"], ["displace"], ["glitch", "flash", "grade"]]


def test_a_pass_that_reads_neighbours_may_come_first_or_be_alone(passes):
    only = [item for item in passes if item.name in ("displace", "feedback")]
    assert names(only, {"displace"}) == [[], ["displace"]]
    assert names(only, {"displace", "feedback"}) == [[], ["displace", "feedback"]]
    assert names(only, set()) == [[]]


def test_order_is_kept_and_nothing_is_lost_or_doubled(passes):
    optional = [item.name for item in passes if item.optional]
    for choice in product((False, True), repeat=len(optional)):
        active = {name for name, on in zip(optional, choice, strict=True) if on}
        drawn = [name for segment in names(passes, active) for name in segment]
        assert drawn == [item.name for item in passes if not item.optional or item.name in active]
