"""Writes General MIDI music with known truth and renders it with fluidsynth: onsets, drum names, tempo, chords."""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import mido
import numpy as np
import soundfile

RATE_HZ = 48000
SOUNDFONT = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")
STYLES = ("rock", "house", "funk")
KICK, SNARE, HAT = (35, 36), (38, 40), (42, 44, 46)
NAMES = {"kick": KICK, "snare": SNARE, "hat": HAT}
MAJOR, MINOR = (0, 4, 7), (0, 3, 7)
PROGRESSIONS = (  # semitones above the tonic, quality
    ((0, MAJOR), (9, MINOR), (5, MAJOR), (7, MAJOR)),
    ((0, MINOR), (8, MAJOR), (3, MAJOR), (10, MAJOR)),
    ((0, MAJOR), (7, MAJOR), (9, MINOR), (5, MAJOR)),
    ((0, MINOR), (5, MINOR), (10, MAJOR), (3, MAJOR)),
)

available = shutil.which("fluidsynth") is not None and SOUNDFONT.is_file()


@dataclass
class Note:
    """One note of a score; start and length in seconds."""

    start_s: float
    length_s: float
    pitch: int
    velocity: int
    channel: int


@dataclass
class Score:
    """Notes and the programme of each channel (channel 9 is the drum kit)."""

    bpm: float
    notes: list[Note] = field(default_factory=list)
    programs: dict[int, int] = field(default_factory=dict)

    def onsets(self, merge_s: float = 0.03) -> np.ndarray:
        """Times at which something starts; what starts within `merge_s` is one onset."""
        return merged([note.start_s for note in self.notes], merge_s)

    def drum(self, name: str) -> np.ndarray:
        """Times of the kicks, snares or hats."""
        return merged([n.start_s for n in self.notes if n.channel == 9 and n.pitch in NAMES[name]], 0.03)

    def only(self, *channels: int) -> "Score":
        """The same music with some channels only."""
        return Score(self.bpm, [n for n in self.notes if n.channel in channels], dict(self.programs))


def merged(times: list[float], merge_s: float) -> np.ndarray:
    kept: list[float] = []
    for time in sorted(times):
        if not kept or time - kept[-1] >= merge_s:
            kept.append(time)
    return np.array(kept)


def render(score: Score, tail_s: float = 0.5) -> np.ndarray:
    """The score as sound: mono float32 at 48 kHz."""
    midi = mido.MidiFile(ticks_per_beat=960)
    track = mido.MidiTrack()
    midi.tracks.append(track)
    track.append(mido.MetaMessage("set_tempo", tempo=1_000_000))  # one beat a second: ticks are seconds x 960
    events = [(0.0, 0, mido.Message("program_change", channel=c, program=p)) for c, p in score.programs.items()]
    for n in score.notes:
        events.append((n.start_s, 2, mido.Message("note_on", channel=n.channel, note=n.pitch, velocity=n.velocity)))
        events.append((n.start_s + n.length_s, 1, mido.Message("note_off", channel=n.channel, note=n.pitch)))
    now = 0
    for time_s, _, message in sorted(events, key=lambda event: event[:2]):
        tick = round(time_s * 960)
        track.append(message.copy(time=tick - now))
        now = tick
    with tempfile.TemporaryDirectory() as folder:
        midi.save(f"{folder}/score.mid")
        command = ["fluidsynth", "-ni", "-F", f"{folder}/out.wav", "-r", str(RATE_HZ), str(SOUNDFONT), f"{folder}/score.mid"]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        sound, rate_hz = soundfile.read(f"{folder}/out.wav", dtype="float32", always_2d=True)
    assert rate_hz == RATE_HZ
    end = max(n.start_s + n.length_s for n in score.notes) + tail_s
    return np.ascontiguousarray(sound[: int(end * RATE_HZ)].mean(axis=1))


