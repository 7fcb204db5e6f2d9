"""Builds the component `clavilux` in TouchDesigner: hands to the engine by OSC, and what the engine hears as channels.

Paste this into a Text DAT and choose Run Script. What the component does afterwards is in here too: it keeps a copy of this
text as its DAT `runtime`, whose functions its callbacks call.
"""

MACROS = ("energy", "speed", "chaos", "colour", "texture", "zoom", "flash", "audio")
PATCHES = ("deep-music", "first-light", "foundry", "mandala", "tidal", "voyage", "wildcard")
FADERS = {f"Macro{number}": f"/macro/{number}" for number in range(1, 9)} | {"Master": "/master/level"}
SWITCHES = {"Freeze": "/freeze", "Blackout": "/blackout"}
PULSES = {"Panic": "/panic", "Tap": "/tempo/tap", "Resync": "/tempo/resync", "Release": "/tempo/release"}
BPM, PATCH = {"Bpm": "/tempo/bpm"}, {"Patch": "/patch/load"}

COMPONENT, RUNTIME = "clavilux", "runtime"
RENEW_S = 5.0  # a subscription lasts ten seconds
FEED, FIGURES = ("features", "beat", "colours"), ("status",)
LINES = 24  # figures on the status picture

HANDS_TEXT = """def onValueChange(par, prev):
    op('runtime').module.changed(parent(), par.name, par.eval())


def onPulse(par):
    op('runtime').module.pulsed(parent(), par.name)
"""
CLOCK_TEXT = """def onFrameStart(frame):
    op('runtime').module.renew(parent(), absTime.seconds)
"""
FIGURES_TEXT = """def onReceiveOSC(dat, rowIndex, message, byteData, timeStamp, address, args, peer):
    op('runtime').module.told(parent(), address, args)
"""


def message(name, value):
    """The OSC address and arguments of a custom parameter's new value; None for one that is not the engine's."""
    if name in FADERS or name in BPM:
        return (FADERS | BPM)[name], [float(value)]
    if name in SWITCHES:
        return SWITCHES[name], [int(bool(value))]
    if name in PATCH and value:  # nothing is chosen before the first choice
        return PATCH[name], [str(value)]
    return None


def changed(base, name, value):
    """A custom parameter was moved, by hand or by a channel."""
    sent = message(name, value)
    if sent:
        base.op("osc_out").sendOSC(*sent)
    elif name == "Follow" and not value:
        for port in (base.par.Feedport, base.par.Statusport):
            base.op("osc_out").sendOSC("/unsubscribe", [int(port.eval())])
    else:  # another engine, another port, or Follow: ask anew on the next frame
        base.store("asked", -RENEW_S)


def pulsed(base, name):
    """A button was pressed."""
    if name in PULSES:
        base.op("osc_out").sendOSC(PULSES[name], [1])


def renew(base, now_s):
    """Once a frame: keep the subscriptions alive while Follow is on."""
    if base.par.Follow.eval() and now_s - base.fetch("asked", -RENEW_S) >= RENEW_S:
        base.store("asked", now_s)
        base.op("osc_out").sendOSC("/subscribe", [*FEED, int(base.par.Feedport.eval())])
        base.op("osc_out").sendOSC("/subscribe", [*FIGURES, 1.0, int(base.par.Statusport.eval())])


def told(base, address, arguments):
    """A figure of the engine's health arrived: show all of them on the status picture."""
    if address.startswith("/status/") and arguments:
        figures = dict(base.fetch("figures", {}))
        figures[address.removeprefix("/status/")] = arguments[0]
        base.store("figures", figures)
        base.op("status").par.text = page(figures)


def page(figures):
    """The figures as lines of text."""
    lines = []
    for name in sorted(figures)[:LINES]:
        value = figures[name]
        lines.append(f"{name}  {value:.4g}" if isinstance(value, float) else f"{name}  {value}")
    return "\n".join(lines)


