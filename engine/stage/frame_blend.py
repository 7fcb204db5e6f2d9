"""The network's newest two frames as textures, and how far the newer one shows."""

from typing import Any

import moderngl

from engine.core.types import Frame, GpuPicture
from engine.stage.gl_context import is_software
from engine.stage.upload import BufferedUpload, DirectUpload, GpuUpload, Upload

SRGB8_ALPHA8 = 0x8C43  # decoded to linear light by the sampler
FADE_IN_S = 1.0  # from the procedural look to the first network frame
GAP_S = 0.04  # assumed between frames until two have come


class FrameBlend:
    """Blends over the usual time between two frames, so a slow network moves at the display's rate.

    All times are the stage's clock, so a film drawn frame by frame blends as the live show does.
    """

    def __init__(self, context: Any) -> None:
        self._context = context
        self._textures = [self._texture((8, 8)), self._texture((8, 8))]
        self._uploads: dict[tuple[bool, tuple[int, int]], Upload] = {}  # by: from the card?, and width and height
        self._newest: Frame | None = None
        self._fresh = False  # came since the last draw
        self._since_s = 0.0  # when the newest one began to show
        self._first_s = self._network = 0.0
        self._measured = False
        self.gap_s = GAP_S
        self.count = 0

    def _texture(self, size: tuple[int, int]) -> Any:
        texture = self._context.texture(size, 4, bytes(size[0] * size[1] * 4), internal_format=SRGB8_ALPHA8)
        texture.repeat_x = texture.repeat_y = False
        texture.filter = (moderngl.LINEAR, moderngl.LINEAR)
        return texture

    def put(self, frame: Frame, at_once: bool = False) -> None:
        """Upload a new frame; the one before it stays for blending. The first fades in, unless it is to be there `at_once`.

        Raises CudaError for a frame on the card that cannot be had from there; what was shown before is then still shown.
        """
        height, width = frame.rgba.shape[:2]
        upload = self._upload(isinstance(frame.rgba, GpuPicture), (width, height))
        # Two frames within one draw: the first was never seen, and the other of the textures is.
        before = self._textures if self._fresh else self._textures[::-1]
        older = self._texture((width, height)) if self.count == 0 else before[0]
        newer = before[1] if before[1].size == (width, height) else self._texture((width, height))
        upload.write([older, newer] if self.count == 0 else [newer], frame.rgba)
        for texture in before:
            if texture not in (older, newer):
                texture.release()
        self._textures = [older, newer]
        self._newest, self._fresh = frame, True
        self._network = 1.0 if at_once else self._network
        self.count += 1

    def _upload(self, on_gpu: bool, size: tuple[int, int]) -> Upload:
        """The way for such pictures; what other ways and sizes held is given back."""
        if (on_gpu, size) not in self._uploads:
            way: Upload
            if on_gpu:
                way = GpuUpload(self._context, size[0] * size[1] * 4)
            else:
                way = DirectUpload() if is_software(self._context) else BufferedUpload(self._context, size[0] * size[1] * 4)
            for other in self._uploads.values():
                other.release()
            self._uploads = {(on_gpu, size): way}
        return self._uploads[on_gpu, size]

    def advance(self, time_s: float, dt_s: float, blend: bool) -> tuple[float, float]:
        """(how far the newer frame shows, how far the network as a whole shows), each 0..1, at a moment of drawing."""
        if self._fresh:
            start_s = time_s - dt_s  # it came within the period that ends now
            if self.count == 1:
                self._first_s = start_s
            elif 0.0 < (gap_s := start_s - self._since_s) < 0.5:
                self.gap_s += (0.2 if self._measured else 1.0) * (gap_s - self.gap_s)
                self._measured = True
            self._since_s, self._fresh = start_s, False
        if self.count:
            self._network = min(max((time_s - self._first_s) / FADE_IN_S, self._network), 1.0)
        part = (time_s - self._since_s) / max(self.gap_s, 1e-4) if blend and self.count > 1 else 1.0
        return min(max(part, 0.0), 1.0), self._network

    @property
    def latency_s(self) -> float:
        """What blending adds: the newer of two frames shows by half after half their distance."""
        return self.gap_s / 2

    @property
    def textures(self) -> tuple[Any, Any]:
        """(older, newer)"""
        return self._textures[0], self._textures[1]

    @property
    def newest(self) -> Frame | None:
        """The frame that is shown or blended in."""
        return self._newest

    def release(self) -> None:
        """Give the textures and buffers back."""
        for texture in self._textures:
            texture.release()
        for upload in self._uploads.values():
            upload.release()
