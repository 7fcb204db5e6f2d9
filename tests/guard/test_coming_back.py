from pathlib import Path

import pytest

from engine.guard.launch_environment import LaunchEnvironment
from engine.guard.supervised_show import SupervisedShow
from engine.show.options import PlayOptions
from engine.show.perform import open_again, open_first


@pytest.mark.parametrize("safe", [False, True])
@pytest.mark.parametrize(
    ("audio", "inputs", "told"),
    [
        ("Nothing Like It", ("main",), "is away: silence until it is back"),
        ("Nothing Like It:3-4=main,1=kick", ("main", "kick"), "is away: silence until it is back"),
        ("gone.wav", ("main",), "gone.wav; got No such file or directory; kept silence until it can be read"),
        ("torn.wav", ("main",), "; kept silence until it can be read"),
    ],
)
def test_sound_that_is_gone_after_a_crash_is_silence_and_told(
    audio: str, inputs: tuple[str, ...], told: str, safe: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("torn.wav").write_bytes(b"RIFF")
    options = PlayOptions(audio=audio, mode="headless", safe=safe)
    with pytest.raises((OSError, ValueError), match="expected"):
        open_first(options)
    supervised = SupervisedShow(LaunchEnvironment(safe=safe, life=1, why="the show was killed by SIGKILL"))
    source = open_again(options, supervised)
    try:
        assert source.inputs == inputs
        for _ in range(20):
            hop = source.read(5.0)
            assert hop is not None
            assert not any(samples.any() for samples in hop.hops.values())
    finally:
        source.close()
    assert len(supervised.messages) == 1
    assert supervised.messages[0].endswith(told)
