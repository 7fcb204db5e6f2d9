import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import glfw
import moderngl
import numpy as np
import pytest

from engine.core.types import ByteArray, FeatureFrame
from engine.windows.keys import KEYS, KeyCommand
from engine.windows.operator_page import AMBER, HELP_ROWS, PAGE, RED, TEAL, Colour
from engine.windows.operator_state import OperatorState
from engine.windows.operator_window import REDRAW_HZ, OperatorWindow
from engine.windows.output_window import OutputWindow

Eventually = Callable[[Callable[[], bool]], None]


def state(**changes: object) -> OperatorState:
    features = FeatureFrame(
        tick=1,
        time_s=1.0,
        t_heard=time.monotonic(),
        values={"level": 0.5, "tempo_bpm": 120.0},
        vectors={"bands": np.linspace(0, 1, 8, dtype=np.float32), "chroma": np.eye(12, dtype=np.float32)[5]},
        events=(),
    )
    plain = OperatorState("first-light", "light", "openvino", "demo", features, {}, 61.0, 30.0, 26.0, 60.0, (320, 180))
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.fixture
def output(screen: object) -> Iterator[OutputWindow]:
    with closing(OutputWindow((120, 60))) as made:
        glfw.set_window_pos(made.handle, 1150, 730)
        yield made


@pytest.fixture
def operator(output: OutputWindow) -> Iterator[OperatorWindow]:
    with closing(OperatorWindow(output)) as made:
        glfw.set_window_pos(made.handle, 0, 0)
        yield made


@pytest.fixture
def page(output, operator, screen, eventually) -> Callable[..., ByteArray]:
    """Draws a state and returns what is on the screen once two shots agree that it has been drawn."""
    grey = output.context.texture((64, 36), 4, np.full((36, 64, 4), 77, np.uint8).tobytes())

    def draw(shown: OperatorState, preview: moderngl.Texture = grey) -> ByteArray:
        before = operator.drawn

        def done() -> bool:
            output.poll()
            operator.draw(preview, shown)
            return operator.drawn >= before + 2

        eventually(done)
        return screen.shot()[: PAGE[1], : PAGE[0]]

    return draw


def near(rgb: ByteArray, colour: Colour) -> np.ndarray:
    return (np.abs(rgb.astype(int) - np.array(colour) * 255) < 6).all(axis=-1)


def test_the_preview_shows_what_the_audience_sees_upright_and_in_proportion(page, output) -> None:
    picture = np.full((50, 50, 4), 255, np.uint8)
    picture[:25, :, :3], picture[25:, :, :3] = (200, 10, 10), (10, 10, 200)
    square = output.context.texture((50, 50), 4, np.ascontiguousarray(picture[::-1]).tobytes())
    shot = page(state(), square)
    assert (shot[40, 170:510] == (200, 10, 10)).all()
    assert (shot[360, 170:510] == (10, 10, 200)).all()
    assert (shot[40, [150, 530]] == shot[5, 5]).all()  # 360 of 640: the rest is paper


def test_meters_follow_the_sound(page) -> None:
    shot = page(state())
    level = near(shot[500:618, 161], AMBER)
    assert level.mean() == pytest.approx(0.5, abs=0.03)
    assert level[-30:].all()
    middles = (198 + (np.arange(8) + 0.5) * 190 / 8).astype(int)
    assert near(shot[500:618, middles], TEAL).mean(axis=0) == pytest.approx(np.linspace(0, 1, 8), abs=0.03)
    assert near(shot[500:618, 414 + 19 * 5 + 9], AMBER).mean() > 0.9  # F, the only note there is
    silent = page(state(features=None))
    assert not near(silent[500:618, 150:645], AMBER).any()


def test_a_lamp_lights_up_and_fades(page) -> None:
    shot = page(state(last_heard={"snare": time.monotonic() + 60.0}))
    lamps = [near(shot[511 + 38 * place, 49], AMBER).item() for place in range(4)]
    assert lamps == [False, False, True, False]
    assert not near(page(state(last_heard={"snare": time.monotonic() - 5.0}))[511 + 76, 49], AMBER)


@pytest.mark.parametrize(
    ("place", "change", "colour"),
    [
        (0, {"live": True}, TEAL),
        (1, {"frozen": True}, AMBER),
        (2, {"blackout": True}, RED),
        (3, {"panic": True}, RED),
        (4, {"recording_s": 75.0}, RED),
    ],
)
def test_each_switch_shows_that_it_is_on(page, place: int, change: dict[str, object], colour: Colour) -> None:
    at = [20 + round(number * 130) + 6 for number in range(5)]
    assert near(page(state(**change))[400, at], colour).tolist() == [number == place for number in range(5)]
    assert not any(near(page(state())[400, at], wanted).any() for wanted in (TEAL, AMBER, RED))


