"""Writes clavilux.pd: the panel, and behind it the connection, what is sent, what is answered and the feed.

Whatever can be moved by hand can be moved by a message to its name: `; clavilux-macro-3 0.75`. Whatever is sent to
`clavilux-out` (an address and its values) goes to the engine.
"""

from tools.host_patches.canvas import Canvas
from tools.host_patches.controls import BPM, FADERS, FEED_PORT, HELD, PANIC_BUTTON, PATCH, PORT, SWITCHES, TEMPO_BUTTONS, patches

LAMPS = ("kick", "snare", "hat", "drop")
COLOURS = 5
_TO = "clavilux-"
_BLUE, _SAND, _GREEN, _GREY = "#d5e0ee", "#eee6d5", "#d8ead8", "#e4e4e4"


def patch() -> str:
    """The whole file."""
    window = Canvas(800, 570)
    window.field(20, 20, 760, 28, _GREY, label="CLAVILUX")
    _hands_panel(window)
    _tempo_panel(window)
    _feed_panel(window)
    _connection_panel(window)
    # The connection comes first: loadbangs go off in this order.
    for place, (name, canvas) in enumerate(
        (("connection", _connection()), ("wire", _wire()), ("hands", _hands()), ("answers", _answers()), ("feed", _feed()))
    ):
        window.inside(20 + 110 * place, 530, name, canvas)
    return "\n".join(window.lines()) + "\n"


def _hands_panel(window: Canvas) -> None:
    window.field(20, 60, 470, 240, _BLUE)
    for place, fader in enumerate(FADERS):
        x = 34 + 50 * place
        window.slider(x, 85, 26, 165, _TO + fader.name, f"{_TO}{fader.name}-moved", fader.label)
    for row, switch in enumerate(SWITCHES):
        window.toggle(34 + 110 * row, 272, 20, _TO + switch.name, f"{_TO}{switch.name}-moved", switch.name)
    window.lamp(254, 272, 20, _TO + PANIC_BUTTON.name, f"{_TO}{PANIC_BUTTON.name}-moved", PANIC_BUTTON.name)
    window.field(500, 60, 280, 240, _SAND)
    window.comment(512, 66, "plays")
    window.word(570, 68, 24, f"{_TO}playing")
    for row, name in enumerate(patches(), 1):
        window.lamp(512, 74 + 23 * row, 18, f"{_TO}pick-{row}", f"{_TO}pick-{row}-moved", f"{row}_{name}")


def _tempo_panel(window: Canvas) -> None:
    window.field(20, 310, 470, 44, _SAND)
    for place, button in enumerate(TEMPO_BUTTONS):
        window.lamp(34 + 85 * place, 322, 20, _TO + button.name, f"{_TO}{button.name}-moved", button.name)
    window.obj(376, 322, f"nbx 5 20 20 400 0 0 {_TO}bpm-moved {_TO}bpm BPM 72 10 0 12 #fcfcfc #202020 #202020 120 256")


def _feed_panel(window: Canvas) -> None:
    window.field(20, 364, 470, 150, _GREEN)
    window.slider(34, 380, 300, 18, f"{_TO}level", label="level")
    for place, name in enumerate(LAMPS):
        window.lamp(34 + 80 * place, 412, 20, _TO + name, label=name)
    window.lamp(354, 412, 20, f"{_TO}beat-lamp", label="beat")
    window.number(430, 412, 6, f"{_TO}beat")
    window.comment(34, 444, "BPM heard")
    window.number(120, 446, 6, f"{_TO}heard-bpm")
    window.comment(190, 444, "tempo from")
    window.word(280, 446, 10, f"{_TO}source")
    for place in range(COLOURS):
        window.field(34 + 88 * place, 476, 80, 26, "#808080", f"{_TO}colour-{place + 1}")


def _connection_panel(window: Canvas) -> None:
    window.field(500, 310, 280, 204, _GREY)
    for row, (words, box) in enumerate((("engine at", window.word), ("port", window.number), ("feed to port", window.number))):
        name = ("host", "port", "feed-port")[row]
        window.comment(512, 322 + 30 * row, words)
        box(620, 324 + 30 * row, 15 if row == 0 else 6, f"{_TO}{name}-shown", f"{_TO}{name}")
    window.lamp(514, 420, 20, "empty", f"{_TO}sync")
    window.comment(540, 420, "ask the engine what it holds")
    window.toggle(514, 450, 20, f"{_TO}alive")
    window.comment(540, 450, "the engine is heard")
    window.comment(512, 484, "Enter in a box connects anew.")


