from engine.guard.show_watchdog import (
    AGAIN_LIMIT_S,
    END_LIMIT_S,
    HANG_S,
    LOOK_S,
    MOST_PAUSE_S,
    SAFE_S,
    START_LIMIT_S,
    WAIT_LIMIT_S,
    CrashCounter,
    Watch,
)


class Observed:
    """A show seen with a clock of our own: each step is a look, and before it a beat."""

    def __init__(self, started_s: float | None = None) -> None:
        self.now_s = 100.0
        self.watch = Watch(self.now_s, started_s)

    def live(
        self, seconds: float, line: str = "", *, stopped: bool = False, starved: float = 0.0, look_s: float = LOOK_S
    ) -> tuple[str, float]:
        """The verdict, and after how long it came; "" if none did."""
        began_s = self.now_s
        while self.now_s < began_s + seconds:
            self.now_s += look_s
            if line:
                self.watch.beat(line)
            fault = self.watch.look(self.now_s, stopped, starved * look_s)
            if fault:
                return fault, self.now_s - began_s
        return "", seconds

    def play(self, seconds: float, fps: float = 60.0) -> None:
        first, began_s = self.watch.frames, self.now_s
        while self.now_s < began_s + seconds:
            assert self.live(LOOK_S / 2, f"showing {first + 1 + int((self.now_s - began_s) * fps)}") == ("", LOOK_S / 2)


def test_a_show_may_take_minutes_to_start_but_not_for_ever() -> None:
    show = Observed()
    assert show.live(START_LIMIT_S - 1, "starting 0")[0] == ""
    assert show.live(10, "starting 0")[0].startswith("did not start for 300")


def test_a_show_that_has_started_before_must_start_again_soon() -> None:
    fault, after_s = Observed(started_s=1.0).live(100, "starting 0")
    assert fault.startswith("did not start")
    assert AGAIN_LIMIT_S <= after_s < AGAIN_LIMIT_S + 1
    assert Observed(started_s=9.0).live(89, "starting 0")[0] == ""


def test_no_new_picture_for_five_seconds_is_a_hang_though_it_beats() -> None:
    show = Observed()
    show.play(10)
    fault, after_s = show.live(20, f"showing {show.watch.frames}")
    assert fault.startswith("showed nothing new for 5")
    assert HANG_S <= after_s < HANG_S + 0.5


def test_a_window_system_that_takes_no_picture_is_waited_for() -> None:
    show = Observed()
    show.play(10)
    usual_s = show.watch.frame_s
    assert show.live(WAIT_LIMIT_S - 1, f"waiting {show.watch.frames}")[0] == ""
    assert show.live(0.5, f"waiting {show.watch.frames + 1}")[0] == ""
    show.play(1)
    assert show.watch.frame_s < 2 * usual_s, "a wait was taken for a slow frame"
    assert show.live(WAIT_LIMIT_S + 1, f"waiting {show.watch.frames}")[0].startswith("showed nothing new for 60")


def test_a_slow_show_is_given_twenty_of_its_frames() -> None:
    show = Observed()
    for number in range(1, 40):
        assert show.live(1.0, f"showing {number}")[0] == ""
    fault, after_s = show.live(60, "showing 39")
    assert fault.startswith("showed nothing new")
    assert 15.0 < after_s < 25.0


def test_missing_beats_alone_are_a_hang_only_after_the_same_limit() -> None:
    show = Observed()
    show.play(10)
    assert show.live(HANG_S - 0.5)[0] == ""
    show.play(1)
    assert show.live(2 * HANG_S)[0].startswith("showed nothing new")


def test_a_starved_show_is_well_and_a_starved_hang_is_found() -> None:
    show = Observed()
    show.play(10)
    assert show.live(5 * HANG_S, starved=0.9)[0] == "", "nine tenths of the time it was not let"
    assert show.live(6 * HANG_S, starved=1.0)[0].startswith("showed nothing new")


def test_a_supervisor_that_was_itself_asleep_blames_nobody() -> None:
    show = Observed()
    show.play(10)
    show.now_s += 3600.0  # suspended
    assert show.live(1.0)[0] == ""
    assert show.live(10.0, look_s=1.0)[0] == "", "looks that came so late prove little"


def test_a_stopped_show_is_seen_within_half_a_second() -> None:
    for beaten in ("", "starting 0"):
        show = Observed()
        show.live(1, beaten)
        fault, after_s = show.live(5, stopped=True)
        assert fault == "was stopped"
        assert after_s <= 0.5 - 2 * LOOK_S


def test_a_show_that_was_stopped_for_a_moment_goes_on() -> None:
    show = Observed()
    show.play(1)
    for _ in range(10):
        assert show.live(LOOK_S / 2, stopped=True)[0] == ""
        assert show.live(LOOK_S / 2)[0] == ""


def test_closing_has_its_own_limit() -> None:
    show = Observed()
    show.play(1)
    assert show.live(END_LIMIT_S - 1, f"ending {show.watch.frames}")[0] == ""
    assert show.live(5, f"ending {show.watch.frames}")[0].startswith("did not close")


def test_noise_in_the_pipe_is_not_heard() -> None:
    show = Observed()
    show.play(1)
    frames = show.watch.frames
    for line in ("", "showing", "showing -1", "showing 1e9", "dancing 5", "showing 1 2", "showing ²"):
        assert show.live(LOOK_S / 2, line)[0] == ""
    assert (show.watch.phase, show.watch.frames) == ("showing", frames)


def test_three_crashes_within_a_minute_lead_to_safe_mode() -> None:
    crashes = CrashCounter()
    assert [crashes.crash(shown_s) for shown_s in (3600.0, SAFE_S / 2)] == [0.0, 0.0]
    assert not crashes.safe
    assert crashes.crash(SAFE_S / 2) == 0.0
    assert crashes.safe


def test_crashes_further_apart_do_not() -> None:
    crashes = CrashCounter()
    for _ in range(100):
        assert crashes.crash(SAFE_S / 2 + 1) == 0.0
    assert not crashes.safe


def test_a_show_that_never_shows_a_picture_again_comes_to_safe_mode_however_long_that_takes_to_see() -> None:
    show = Observed(started_s=1.0)
    assert show.live(AGAIN_LIMIT_S + 1, "showing 0")[0].startswith("did not start")
    assert show.watch.shown_s == 0.0
    crashes = CrashCounter()
    for _ in range(3):
        assert not crashes.safe
        crashes.crash(show.watch.shown_s)
    assert crashes.safe


def test_safe_mode_is_tried_again_for_ever_with_growing_pauses() -> None:
    crashes = CrashCounter(safe=True)
    pauses = [crashes.crash(1.0) for _ in range(2000)]
    assert pauses[:6] == [1.0, 2.0, 4.0, 8.0, 16.0, MOST_PAUSE_S]
    assert set(pauses[6:]) == {MOST_PAUSE_S}
    assert crashes.crash(SAFE_S + 1) == 1.0, "a long life is forgiven"
