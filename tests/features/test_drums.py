import mir_eval
from listening import times

from engine.features.drums import NAMES


def test_kick_snare_and_hat_are_named_right(pieces, seed):
    all_hits = all_right = 0
    for style, score, frames in pieces["drums"]:
        hits = right = 0
        for name in NAMES:
            truth, told = score.drum(name), times(frames, name)
            matched = len(mir_eval.util.match_events(truth, told, 0.03))
            print(f"{style} {name}: {matched} of {len(truth)} hits, {len(told)} told (seed {seed})")
            hits, right = hits + len(truth), right + matched
            all_hits += max(len(truth), len(told))  # what is told in vain counts as well
        all_right += right
        assert right >= 0.8 * hits, f"{style} seed {seed}"
    assert all_right >= 0.8 * all_hits, f"seed {seed}"
