import pytest

from engine.runtime.worker.fallback import CALM_S, TRIES, WARM_TRIES, Fallback

CRASH = "killed by SIGSEGV"


def faults(fallback: Fallback, count: int, fault: str = CRASH, warm: bool = True, lived_s: float = 1.0) -> list[tuple[str, bool]]:
    steps = [fallback.step(fault, lived_s, warm) for _ in range(count)]
    return [(step.runtime, step.fell) for step in steps]


def test_a_runtime_that_never_draws_makes_way_after_two_tries():
    fallback = Fallback(("cuda", "openvino", "torch"), "cuda")
    assert faults(fallback, TRIES, warm=False) == [("cuda", False), ("openvino", True)]


def test_where_none_ever_draws_it_is_given_up():
    fallback = Fallback(("openvino", "torch"), "openvino")
    assert [name for name, _ in faults(fallback, 2 * TRIES, warm=False)] == ["openvino", "torch", "torch", ""]


def test_one_that_has_drawn_is_started_again_at_once_and_makes_way_only_after_many_crashes_in_a_row():
    fallback = Fallback(("cuda", "openvino"), "cuda")
    assert faults(fallback, WARM_TRIES) == [("cuda", False)] * (WARM_TRIES - 1) + [("openvino", True)]


def test_crashes_far_apart_count_for_nothing():
    fallback = Fallback(("cuda", "openvino"), "cuda")
    steps = [fallback.step(CRASH, CALM_S + 1, True) for _ in range(50)]
    assert {(step.runtime, step.pause_s) for step in steps} == {("cuda", 0.0)}


def test_the_last_one_is_never_given_up_once_it_has_drawn_but_pauses_ever_longer():
    fallback = Fallback(("torch",), "torch")
    pauses = [fallback.step(CRASH, 1.0, True).pause_s for _ in range(20)]
    assert pauses[:3] == [0.0, 0.0, 0.0]
    assert pauses == sorted(pauses)
    assert pauses[-1] == pauses[-2] < 60
    assert fallback.patience > 1


@pytest.mark.parametrize("words", ["OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", "CudaError: out of memory"])
def test_a_full_card_makes_way_at_once(words):
    assert faults(Fallback(("tensorrt", "cuda", "openvino"), "cuda"), 1, words) == [("openvino", True)]


def test_a_successor_begins_with_a_clean_record():
    fallback = Fallback(("openvino", "torch"), "torch")
    faults(fallback, 2)
    fallback.rise("openvino")
    assert faults(fallback, WARM_TRIES - 1) == [("openvino", False)] * (WARM_TRIES - 1)
    assert faults(fallback, 1) == [("torch", True)]
