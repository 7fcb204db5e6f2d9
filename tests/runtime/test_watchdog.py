import pytest

from engine.runtime.worker.watchdog import (
    LONGEST_LOOK_S,
    LOOK_S,
    START_BEAT_LIMIT_S,
    START_LIMIT_S,
    STARVED_LIMIT,
    STEP_LIMIT_S,
    Watchdog,
)


class Process:
    """A process as the vigil sees it, every LOOK_S of an invented clock."""

    def __init__(self, patience: float = 1.0, starved=lambda: 0.0) -> None:
        self.now_s = 1000.0
        self.watchdog = Watchdog(self.now_s, patience, starved)
        self.beat = self.sent = self.taken = self.drawn = self.frames = 0
        self.warm, self.ms_p50, self.alive, self.beating = False, 0.0, True, True

    def look(self) -> str:
        self.now_s += LOOK_S
        self.beat += self.beating
        status = {"warm": self.warm, "failed": False, "taken": self.taken, "drawn": self.drawn, "frames": self.frames}
        status |= {"ms_p50": self.ms_p50, "message": b"busy"}
        return self.watchdog.look(self.now_s, self.alive, self.beat, status, self.sent)

    def looks_until_fault(self, limit_s: float) -> tuple[float, str]:
        began_s = self.now_s
        while self.now_s - began_s < limit_s:
            fault = self.look()
            if fault:
                return self.now_s - began_s, fault
        return limit_s, ""

    def play(self, seconds: float, per_look: int = 1) -> None:
        for _ in range(round(seconds / LOOK_S)):
            self.sent += per_look
            self.frames += per_look
            self.taken = self.drawn = self.sent
            assert self.look() == ""


@pytest.fixture
def process():
    process = Process()
    process.warm, process.ms_p50 = True, 25.0
    return process


def test_a_process_with_nothing_to_do_is_well(process):
    assert process.looks_until_fault(60.0) == (60.0, "")
    assert not process.watchdog.playing


def test_a_dead_process_is_seen_at_the_next_look(process):
    process.play(1.0)
    process.alive = False
    assert process.look() == "died"
    assert not process.watchdog.hung


def test_a_stopped_process_is_seen_within_half_a_second(process):
    process.play(1.0)
    process.beating = False
    after_s, fault = process.looks_until_fault(10.0)
    assert after_s <= 0.45  # and a beat may be as old as a look when it stops
    assert "no sign of life" in fault
    assert process.watchdog.hung


def test_a_step_that_hangs_while_the_process_still_beats_is_seen(process):
    process.play(1.0)
    process.sent += 1
    process.taken = process.sent
    after_s, fault = process.looks_until_fault(10.0)
    assert after_s <= 0.5
    assert "25 ms is usual" in fault


def test_a_latent_that_nobody_takes_is_seen(process):
    process.play(1.0)
    process.sent += 1
    assert process.looks_until_fault(10.0)[0] <= 0.5


def test_the_limit_grows_with_the_usual_step(process):
    process.ms_p50 = 800.0
    process.play(1.0)
    process.sent += 1
    process.taken = process.sent
    after_s, fault = process.looks_until_fault(60.0)
    assert 9.6 <= after_s <= 9.8
    assert "800 ms is usual" in fault


def test_a_watcher_that_slept_does_not_blame_the_process(process):
    process.play(1.0)
    process.sent += 1
    process.beating = False
    for _ in range(2):
        process.now_s += 3600.0  # a lid closed and opened
        assert process.look() == ""
    assert process.watchdog.lived_s == pytest.approx(1.0 + 2 * LONGEST_LOOK_S)


def test_a_process_that_is_starved_is_not_taken_for_hung(process):
    process.play(1.0)
    process.sent += 1
    for look in range(30):
        process.beating = look % 6 == 5  # a beat every 0.3 s instead of every 0.05
        assert process.look() == ""


def test_a_step_held_up_by_others_is_waited_for_as_long_as_they_held_it_up():
    process = Process(starved=lambda: 0.045)  # of each 50 ms
    process.warm, process.ms_p50 = True, 25.0
    process.play(1.0)
    process.sent += 1
    process.taken = process.sent
    after_s, fault = process.looks_until_fault(60.0)
    assert 1.5 < after_s < 5.0  # it had a tenth of the time
    assert fault
    process = Process(starved=lambda: 0.05)
    process.warm, process.ms_p50 = True, 25.0
    process.play(1.0)
    process.sent += 1
    after_s, fault = process.looks_until_fault(60.0)
    assert after_s == pytest.approx(STEP_LIMIT_S * (1 + STARVED_LIMIT), rel=0.1), "nobody is starved for ever"


def test_a_silent_process_that_is_kept_waiting_is_waited_for_too():
    process = Process(starved=lambda: 0.05)
    process.warm, process.ms_p50 = True, 25.0
    process.play(1.0)
    process.beating = False
    assert process.looks_until_fault(2.0) == (pytest.approx(2.0, abs=0.1), "")
    process.beating = True
    process.play(1.0)


def test_how_busy_the_machine_is_is_not_asked_while_all_is_well(process):
    asked = []
    process.watchdog._starved = lambda: asked.append(1) or 0.0
    process.play(5.0)
    assert not asked


def test_patience_multiplies_the_limits():
    process = Process(patience=4.0)
    process.warm, process.ms_p50 = True, 25.0
    process.play(1.0)
    process.beating = False
    assert 1.4 <= process.looks_until_fault(10.0)[0] <= 1.5


def test_a_start_may_be_slow_but_not_endless():
    process = Process()
    process.sent = 1
    after_s, fault = process.looks_until_fault(1000.0)
    assert after_s == pytest.approx(START_LIMIT_S, abs=0.2)
    assert "not warm" in fault
    silent = Process()
    silent.beating = False
    assert silent.looks_until_fault(1000.0)[0] == pytest.approx(START_BEAT_LIMIT_S, abs=0.2)


def test_the_rate_is_of_the_last_two_seconds(process):
    process.play(5.0)
    assert process.watchdog.fps == pytest.approx(20.0, rel=0.05)
    process.play(5.0, per_look=2)
    assert process.watchdog.fps == pytest.approx(40.0, rel=0.05)
    assert process.watchdog.playing
    assert process.watchdog.message == "busy"