@pytest.mark.parametrize(
    ("where", "change"),
    [
        ((20, 136, 676, 1100), {"patch": "second"}),
        ((20, 136, 676, 1100), {"model": "other"}),
        ((20, 136, 676, 1100), {"runtime": "torch"}),
        ((20, 136, 676, 1100), {"sound": "USB Audio"}),
        ((150, 224, 676, 883), {"display_fps": 59.9}),
        ((150, 224, 893, 1100), {"generator_fps": 12.0}),
        ((234, 308, 676, 883), {"latency_ms": 91.0}),
        ((234, 308, 893, 1100), {"internal_size": (640, 360)}),
        ((318, 392, 893, 1100), {"time_s": 3600.0}),
        ((402, 660, 676, 1100), {"messages": ("expected a float; got nan",)}),
        ((440, 475, 20, 660), {"master": 0.3}),
    ],
)
def test_every_figure_has_its_own_place(page, where: tuple[int, ...], change: dict[str, object]) -> None:
    top, bottom, left, right = where
    plain, changed = page(state()), page(state(**change))
    different = (plain != changed).any(axis=-1)
    assert different[top:bottom, left:right].any()
    different[top:bottom, left:right] = False
    assert not different.any()


def test_the_newest_of_too_many_and_too_long_messages_is_readable(page) -> None:
    newest = "expected a shader that compiles; got an error"
    alone = page(state(messages=(newest,)))
    crowd = page(state(messages=(*(f"{'word ' * number}{'x' * 80}" for number in range(30)), newest)))
    rows = [np.flatnonzero((shot[440:655, 690:1090] > 200).any(axis=(1, 2))) for shot in (alone, crowd)]
    height = np.ptp(rows[0])
    assert np.array_equal(
        alone[440 + rows[0][0] :, 690:1090][: height + 1], crowd[440 + rows[1][-1] - height :, 690:1090][: height + 1]
    )
    assert rows[1][-1] < 215  # inside the card


def test_keys_work_from_the_operators_window_and_h_shows_them_there_only(page, output, operator, screen, eventually) -> None:
    plain = page(state())
    got: list[KeyCommand] = []
    screen.press(operator.handle, "f", "4", "h")

    def all_there() -> bool:
        got.extend(output.poll())
        return output.keyboard.help_shown

    eventually(all_there)
    assert got == [KeyCommand("/freeze"), KeyCommand("patch", 4)]
    helped = page(state())
    different = (plain != helped).any(axis=-1)
    assert different[20:380, 20:660].mean() > 0.95
    different[20:380, 20:660] = False
    assert not different.any()
    assert len([key for key in KEYS if key.label]) <= 2 * HELP_ROWS


def test_a_resized_operators_window_scales_its_page(page, operator, screen, eventually, output) -> None:
    glfw.set_window_size(operator.handle, PAGE[0] // 2, PAGE[1] // 2)
    eventually(lambda: not output.poll() and glfw.get_framebuffer_size(operator.handle) == (PAGE[0] // 2, PAGE[1] // 2))
    shot = page(state(frozen=True))
    assert near(shot[200, 20 // 2 + 65 + 3], AMBER)
    assert not near(shot[400, 20 + 130 + 6], AMBER)


def test_drawing_it_ten_times_a_second_is_all_that_the_show_pays(output, operator) -> None:
    picture = output.context.texture((64, 36), 4, bytes(64 * 36 * 4))
    start_s = time.monotonic()
    calls = 0
    while time.monotonic() - start_s < 1.0 or calls < 20 * REDRAW_HZ:
        operator.draw(picture, state())
        calls += 1
    assert 1 <= operator.drawn <= REDRAW_HZ * (time.monotonic() - start_s) + 1
    assert glfw.get_current_context() is not None
    output.show(picture)  # the output's context is current again


def test_the_show_goes_on_after_the_operators_window_is_closed(output, screen, eventually) -> None:
    operator = OperatorWindow(output)
    picture = output.context.texture((120, 60), 4, np.full((60, 120, 4), 99, np.uint8).tobytes())
    operator.draw(picture, state())
    assert not operator.should_close
    glfw.set_window_should_close(operator.handle, True)
    assert operator.should_close
    operator.close()
    operator.close()  # by the show's end, once more

    def shown() -> bool:
        output.poll()
        output.show(picture)
        return bool((screen.shot()[735:785, 1155:1265] == 99).all())

    eventually(shown)
