"""Trains the drum network of engine/features/drums.py on General MIDI music with known hits; writes drums.npz beside it.

Needs torch, fluidsynth and the TimGM6mb soundfont. Seeds 1000 and above are kept for it; the tests draw smaller ones.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "features"))
import music

from engine.features.analysis.analyser import Analysis
from engine.features.analysis.feature import Format
from engine.features.drums import NAMES, WEIGHTS, Rise

KITS = (0, 8, 16, 24, 25, 32)
HIDDEN = 24
HOP = 256
NOTES = {36: "kick", 38: "snare", 42: "hat", 46: "hat"}
HOP_S = HOP / music.RATE_HZ


def machine(score: music.Score, rng: np.random.Generator) -> np.ndarray:
    """The drums of a score as a drum machine with a kit drawn at random plays them: swept sines and filtered noise."""
    rate = music.RATE_HZ
    time = np.arange(int(0.6 * rate)) / rate
    end = max(note.start_s for note in score.notes) + 1.0
    sound = np.zeros(int(end * rate) + time.size)
    low, sweep, sweep_s, long_s = rng.uniform(38, 62), rng.uniform(40, 300), rng.uniform(0.008, 0.05), rng.uniform(0.06, 0.25)
    click = rng.uniform(0.0, 0.3) * np.exp(-time / 0.002) * rng.standard_normal(time.size)
    kick = np.sin(2 * np.pi * np.cumsum(low + sweep * np.exp(-time / sweep_s)) / rate) * np.exp(-time / long_s) + click
    body = np.sin(2 * np.pi * rng.uniform(150, 260) * time) * np.exp(-time / rng.uniform(0.03, 0.1)) * rng.uniform(0.1, 0.8)
    snare = body + noise(rng, time.size, rng.uniform(300, 1500), rng.uniform(4000, 14000)) * np.exp(
        -time / rng.uniform(0.03, 0.15)
    )
    if rng.random() < 0.5:
        snare += rng.uniform(0.2, 0.8) * clap(rng, time)
    airs = noise(rng, time.size, rng.uniform(5000, 8000), 20000)
    hats = {42: airs * np.exp(-time / rng.uniform(0.01, 0.05)), 46: airs * np.exp(-time / rng.uniform(0.1, 0.25))}
    amounts = {"kick": rng.uniform(0.6, 1.2), "snare": rng.uniform(0.3, 0.8), "hat": rng.uniform(0.08, 0.3)}
    for note in score.notes:
        if note.channel == 9 and note.pitch in NOTES:
            voice = {36: kick, 38: snare, **hats}[note.pitch]
            start = int(note.start_s * rate)
            sound[start : start + time.size] += voice * amounts[NOTES[note.pitch]] * note.velocity / 127
    return (0.25 * sound).astype(np.float32)


def clap(rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    """Three or four hands within some hundredths of a second."""
    claps = sum(
        np.exp(-(time - late) / 0.008) * (time >= late) for late in np.cumsum(rng.uniform(0.006, 0.013, rng.integers(3, 5)))
    )
    tail = np.exp(-time / rng.uniform(0.05, 0.12))
    sound: np.ndarray = noise(rng, time.size, rng.uniform(600, 1200), rng.uniform(3000, 8000)) * (claps + tail) * 0.5
    return sound


def noise(rng: np.random.Generator, size: int, low_hz: float, high_hz: float) -> np.ndarray:
    """Band-limited noise of unit strength."""
    spectrum = np.fft.rfft(rng.standard_normal(size))
    frequencies_hz = np.fft.rfftfreq(size, 1 / music.RATE_HZ)
    spectrum[(frequencies_hz < low_hz) | (frequencies_hz > high_hz)] = 0.0
    band = np.fft.irfft(spectrum, size)
    return band / band.std()


def played(score: music.Score, rng: np.random.Generator) -> np.ndarray:
    """The score as sound: drums alone or in music, by a General MIDI kit or by a drum machine."""
    alone = rng.random() < 0.4
    if rng.random() < 0.5:
        return music.render(score.only(9) if alone else score)
    score.notes = [n for n in score.notes if n.channel != 9 or n.pitch in NOTES]
    drums = machine(score, rng)
    if not alone:
        band = music.render(score.only(0, 1, 2)) * float(rng.uniform(0.5, 3.0))
        size = min(len(band), len(drums))
        drums = drums[:size] + band[:size]
    return drums


def examples(style: str, seed: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs (hops, 80), labels (hops, 3) and weights (hops, 3) of one piece, drums alone or in music."""
    score = music.write(style, np.random.default_rng(seed))
    score.programs[9] = int(rng.choice(KITS))
    sound = played(score, rng) * float(rng.uniform(0.3, 3.0))
    analysis, rise = Analysis(music.RATE_HZ, HOP), Rise(Format(music.RATE_HZ, HOP))
    seen = []
    for number in range(len(sound) // HOP):
        frame = analysis.step({"main": sound[number * HOP : (number + 1) * HOP]}, 0.0)
        seen.append(rise(frame.vectors["mel"], number))
    labels = np.zeros((len(seen), len(NAMES)), np.float32)
    weights = np.ones_like(labels)
    for place, name in enumerate(NAMES):
        hops = (score.drum(name) / HOP_S).astype(int)
        for hop in hops:  # neither early nor late detections are punished
            weights[max(hop - 1, 0) : hop + 10, place] = 0.0
        for hop in hops:  # the hop of the hit ends too early to tell
            labels[hop + 1 : hop + 3, place] = 1.0
            weights[hop + 1 : hop + 3, place] = 3.0
    inputs = np.array(seen, np.float32)
    keep = (labels.max(axis=1) > 0) | (inputs[:, :40].clip(0).mean(axis=1) > 0.02) | (rng.random(len(inputs)) < 0.2)
    return inputs[keep], labels[keep], weights[keep]


def train(inputs: np.ndarray, labels: np.ndarray, weights: np.ndarray, steps: int) -> dict[str, np.ndarray]:
    """The network's weights, the standardisation of its inputs folded in."""
    torch.manual_seed(0)
    mean, spread = inputs.mean(axis=0), inputs.std(axis=0) + 1e-3
    x = torch.from_numpy((inputs - mean) / spread)
    y, w = torch.from_numpy(labels), torch.from_numpy(weights)
    net = torch.nn.Sequential(torch.nn.Linear(x.shape[1], HIDDEN), torch.nn.Tanh(), torch.nn.Linear(HIDDEN, len(NAMES)))
    optimiser = torch.optim.AdamW(net.parameters(), lr=0.01, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.03, total_steps=steps)
    for step in range(steps):
        loss = (torch.nn.functional.binary_cross_entropy_with_logits(net(x), y, reduction="none") * w).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 100 == 0 or step == steps - 1:
            print(f"step {step} loss {loss.item():.4f}", flush=True)
    inner = net[0].weight.detach().numpy() / spread
    return {
        "inner": inner,
        "inner_bias": net[0].bias.detach().numpy() - inner @ mean,
        "outer": net[2].weight.detach().numpy(),
        "outer_bias": net[2].bias.detach().numpy(),
    }


def main() -> None:
    """Render, train, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pieces", type=int, default=40, help="pieces of each style")
    parser.add_argument("--steps", type=int, default=1200)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    sets = [examples(style, 1000 + seed, rng) for seed in range(arguments.pieces) for style in music.STYLES]
    print(f"{sum(len(part[0]) for part in sets)} hops of {len(sets)} pieces", flush=True)
    network = train(*(np.concatenate(part) for part in zip(*sets, strict=True)), steps=arguments.steps)
    np.savez_compressed(WEIGHTS, **{key: value.astype(np.float32) for key, value in network.items()})


if __name__ == "__main__":
    main()
