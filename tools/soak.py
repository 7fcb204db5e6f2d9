"""The long forms by named pieces: `make soak PIECE=osc`, or `python -m tools.soak osc`; without a name, all of them."""

import subprocess
import sys
import time

PIECES = {  # what follows the name is given to pytest; the last ones time the display and want an idle machine
    "osc": ("tests/remote/osc/test_fuzz.py",),
    "flood": ("tests/remote/osc/test_udp_server.py",),
    "midi": ("tests/remote/midi/test_midi_ports.py", "tests/remote/midi/test_input_router.py"),
    "files": ("tests/guard/test_journal.py", "tests/fault/test_bad_assets.py"),
    "weights": ("tests/fault/test_bad_models.py",),
    "checkpoints": ("tests/studio/test_bad_checkpoints.py",),
    "sound": ("tests/audio/test_device.py", "tests/features/test_tempo.py"),
    "samples": ("tests/fault/test_bad_sound.py",),
    "generator": ("tests/fault/test_lost_generator.py",),
    "crash": ("tests/fault/test_crash.py",),
    "show": ("tests/test_soak.py",),
    "bench": ("tests/bench/test_sound_to_screen.py", "tests/bench/test_osc_to_screen.py"),
    "display": ("tests/fault/test_held_up.py",),
}


def command(piece: str) -> tuple[str, ...]:
    """How a piece is run: figures and seeds are printed as they come."""
    return (sys.executable, "-m", "pytest", "-q", "-s", "-m", "soak", *PIECES[piece])


def main(names: list[str]) -> int:
    """Run the pieces named, or all, one after the other; say how long each took. 0 if all passed, 2 for a wrong name."""
    unknown = [name for name in names if name not in PIECES]
    if unknown:
        print(f"expected pieces of {', '.join(PIECES)}; got {', '.join(unknown)}", file=sys.stderr)
        return 2
    ends = []
    for name in names or PIECES:
        began = time.monotonic()
        code = subprocess.run(command(name), check=False).returncode
        ends.append((name, code, time.monotonic() - began))
        print(f"{name}: {'failed' if code else 'passed'} in {ends[-1][2]:.0f} s", flush=True)
    failed = [name for name, code, _ in ends if code]
    print(f"{'failed: ' + ', '.join(failed) if failed else 'passed'} in {sum(took for *_, took in ends):.0f} s")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
