import pytest
from pictures import frame, landscape, tick

ALL_ON = {
    f"/shader/{name}/amount": 0.5 for name in ("warp", "zoom", "kaleidoscope", "feedback", "bloom", "displace", "glitch", "flash")
}


def test_drawing_allocates_nothing_on_the_card(stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """moderngl gives nothing back that is not released: a target made in each frame filled the memory in minutes."""
    for number in range(4):
        stage.set_frame(frame(landscape(seed=number), number))
        stage.draw(tick(ALL_ON), number / 30, 1 / 30)
    made = []
    for kind in ("texture", "framebuffer", "buffer", "program", "vertex_array"):
        original = getattr(stage.context, kind)
        monkeypatch.setattr(
            type(stage.context),
            kind,
            lambda self, *given, _kind=kind, _make=original, **named: made.append(_kind) or _make(*given, **named),
        )
    for number in range(4, 40):
        stage.set_frame(frame(landscape(seed=number), number))
        stage.draw(tick(ALL_ON), number / 30, 1 / 30)
    assert made == []
