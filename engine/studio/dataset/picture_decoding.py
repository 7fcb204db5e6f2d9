"""Any picture file as plain 8-bit RGB: turned as its EXIF says, in sRGB, laid over black, the first frame of an animation.

Files come from anywhere, so only formats that are decoded by Pillow itself are tried (no PostScript), and a picture of more
pixels than PIXEL_LIMIT is refused by its header, before anything is unpacked.
"""

import contextlib
import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF", "PPM", "TGA", "JPEG2000", "HEIF")
HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")  # brands of a file that begins with ftyp
PIXEL_LIMIT = 1 << 27  # 400 MB as RGB
TURNED = ("TIFF", "HEIF")  # Pillow and pillow-heif turn these themselves as they load
_ORIENTATION = 0x0112
_TURNS = {  # EXIF orientation to what undoes it
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class PictureError(ValueError):
    """A file that gives no picture; the message says why, in a few words."""


def read_picture(path: Path, smallest: tuple[int, int] = (1, 1)) -> Image.Image:
    """The picture in `path`, RGB. Raises PictureError, also when it is smaller than `smallest` (width, height)."""
    Image.init()
    with contextlib.suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
    try:
        with Image.open(path, formats=[name for name in FORMATS if name in Image.OPEN]) as opened:
            if opened.width * opened.height > PIXEL_LIMIT:
                raise PictureError(f"too large: {opened.width}x{opened.height}, more than {PIXEL_LIMIT} pixels")
            turn = None if opened.format in TURNED else _TURNS.get(_orientation(opened))
            across = turn in (
                Image.Transpose.TRANSPOSE,
                Image.Transpose.ROTATE_270,
                Image.Transpose.TRANSVERSE,
                Image.Transpose.ROTATE_90,
            )
            width, height = (opened.height, opened.width) if across else opened.size
            if width < smallest[0] or height < smallest[1]:
                raise PictureError(f"smaller than {smallest[0]}x{smallest[1]}: {width}x{height}")
            opened.seek(0)
            opened.load()
            rgb = _to_rgb(opened)
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        raise PictureError(_unknown(path)) from error
    except Image.DecompressionBombError as error:
        raise PictureError(f"too large: more than {PIXEL_LIMIT} pixels") from error
    except MemoryError as error:
        raise PictureError("too large for this machine's memory") from error
    except Exception as error:  # what a decoder raises on a broken file is anything: struct.error, IndexError, zlib.error, ...
        raise PictureError(f"broken: {' '.join(str(error).split()) or type(error).__name__}") from error
    rgb.info.clear()  # a colour profile no longer fits
    return rgb if turn is None else rgb.transpose(turn)


def fit(picture: Image.Image, width: int, height: int) -> Image.Image:
    """The middle of `picture` that has the aspect of width:height, resampled to exactly that size (Lanczos)."""
    scale = min(picture.width / width, picture.height / height)
    wide, tall = width * scale, height * scale
    left, top = (picture.width - wide) / 2, (picture.height - tall) / 2
    return picture.resize((width, height), Image.Resampling.LANCZOS, box=(left, top, left + wide, top + tall))


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # broken metadata of a good picture
        return 1


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode == "F" or picture.mode.startswith("I"):
        return _from_deep(picture)
    profile = picture.info.get("icc_profile")
    if picture.has_transparency_data:
        clear = picture.convert("RGBA")
        black = Image.new("RGBA", clear.size, (0, 0, 0, 255))
        picture = Image.alpha_composite(black, clear).convert("RGB")
    elif picture.mode not in ("RGB", "CMYK", "L"):
        picture = picture.convert("RGB")
    return _to_srgb(picture, profile)


def _unknown(path: Path) -> str:
    with contextlib.suppress(OSError), path.open("rb") as file:
        head = file.read(12)
        if head[4:8] == b"ftyp" and head[8:12] in HEIC:
            return "HEIC, which needs pillow-heif (pip install pillow-heif), or a JPEG made of it"
    return "no picture of a known format"


def _from_deep(picture: Image.Image) -> Image.Image:
    """Greys of 16 bits, or of floats, as 8 bits. Floats beyond 1 are measured by their own brightest thousandth."""
    grey = np.nan_to_num(np.asarray(picture).astype(np.float32), posinf=0.0, neginf=0.0)
    scale = 1 / 257
    if picture.mode == "F":
        brightest = float(np.quantile(grey, 0.999)) if grey.max() > 1.0 else 1.0
        scale = 255.0 / max(brightest, 1e-9) if brightest > 1.0 else 255.0
    return Image.fromarray(np.clip(np.round(grey * scale), 0, 255).astype(np.uint8)).convert("RGB")


def _to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            changed = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if changed is not None:
                return changed
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass  # a profile that is broken or for other channels: the plain conversion is what most viewers show
    return picture.convert("RGB")
