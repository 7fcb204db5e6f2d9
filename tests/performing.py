"""A whole show in real time, without a window, for tests to perform in steps."""

import time
from contextlib import ExitStack
from typing import Any

from engine.audio import Source
from engine.instrument.instrument import Instrument, find_patch
from engine.show.analysis_thread import AnalysisThread
from engine.show.perform import open_model
from engine.show.realtime import RealtimeShow
from engine.stage.gl_context import headless_context

REACH_S = 50.0  # ten times what a restart may take


def performing(stack: ExitStack, source: Source, **options: Any) -> tuple[RealtimeShow, AnalysisThread]:
    generator = open_model("light", "auto")
    stack.callback(generator.close)
    generator.start()
    instrument = Instrument(find_patch("first-light"), generator.info, source.inputs)
    context = headless_context()
    stack.callback(context.release)
    listening = AnalysisThread(instrument, source, generator.send)
    live = RealtimeShow(instrument, listening, generator, context, (320, 180), 30.0, **options)
    stack.callback(live.close)
    stack.callback(listening.close)
    listening.start()
    return live, listening


def until(live: RealtimeShow, condition: Any, reach_s: float = REACH_S) -> float:
    """Perform until `condition`; how long it took. Fails after `reach_s`."""
    started = time.monotonic()
    while not condition():
        live.run(0.1)
        assert time.monotonic() - started < reach_s, live.messages
    return time.monotonic() - started
