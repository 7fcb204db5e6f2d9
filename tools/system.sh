#!/bin/sh
# Install the system libraries that are missing, and nothing else: tools/system.sh PYTHON play|test
# With apt-get (through sudo where not root); on other systems say what is missing and stop.
set -eu
python=$1 purpose=$2

if [ -z "$python" ] || ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "expected Python 3.11 or newer, got '${python:-none}'; name one with make PYTHON=/path/to/python3" >&2
    exit 1
fi
[ "$(uname -s)" = Linux ] || exit 0 # the wheels for macOS carry PortAudio, and OpenGL is part of the system

# Debian's name, and the library or program by which its presence is seen elsewhere.
needed="libportaudio2:libportaudio.so.2 libasound2-plugins:libasound.so.2
    libegl1:libEGL.so.1 libgl1:libGL.so.1 libgl1-mesa-dri:libEGL.so.1 libegl-mesa0:libEGL.so.1 libglx-mesa0:libGL.so.1
    libx11-6:libX11.so.6 libxcursor1:libXcursor.so.1 libxi6:libXi.so.6 libxinerama1:libXinerama.so.1
    libxrandr2:libXrandr.so.2 libxkbcommon0:libxkbcommon.so.0"
if [ "$purpose" = test ]; then
    needed="$needed pulseaudio:pulseaudio pulseaudio-utils:pactl xvfb:Xvfb xdotool:xdotool
        fluidsynth:fluidsynth timgm6mb-soundfont:fluidsynth blackbox:blackbox x11-xserver-utils:xrandr
        liblo-tools:oscsend puredata-core:pd jackd2:jackd supercollider-language:sclang nodejs:node chromium:chromium"
fi

missing=""
if command -v apt-get >/dev/null; then
    for item in $needed; do
        package=${item%%:*}
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || true
        [ "$state" = installed ] || missing="$missing $package"
    done
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        missing="$missing $("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    fi
    [ -n "$missing" ] || exit 0
    echo "installing$missing"
    sudo=""
    [ "$(id -u)" = 0 ] || sudo="sudo"
    if [ -n "$sudo" ] && ! command -v sudo >/dev/null; then
        echo "expected root or sudo; install as root: apt-get install$missing" >&2
        exit 1
    fi
    $sudo apt-get update -q
    # shellcheck disable=SC2086 # a list of names
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing
    exit 0
fi

for item in $needed; do
    probe=${item##*:}
    case $probe in
        *.so.*) "$python" -c "import ctypes; ctypes.CDLL('$probe')" 2>/dev/null || missing="$missing $probe" ;;
        *) command -v "$probe" >/dev/null || missing="$missing $probe" ;;
    esac
done
"$python" -c 'import ensurepip' 2>/dev/null || missing="$missing python-venv"
if [ -n "$missing" ]; then
    echo "missing on this system:$missing" >&2
    echo "install them with its package manager, then run make again" >&2
    exit 1
fi
