"""The flash by which a performer finds how late the picture is seen."""

from engine.core.types import Music

FLASH_S = 0.06  # short enough to be a moment, long enough to be on one picture of 1/30 s or more


def is_lit(music: Music) -> bool:
    """Whether the picture of this musical time is the flash of a beat, as far ahead of the sound as pictures are drawn."""
    beats = music.beats + music.ahead_s * music.bpm / 60.0
    return beats % 1.0 * 60.0 / music.bpm < FLASH_S