def build(where, text):
    """Make the component inside `where`; one that is there already is replaced."""
    old = where.op(COMPONENT)
    if old:
        old.destroy()
    base = where.create("baseCOMP", COMPONENT)
    add_parameters(base)
    add_operators(base, text)
    return base


def add_parameters(base):
    """The knobs of the component, on two pages."""
    hands = base.appendCustomPage("Clavilux")
    for number, name in enumerate(FADERS):
        label = f"{number + 1} {MACROS[number]}" if number < len(MACROS) else name
        add_number(hands.appendFloat(name, label=label)[0], 0.0, 1.0, 0.5 if number < len(MACROS) else 1.0)
    patch = hands.appendStrMenu("Patch", label="Patch")[0]
    patch.menuNames = patch.menuLabels = list(PATCHES)
    patch.val = ""
    for name in SWITCHES:
        hands.appendToggle(name, label=name)
    for name in PULSES:
        hands.appendPulse(name, label=name)
    add_number(hands.appendFloat("Bpm", label="BPM")[0], 20.0, 400.0, 120.0)
    connection = base.appendCustomPage("Connection")
    connection.appendStr("Address", label="Engine address")[0].val = "127.0.0.1"
    add_number(connection.appendInt("Port", label="Engine port")[0], 1, 65535, 9000)
    add_number(connection.appendInt("Feedport", label="Feed to port")[0], 1, 65535, 9002)
    add_number(connection.appendInt("Statusport", label="Status to port")[0], 1, 65535, 9003)
    connection.appendToggle("Follow", label="Follow the engine")[0].val = True


def add_number(par, low, high, value):
    """Range, default and value of a number."""
    par.min = par.normMin = low
    par.max = par.normMax = high
    par.clampMin = par.clampMax = True
    par.default = par.val = value


def add_operators(base, text):
    """What is inside: OSC out and in, the callbacks, and the status picture."""
    runtime = place(base.create("textDAT", RUNTIME), 0, 0)
    runtime.text = text
    out = place(base.create("oscoutDAT", "osc_out"), 1, 0)
    follow(out.par.address, "parent().par.Address")
    follow(out.par.port, "parent().par.Port")
    feed = place(base.create("oscinCHOP", "osc_in"), 0, 1)
    follow(feed.par.port, "parent().par.Feedport")
    features = place(base.create("outCHOP", "features"), 1, 1)
    features.inputConnectors[0].connect(feed)
    on_figures = place(base.create("textDAT", "on_figures"), 0, 2)
    on_figures.text = FIGURES_TEXT
    figures = place(base.create("oscinDAT", "figures"), 1, 2)
    follow(figures.par.port, "parent().par.Statusport")
    figures.par.callbacks = on_figures.name
    status = place(base.create("textTOP", "status"), 2, 2)
    status.par.text = "no news of the engine yet"
    status.par.fontsizex = 14
    status.par.outputresolution = "custom"
    status.par.resolutionw = status.par.resolutionh = 480
    # The callbacks come last, so that building does not set them off.
    clock = place(base.create("executeDAT", "clock"), 2, 1)
    clock.text = CLOCK_TEXT
    clock.par.framestart = True
    hands = place(base.create("parameterexecuteDAT", "hands"), 2, 0)
    hands.text = HANDS_TEXT
    hands.par.op = ".."
    hands.par.pars = "*"
    hands.par.custom, hands.par.builtin = True, False
    hands.par.valuechange = hands.par.onpulse = True
    base.par.opviewer = "./status"
    base.viewer = True


def follow(par, expression):
    """Let a parameter take its value from an expression."""
    par.expr = expression
    par.mode = type(par.mode).EXPRESSION


def place(operator, column, row):
    """Put an operator into its cell of the network, and hand it on."""
    operator.nodeX, operator.nodeY = 200 * column, -150 * row
    return operator


try:
    script = me  # TouchDesigner's name for the DAT that holds this text
except NameError:
    script = None  # read by something else
if script is not None and script.name != RUNTIME:
    build(script.parent(), script.text)
