"""The network's pictures reach their textures whichever way they take; one that cannot be had leaves what was there."""

import numpy as np
import pytest

from engine.core.cuda import CudaError, DeviceMemory, PinnedMemory, Stream, draws_opengl
from engine.core.types import Frame, GpuPicture
from engine.runtime.nvidia import cards
from engine.stage.frame_blend import FrameBlend
from engine.stage.upload import BufferedUpload, DirectUpload, GpuUpload

SIDE = 64
SIZE = SIDE * SIDE * 4
has_card = pytest.mark.skipif(not cards(), reason="no NVIDIA card answers")


@pytest.fixture
def pictures():
    return np.random.default_rng().integers(0, 256, (6, SIDE, SIDE, 4), dtype=np.uint8)


@pytest.fixture
def textures(context):
    made = [context.texture((SIDE, SIDE), 4) for _ in range(2)]
    yield made
    for texture in made:
        texture.release()


@pytest.fixture
def frames(context):
    made = FrameBlend(context)
    yield made
    made.release()


def seen(texture):
    return np.frombuffer(texture.read(), np.uint8).reshape(SIDE, SIDE, 4)


@pytest.mark.parametrize("kind", ["direct", "buffered"])
def test_pictures_of_the_host_arrive(context, textures, pictures, kind) -> None:
    upload = DirectUpload() if kind == "direct" else BufferedUpload(context, SIZE)
    for index, picture in enumerate(pictures):
        given = picture if index % 2 else np.asfortranarray(picture)
        upload.write([textures[index % 2]], given)
        assert (seen(textures[index % 2]) == picture).all()
    upload.write(textures, pictures[0])
    assert all((seen(texture) == pictures[0]).all() for texture in textures)
    upload.release()


def test_a_picture_that_cannot_be_had_from_a_card_leaves_what_was_there(frames, context, pictures) -> None:
    if draws_opengl():
        pytest.skip("here it can be had")
    for number in (0, 1):
        frames.put(Frame(pictures[number], number, 0.0, 0.0, number))
        frames.advance(number / 30, 1 / 30, True)
    with pytest.raises(CudaError, match="expected OpenGL on the card that CUDA uses; got "):
        frames.put(Frame(GpuPicture(0, (SIDE, SIDE, 4)), 2, 0.0, 0.0, 2))
    older, newer = (seen(texture) for texture in frames.textures)
    assert (older == pictures[0]).all()
    assert (newer == pictures[1]).all()
    assert (frames.count, frames.newest.tick) == (2, 1)
    frames.put(Frame(pictures[2], 3, 0.0, 0.0, 3))  # the host's way is still open
    assert (seen(frames.textures[1]) == pictures[2]).all()


@pytest.fixture
def on_gpu(pictures):
    if not draws_opengl():
        pytest.skip("OpenGL is not drawn by the card that CUDA uses")
    stream, pinned, memory = Stream(), PinnedMemory(pictures.size), DeviceMemory(pictures.size)
    pinned.array[:] = pictures.reshape(-1)
    stream.copy(memory.pointer, pinned.pointer, pictures.size)
    stream.wait()
    yield [GpuPicture(memory.pointer + index * SIZE, (SIDE, SIDE, 4)) for index in range(len(pictures))]
    for part in (memory, pinned, stream):
        part.close()


@pytest.mark.gpu
@has_card
def test_pictures_of_the_card_arrive(context, textures, pictures, on_gpu) -> None:
    upload = GpuUpload(context, SIZE)
    for index, picture in enumerate(on_gpu):
        upload.write([textures[index % 2]], picture)
        assert (seen(textures[index % 2]) == pictures[index]).all()
        assert picture.copied()
    upload.release()


@pytest.mark.gpu
@has_card
def test_pictures_may_come_from_the_card_and_from_the_host_in_turns(frames, pictures, on_gpu) -> None:
    for number, picture in enumerate(pictures):
        frames.put(Frame(on_gpu[number] if number % 3 else picture, number, 0.0, 0.0, number))
        frames.advance(number / 30, 1 / 30, True)
        assert (seen(frames.textures[1]) == picture).all()
        assert (seen(frames.textures[0]) == pictures[max(number - 1, 0)]).all()