def _hands() -> Canvas:
    """Every movement of a hand as an address and a value, to `clavilux-out`."""
    inside = Canvas(940, 660)
    end = inside.obj(20, 380, f"s {_TO}out")
    held = (*((fader.name, fader.address) for fader in FADERS), *SWITCHES, ("bpm", BPM))
    for place, (name, address) in enumerate(held):
        x, y = 20 + 220 * (place % 4), 20 + 70 * (place // 4)
        inside.wire(inside.column(x, y, (f"r {_TO}{name}-moved", f"list prepend {address}"))[-1], end)
    for place, (name, address) in enumerate((PANIC_BUTTON, *TEMPO_BUTTONS)):
        inside.wire(inside.column(20 + 180 * place, 240, (f"r {_TO}{name}-moved", f"({address} 1)"))[-1], end)
    chosen = inside.column(20, 320, (f"r {_TO}patch", f"list prepend {PATCH}"))
    inside.wire(chosen[-1], end)
    for row, name in enumerate(patches(), 1):
        inside.column(
            20 + 180 * ((row - 1) % 5), 430 + 100 * ((row - 1) // 5), (f"r {_TO}pick-{row}-moved", f"({name})", f"s {_TO}patch")
        )
    # Panic and another patch move what is shown here.
    wait = inside.column(300, 320, ("t b", "delay 500", f"s {_TO}sync"))
    inside.wire(inside.obj(360, 320, f"r {_TO}panic-moved"), wait[0])
    inside.wire(chosen[0], wait[0])
    return inside


def _connection() -> Canvas:
    """Which engine, which port for the feed; what both boxes and messages from elsewhere may change."""
    inside = Canvas(1080, 420)
    inside.column(20, 20, ("loadbang", f"(; {_TO}listen {FEED_PORT}; {_TO}connect 127.0.0.1 {PORT})"))
    # Let go of the old engine, connect, show where to, ask what it holds.
    steps = inside.column(20, 130, (f"r {_TO}connect", "t b a a b"))[-1]
    inside.wire(steps, inside.obj(20, 220, f"s {_TO}sync"))
    host = inside.column(160, 190, ("list split 1", "list prepend set", "list trim", f"s {_TO}host-shown"))
    port = inside.column(330, 220, ("list prepend set", "list trim", f"s {_TO}port-shown"))
    connect = inside.column(500, 190, ("list prepend connect", "list trim", f"s {_TO}net"))
    inside.wire(host[0], port[0], 1)
    inside.wire(steps, host[0], 1)
    inside.wire(steps, connect[0], 2)
    let_go = inside.msg(680, 190, "disconnect")
    inside.wire(steps, let_go, 3)
    inside.wire(let_go, connect[-1])
    # The boxes of the panel: the host is kept in [symbol], the port in [pack].
    kept, pair = inside.column(790, 190, (f"r {_TO}host", "symbol", "pack s f", f"s {_TO}connect"))[1:3]
    inside.wire(host[0], kept, 0, 1)
    inside.wire(host[0], pair, 1, 1)
    both = inside.column(920, 130, (f"r {_TO}port", "t b f"))[-1]
    inside.wire(both, kept)
    inside.wire(both, pair, 1, 1)
    inside.column(20, 340, (f"r {_TO}feed-port", f"s {_TO}listen"))
    inside.column(200, 340, (f"r {_TO}listen", f"(; {_TO}feed-port-shown set $1)"))
    return inside


def _wire() -> Canvas:
    """From `clavilux-out` to the network, and the engine's answers back from it."""
    inside = Canvas(760, 420)
    split, values = inside.column(20, 20, (f"r {_TO}out", "t a a", "list split 1"))[1:]
    form, send, _, net = inside.column(20, 140, ("oscformat", "list prepend send", "list trim", "netsend -u -b"))
    # The address is set before the values, which set off the message.
    address = inside.column(160, 50, ("list split 1", "list prepend set", "list trim"))
    inside.wire(split, address[0], 1)
    inside.wire(address[-1], form)
    inside.wire(values, form, 1)
    inside.wire(inside.obj(160, 190, f"r {_TO}net"), net)
    inside.wire(net, inside.column(160, 260, ("oscparse", "list trim", f"s {_TO}answer"))[0], 1)
    # A subscription lasts ten seconds. Its port is an integer, so it has a format of its own.
    clock = inside.column(330, 20, ("loadbang", "metro 5000"))[-1]
    at, _, subscribe = inside.column(330, 110, ("float", "(list features beat colours $1)", "oscformat -f sssi subscribe"))
    inside.wire(clock, at)
    now = inside.column(460, 20, (f"r {_TO}listen", "t b f"))[-1]
    inside.wire(now, at)
    inside.wire(now, at, 1, 1)
    asked = inside.column(600, 20, (f"r {_TO}sync", "t b b"))[-1]
    inside.wire(asked, at, 1)
    inside.wire(subscribe, send)
    questions = "".join(f"; {_TO}out {address}" for address in HELD)
    inside.wire(asked, inside.msg(330, 250, questions))
    return inside


def _answers() -> Canvas:
    """What the engine holds, shown without being sent back."""
    inside = Canvas(1080, 420)
    rest = "".join(f"; {_TO}{fader.name} set {fader.rest:g}" for fader in FADERS)
    inside.column(640, 20, ("loadbang", f"({rest}; {_TO}bpm set 120)"))
    heads = ("macro", "master", "freeze", "blackout", "patch")
    answer, route = inside.column(20, 20, (f"r {_TO}answer", f"route {' '.join(heads)}"))
    inside.wire(answer, inside.obj(300, 20, f"s {_TO}heard"))
    shown = (
        ("list prepend", f"(; {_TO}macro-$1 set $2)"),  # a part of an address is a word, be it 1
        ("route level", f"(; {_TO}master set $1)"),
        (f"(; {_TO}freeze set $1)",),
        (f"(; {_TO}blackout set $1)",),
        ("route load", "list prepend set", "list trim", f"s {_TO}playing"),
    )
    for place, texts in enumerate(shown):
        inside.wire(route, inside.column(20 + 205 * place, 260, texts)[0], place)
    # Alive is who was heard within three seconds.
    alive = inside.column(300, 80, (f"r {_TO}heard", "t b b", "delay 3000", f"(; {_TO}alive 0)"))
    inside.wire(alive[1], inside.msg(460, 120, f"; {_TO}alive 1"), 1)
    return inside


def _feed() -> Canvas:
    """What the engine pushes: the panel's lamps and numbers, and all of it as messages to `clavilux-feed`."""
    inside = Canvas(1160, 500)
    listen = inside.column(20, 20, (f"r {_TO}listen", "list prepend listen", "list trim"))[-1]
    net, _, feed, route = inside.column(20, 120, ("netreceive -u -b", "oscparse", "list trim", "route feature event beat colour"))
    inside.wire(listen, net)
    inside.wire(feed, inside.obj(160, 180, f"s {_TO}feed"))
    inside.wire(feed, inside.obj(300, 180, f"s {_TO}heard"))
    inside.wire(route, inside.column(20, 270, ("route loudness", f"s {_TO}level"))[0])
    hits = inside.obj(160, 270, f"route {' '.join(LAMPS)}")
    inside.wire(route, hits, 1)
    for place, name in enumerate(LAMPS):
        inside.wire(hits, inside.obj(160 + 130 * place, 310, f"s {_TO}{name}"), place)
    beat = inside.obj(160, 360, "route phase bpm source")
    inside.wire(route, beat, 2)
    inside.wire(beat, inside.obj(160, 400, f"s {_TO}heard-bpm"), 1)
    inside.wire(beat, inside.column(330, 390, ("list prepend set", "list trim", f"s {_TO}source"))[0], 2)
    beaten = inside.obj(500, 360, "t b f")
    inside.wire(beat, beaten, 3)
    inside.wire(beaten, inside.obj(500, 400, f"s {_TO}beat-lamp"))
    inside.wire(beaten, inside.obj(500, 440, f"s {_TO}beat"), 1)
    # A colour comes as its place and three numbers of 0 to 1; a rectangle takes #rrggbb.
    place, pair = inside.column(740, 200, ("list split 1", "pack s s"))
    number = inside.obj(700, 330, "expr int($f1*255+.5)*65536+int($f2*255+.5)*256+int($f3*255+.5)")
    word = inside.obj(700, 390, "makefilename #%06x")
    inside.wire(route, place, 3)
    inside.wire(place, number, 1)
    inside.wire(number, word)
    inside.wire(word, pair, 0, 1)
    inside.wire(pair, inside.msg(840, 240, f"; {_TO}colour-$1 color $2"))
    return inside
