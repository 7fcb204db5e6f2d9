import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing

import glfw
import moderngl
import numpy as np
import pytest

from engine.core.types import ByteArray
from engine.windows.display import DisplayError, displays_available, monitor_names
from engine.windows.keys import NUDGE_BEATS, KeyCommand
from engine.windows.output_window import OutputWindow

Eventually = Callable[[Callable[[], bool]], None]


@pytest.fixture
def window(screen: object) -> Iterator[OutputWindow]:
    with closing(OutputWindow((640, 360))) as made:
        glfw.set_window_pos(made.handle, 100, 50)
        yield made


def quadrants(width: int, height: int) -> ByteArray:
    """Four plain colours, top row first: red, green over blue, grey."""
    picture = np.full((height, width, 4), 255, np.uint8)
    picture[: height // 2, : width // 2, :3] = (250, 10, 20)
    picture[: height // 2, width // 2 :, :3] = (20, 240, 30)
    picture[height // 2 :, : width // 2, :3] = (40, 50, 230)
    picture[height // 2 :, width // 2 :, :3] = (128, 129, 130)
    return picture


def texture_of(window: OutputWindow, picture: ByteArray) -> moderngl.Texture:
    return window.context.texture(picture.shape[1::-1], 4, np.ascontiguousarray(picture[::-1]).tobytes())


def show_until(window: OutputWindow, picture: moderngl.Texture, so: Callable[[], bool], eventually: Eventually) -> None:
    def step() -> bool:
        window.poll()
        window.show(picture)
        return so()

    eventually(step)


def test_the_window_shows_the_picture_upright_and_nothing_else(window, screen, eventually) -> None:
    wanted = quadrants(640, 360)[..., :3]
    texture = texture_of(window, quadrants(640, 360))
    show_until(window, texture, lambda: np.array_equal(screen.shot()[50:410, 100:740], wanted), eventually)
    around = screen.shot().copy()
    around[50:410, 100:740] = 0
    assert not around.any()


def test_a_framebuffer_is_shown_as_its_texture_is(window, screen, eventually) -> None:
    wanted = quadrants(640, 360)[..., :3]
    drawn = window.context.framebuffer([texture_of(window, quadrants(640, 360))])
    show_until(window, drawn, lambda: np.array_equal(screen.shot()[50:410, 100:740], wanted), eventually)


def test_another_shape_keeps_its_proportions_between_black_bars(window, screen, eventually) -> None:
    texture = texture_of(window, np.full((90, 90, 4), 200, np.uint8))
    columns = np.zeros(640, bool)
    columns[140:500] = True  # 360 of 640: a square as high as the window
    show_until(
        window,
        texture,
        lambda: np.array_equal((screen.shot()[50:410, 100:740] == 200).all(axis=(0, 2)), columns),
        eventually,
    )
    assert not screen.shot()[50:410, 100:240].any()
    assert not screen.shot()[50:410, 600:740].any()


def test_state_that_passes_leave_behind_does_not_reach_the_screen(window, screen, eventually) -> None:
    wanted = quadrants(640, 360)[..., :3]
    texture = texture_of(window, quadrants(640, 360))
    window.context.enable(moderngl.BLEND | moderngl.DEPTH_TEST | moderngl.CULL_FACE)
    window.context.blend_func = moderngl.ONE, moderngl.ONE
    show_until(window, texture, lambda: np.array_equal(screen.shot()[50:410, 100:740], wanted), eventually)


def test_a_resize_is_told_once_and_the_picture_follows(window, screen, eventually) -> None:
    window.poll()
    texture = texture_of(window, quadrants(640, 360))
    screen.xdotool("windowsize", glfw.get_x11_window(window.handle), 800, 450)
    told = []

    def resized() -> bool:
        window.poll()
        told.append(window.resized)
        return window.resized

    eventually(resized)
    assert window.size == (800, 450)
    window.poll()
    assert not window.resized
    corner = quadrants(640, 360)[-1, -1, :3]
    show_until(window, texture, lambda: np.array_equal(screen.shot()[50 + 449, 100 + 799], corner), eventually)


def test_full_screen_covers_the_monitor_and_f11_goes_back_to_the_same_place(window, screen, eventually) -> None:
    texture = texture_of(window, quadrants(1280, 800))
    screen.press(window.handle, "F11")
    show_until(window, texture, lambda: np.array_equal(screen.shot(), quadrants(1280, 800)[..., :3]), eventually)
    assert window.fullscreen
    assert window.size == screen.size
    screen.press(window.handle, "F11")
    show_until(window, texture, lambda: window.size == (640, 360), eventually)
    assert not window.fullscreen
    eventually(lambda: glfw.get_window_pos(window.handle) == (100, 50))


def test_full_screen_from_the_start_on_a_monitor_by_name(screen, eventually) -> None:
    (name,) = monitor_names()
    with closing(OutputWindow(monitor=name[:4].upper(), fullscreen=True)) as window:
        texture = texture_of(window, quadrants(1280, 800))
        show_until(window, texture, lambda: np.array_equal(screen.shot(), quadrants(1280, 800)[..., :3]), eventually)
        assert glfw.get_input_mode(window.handle, glfw.CURSOR) == glfw.CURSOR_HIDDEN
        assert window.refresh_hz >= 24.0


def test_full_screen_stays_when_the_focus_leaves(screen, eventually, tmp_path) -> None:
    if shutil.which("blackbox") is None:
        pytest.skip("no window manager here: focus is not tested (apt-get install blackbox)")
    surroundings = os.environ | {"HOME": str(tmp_path)}  # where it leaves its settings
    manager = subprocess.Popen(("blackbox",), env=surroundings, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: has_window_manager(screen.name))
        with closing(OutputWindow((640, 360), fullscreen=True)) as window:
            glfw.default_window_hints()
            other = glfw.create_window(300, 200, "another program", None, None)
            texture = texture_of(window, quadrants(1280, 800))

            def has_focus(one: object, is_so: bool) -> bool:
                screen.focus(one)
                window.poll()
                return bool(glfw.get_window_attrib(window.handle, glfw.FOCUSED)) is is_so

            show_until(window, texture, lambda: has_focus(window.handle, True), eventually)
            show_until(window, texture, lambda: has_focus(other, False), eventually)
            for _ in range(20):
                window.poll()
                window.show(texture)
            assert not glfw.get_window_attrib(window.handle, glfw.ICONIFIED)
            assert window.fullscreen
            glfw.destroy_window(other)
    finally:
        manager.terminate()
        manager.wait(10)


def test_a_monitor_that_was_unplugged_is_filled_again_when_it_is_back(window, screen, eventually) -> None:
    if shutil.which("xrandr") is None:
        pytest.skip("no xrandr here: no monitor is unplugged (apt-get install x11-xserver-utils)")
    texture = texture_of(window, quadrants(1280, 800))
    window.toggle_fullscreen()
    show_until(window, texture, lambda: window.size == screen.size, eventually)
    subprocess.run(("xrandr", "--output", "screen", "--off"), capture_output=True, timeout=20)
    show_until(window, texture, lambda: not monitor_names(), eventually)
    assert window.refresh_hz >= 24.0
    subprocess.run(("xrandr", "--output", "screen", "--auto"), capture_output=True, timeout=20)
    show_until(window, texture, lambda: window.fullscreen, eventually)
    show_until(window, texture, lambda: np.array_equal(screen.shot(), quadrants(1280, 800)[..., :3]), eventually)
    window.toggle_fullscreen()
    show_until(window, texture, lambda: window.size == (640, 360), eventually)


def test_keys_of_the_performer_become_commands(window, screen, eventually) -> None:
    got: list[KeyCommand] = []
    screen.press(window.handle, "3", "i", "F", "bracketright", "Down", "ctrl+b", "s", "r", "p", "b")

    def all_there() -> bool:
        got.extend(window.poll())
        return len(got) >= 9

    eventually(all_there)
    assert [(action.name, action.value) for action in got] == [
        ("patch", 3),
        ("/live", None),
        ("/freeze", None),
        ("/master/level", 0.05),
        ("/master/level", -0.05),
        ("/shot", None),
        ("/record", None),
        ("/panic", None),
        ("/blackout", None),
    ]


def test_keys_of_the_tempo_become_commands(window, screen, eventually) -> None:
    got: list[KeyCommand] = []
    screen.press(window.handle, "t", "Return", "KP_Enter", "comma", "period", "minus", "equal", "l", "k", "Left", "Right")

    def all_there() -> bool:
        got.extend(window.poll())
        return len(got) >= 11

    eventually(all_there)
    words = ("tempo/tap", "tempo/resync", "tempo/resync", "tempo/nudge", "tempo/nudge", "tempo/half", "tempo/double")
    words += ("tempo/release", "sync/calibrate", "sync/offset_ms", "sync/offset_ms")
    assert [action.name for action in got] == [f"/{word}" for word in words]
    assert got[3].value == -NUDGE_BEATS
    assert got[4].value == NUDGE_BEATS


def test_closing_the_window_from_the_desktop_is_told(window) -> None:
    assert not window.should_close
    glfw.set_window_should_close(window.handle, True)
    assert window.should_close


def test_a_monitor_that_is_waited_for_is_filled_when_it_comes(window, screen, eventually) -> None:
    if shutil.which("xrandr") is None:
        pytest.skip("no xrandr here: no monitor is unplugged (apt-get install x11-xserver-utils)")
    texture = window.context.texture((64, 32), 4)
    (name,) = monitor_names()
    window.await_monitor("projector 9", True)
    window.poll()
    assert not window.fullscreen
    subprocess.run(("xrandr", "--output", "screen", "--off"), capture_output=True, timeout=20)
    show_until(window, texture, lambda: not monitor_names(), eventually)
    window.await_monitor(name[:4].upper(), True)
    window.poll()
    assert not window.fullscreen
    subprocess.run(("xrandr", "--output", "screen", "--auto"), capture_output=True, timeout=20)
    show_until(window, texture, lambda: window.fullscreen, eventually)


def test_an_unknown_monitor_is_refused_with_the_list(screen) -> None:
    with pytest.raises(DisplayError) as caught:
        OutputWindow(monitor="projector 9")
    assert str(caught.value) == f"expected a monitor, one of {', '.join(monitor_names())}; got 'projector 9'"


def test_a_display_is_found_where_there_is_one(screen) -> None:
    assert displays_available() == (True, "")


@pytest.mark.parametrize(("display", "reason"), [(None, "got neither DISPLAY nor WAYLAND_DISPLAY"), (":4711", "from GLFW")])
def test_why_there_is_no_window_is_said_in_words(display: str | None, reason: str) -> None:
    code = "from engine.windows.display import displays_available; print(*displays_available())"
    rest = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    surroundings = rest if display is None else {**rest, "DISPLAY": display}
    run = subprocess.run((sys.executable, "-c", code), env=surroundings, capture_output=True, text=True, timeout=60)
    assert run.stdout.startswith("False expected a display; got ")
    assert reason in run.stdout


def has_window_manager(display: str) -> bool:
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(x11.XOpenDisplay(display.encode()))
    atom = x11.XInternAtom(connection, b"_NET_SUPPORTING_WM_CHECK", True)
    x11.XCloseDisplay(connection)
    return bool(atom)
