import pytest

from engine.stage.passes import PassError, load_passes, read_pass

GOOD = """// pass tilt
// order 5
// kind coordinate
// A remark.
// param amount 0.5 low=-1 high=1 doc="How far."
// param speed 0.2 low=0 high=2 rate doc="How fast."
// param steps 3 low=1 high=9
// param on true
vec2 tilt(vec2 uv) { return uv; }
"""


@pytest.fixture
def written(tmp_path):
    def write(text, name="tilt.glsl"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_the_header_declares_name_order_kind_and_parameters(written):
    item = read_pass(written(GOOD))
    assert (item.name, item.order, item.kind) == ("tilt", 5, "coordinate")
    assert {name: leaf.param.kind for name, leaf in item.leaves.items()} == {
        "amount": "float",
        "speed": "float",
        "steps": "int",
        "on": "bool",
    }
    assert item.leaves["amount"].param.low == -1.0
    assert item.leaves["amount"].param.doc == "How far."
    assert item.rates == {"speed"}
    assert "uniform int tilt_steps;" in item.uniforms


def test_a_byte_order_mark_is_no_part_of_a_shader(written):
    item = read_pass(written("\ufeff" + GOOD))
    assert item.name == "tilt"
    assert "\ufeff" not in item.text


def test_the_shelf_holds_the_passes_in_their_order(passes):
    assert [item.order for item in passes] == sorted(item.order for item in passes)
    assert len({item.name for item in passes}) == len(passes) > 0
    assert all(leaf.param.doc for item in passes for leaf in item.leaves.values())


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("// pass tilt\n", "", 1, "'// pass name'"),
        ("kind coordinate", "kind sideways", 1, "one of coordinate, pointwise"),
        ("order 5", "order soon", 1, "whole number"),
        ("amount 0.5", "amount half", 5, "a number, true or false"),
        ("low=-1 high=1", "low=1 high=1", 5, "low < high"),
        ("high=1 doc", "hihg=1 doc", 5, "expected low=, high="),
        ("steps 3 low=1", "steps 3 rate low=1", 7, "a float for a rate"),
        ('doc="How far."', 'doc="How far.', 5, "No closing quotation"),
        ("kind coordinate", "kind memory\n// param x 1.0", None, None),
    ],
)
def test_errors_name_file_and_line(written, old, new, line, says):
    assert old in GOOD
    path = written(GOOD.replace(old, new))
    if line is None:  # a pass with memory that has an amount is fine
        assert read_pass(path).optional
        return
    with pytest.raises(PassError, match=f"^{path}:{line}: ") as error:
        read_pass(path)
    assert says in str(error.value)


def test_a_pass_with_memory_needs_an_amount(written):
    path = written(GOOD.replace("kind coordinate", "kind memory").replace("param amount", "param length"))
    with pytest.raises(PassError, match="'amount'"):
        read_pass(path)


def test_two_passes_of_one_name_are_refused(written):
    with pytest.raises(PassError, match="a name of its own"):
        load_passes([written(GOOD), written(GOOD, "other.glsl")])