def write(style: str, rng: np.random.Generator, seconds: float = 20.0) -> Score:
    """A piece in one of `STYLES`: drums (channel 9), bass (0), chords (1), melody (2); slightly human timing."""
    low, high = {"rock": (92, 150), "house": (116, 132), "funk": (84, 116)}[style]
    score = Score(float(rng.uniform(low, high)))
    beat_s = 60.0 / score.bpm
    lead_in_s = float(rng.uniform(0.2, 0.6))
    bars = int((seconds - lead_in_s) / (4 * beat_s))
    tonic = int(rng.integers(0, 12))
    chords = PROGRESSIONS[rng.integers(len(PROGRESSIONS))]
    score.programs = {
        0: int(rng.choice({"rock": [33, 34], "house": [38, 39], "funk": [33, 36]}[style])),
        1: int(rng.choice({"rock": [0, 25, 27], "house": [4, 5, 0], "funk": [4, 0, 16]}[style])),
        2: int(rng.choice({"rock": [0, 29, 80], "house": [80, 81, 11], "funk": [11, 56, 65]}[style])),
        9: int(rng.choice({"rock": [0, 8, 16], "house": [0, 24, 25], "funk": [0, 8]}[style])),
    }

    def put(bar: int, step: float, pitch: int, velocity: int, channel: int, steps: float = 1.0) -> None:
        human = float(np.clip(rng.normal(0, 0.002), -0.005, 0.005))
        start = max(lead_in_s + (bar * 16 + step) * beat_s / 4 + human, 0.0)
        loudness = int(np.clip(velocity + rng.integers(-8, 9), 1, 127))
        score.notes.append(Note(start, steps * beat_s / 4 * 0.9, pitch, loudness, channel))

    kicks, snares, hats = _kit_pattern(style, rng)
    melody = sorted(rng.choice(np.arange(0, 16, 2), size=int(rng.integers(2, 5)), replace=False))
    for bar in range(bars):
        root, quality = chords[bar % len(chords)]
        root = (tonic + root) % 12
        fill = bar % 4 == 3 and rng.random() < 0.5
        for step in kicks:
            put(bar, step, 36, 108, 9)
        for step, velocity in snares:
            if not (fill and step >= 12):
                put(bar, step, 38, velocity, 9)
        for step, pitch in hats:
            if not (fill and step >= 12):
                put(bar, step, pitch, 96 if step % 4 == 0 else 84, 9)
        if fill:
            for step, pitch in zip(range(12, 16), (50, 47, 45, 43), strict=True):
                put(bar, step, pitch, 104, 9)
        if bar % 8 == 0 and bar:
            put(bar, 0, 49, 100, 9, 8)
        _bass(style, bar, 36 + (root + 8) % 12 - 8, kicks, put)
        voicing = [60 + (root + step) % 12 for step in quality]
        for step, steps in {"rock": [(0, 8), (8, 8)], "house": [(3, 2), (6, 2), (11, 2)], "funk": [(0, 3), (6, 2), (10, 4)]}[
            style
        ]:
            for pitch in voicing:
                put(bar, step, pitch, 78, 1, steps)
        for place, step in enumerate(melody):
            until = melody[place + 1] if place + 1 < len(melody) else 16
            put(bar, step, 72 + (root + quality[rng.integers(3)]) % 12, 90, 2, until - step)
    return score


def _kit_pattern(style: str, rng: np.random.Generator) -> tuple[list[int], list[tuple[int, int]], list[tuple[int, int]]]:
    if style == "house":
        hats = [(step, 46 if step % 4 == 2 else 42) for step in range(0, 16, 2)]
        return [0, 4, 8, 12], [(4, 104), (12, 104)], hats
    if style == "rock":
        kicks = [0, 8, *rng.choice([3, 6, 10, 11, 14], size=2, replace=False)]
        return sorted(int(k) for k in kicks), [(4, 112), (12, 112)], [(step, 42) for step in range(0, 16, 2)]
    kicks = [0, *rng.choice([3, 6, 7, 10, 11], size=2, replace=False)]
    ghosts = [(int(step), 62) for step in rng.choice([7, 9, 15], size=1)]
    hats = [(step, 46 if step == 14 else 42) for step in range(16)]
    return sorted(int(k) for k in kicks), [(4, 112), (12, 112), *ghosts], hats


def _bass(style: str, bar: int, root: int, kicks: list[int], put) -> None:  # type: ignore[no-untyped-def]
    if style == "rock":
        for step in range(0, 16, 2):
            put(bar, step, root, 96, 0, 2)
    elif style == "house":
        for step in (2, 6, 10, 14):
            put(bar, step, root, 100, 0, 2)
    else:
        for step in kicks:
            put(bar, step, root, 100, 0, 2)
        put(bar, 13, root + 12, 92, 0, 2)


def held(
    rng: np.random.Generator, triads: bool, count: int = 12, length_s: float = 1.5
) -> tuple[Score, list[tuple[float, float, list[int]]]]:
    """Held notes or triads on sustained and struck instruments, and (start, end, pitch classes) of each."""
    score = Score(60.0, programs={0: int(rng.choice([0, 4, 16, 19, 24, 40, 48, 52, 61, 73]))})
    truth = []
    for place in range(count):
        start = 0.3 + place * length_s
        root = int(rng.integers(48, 73 if not triads else 66))
        quality = (MAJOR, MINOR)[rng.integers(2)] if triads else (0,)
        for step in quality:
            score.notes.append(Note(start, length_s - 0.05, root + step, int(rng.integers(80, 110)), 0))
        truth.append((start, start + length_s - 0.05, sorted({(root + step) % 12 for step in quality})))
    return score, truth
