"""Which picture files are taken, and what is said of the others: one line, with the likely slip.

Offers `FORMATS`, `MAX_PIXELS`, `MIN_SIDE`, `kind_of`, `check_side`, `too_large` and `refusal`.
Used by decode.py and huge.py.
"""

from __future__ import annotations

from PIL import Image, features

from hw5.kit.checks import InputError

# 8,000 x 8,000: beyond any phone's ordinary photograph, and decoded it still fits in 256 MB.
MAX_PIXELS = 64_000_000

# Below this nothing can be seen, and the smallest feature maps would vanish.
MIN_SIDE = 8

# Pure decoders only: some of Pillow's other formats start outside programs.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
if "avif" in features.modules and features.check("avif"):  # from Pillow 11.3 on, as mostly built
    FORMATS += ("AVIF",)

EXPECTED = "a PNG, JPEG, WebP, AVIF, GIF, BMP, TIFF or PPM picture"
STARTS = {
    b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG", b"GIF8": "GIF",
    **dict.fromkeys((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), "TIFF"),  # + where it is a big one
}  # fmt: skip
IN_PARTS = ("JPEG", "PNG", "TIFF")  # kinds that are also read where they are too large to be held

# Behind their length, files of phones begin with "ftyp", a brand, and further brands.
AVIF = (b"avif", b"avis")
HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")
AS_JPEG = "export it as JPEG (iPhone: share it, or Settings, Camera, Most Compatible)"


def kind_of(data: bytes) -> str:
    """Return what a file is by its first bytes, "" where they do not tell."""
    if data[4:8] == b"ftyp":
        brands = [data[place : place + 4] for place in (8, *range(16, 40, 4))]
        if any(brand in AVIF for brand in brands):
            return "AVIF"
        return "HEIC" if brands[0] in HEIC else "a film or a phone's format"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    return next((kind for start, kind in STARTS.items() if data.startswith(start)), "")


def check_side(name: str, size: tuple[int, int], min_side: int = MIN_SIDE) -> None:
    """Require at least `min_side` pixels of both sides of a (width, height)."""
    width, height = size
    if min(width, height) < min_side:
        expected = f"a picture of at least {min_side} x {min_side} pixels"
        hint = "use the original, not a thumbnail"
        raise InputError.about(name, expected=expected, got=f"{width} x {height}", hint=hint)


def too_large(name: str, got: str, *, kind: str = "") -> InputError:
    """Return the error for a picture above the limit.

    Args:
        name: what to call it.
        got: its size, and why it cannot be read in parts.
        kind: of the file, where it was not tried to read it in parts.
    """
    expected, hint = f"at most {MAX_PIXELS // 1_000_000} million pixels", "make it smaller"
    if kind in IN_PARTS:
        hint = "make it smaller, or cut a square out with python -m hw5 crop"
    else:
        expected += f", or a plain {', '.join(IN_PARTS[:-1])} or {IN_PARTS[-1]}"
    return InputError.about(name, expected=expected, got=got, hint=hint)


def refusal(name: str, data: bytes, error: Exception) -> InputError:
    """Return the error for bytes that Pillow refused, guessing the slip from how they start."""
    kind = kind_of(data)
    if isinstance(error, Image.DecompressionBombError):
        return too_large(name, "far more", kind=kind)
    if isinstance(error, MemoryError):
        return too_large(name, "more than the memory left can hold")
    if not isinstance(error, Image.UnidentifiedImageError):
        got = f"a damaged or unsupported one ({str(error)[:80] or type(error).__name__})"
        hint = "copy it again or export it as PNG"
    elif kind == "AVIF" and "AVIF" not in FORMATS:
        got, hint = "AVIF, which needs a newer Pillow", f"pip install -U pillow, or {AS_JPEG}"
    elif data[4:8] == b"ftyp" and kind != "AVIF":
        got, hint = kind, AS_JPEG
    elif kind:
        got, hint = f"a damaged {kind}", "copy it again or export it as PNG"
    else:
        got = "text" if _looks_like_text(data) else "an unknown format or a damaged file"
        hint = "an ending does not make a file a picture; export it again as PNG"
    return InputError.about(name, expected=EXPECTED, got=got, hint=hint)


def _looks_like_text(data: bytes) -> bool:
    """Say whether `data` starts like readable text."""
    try:
        return data[:256].decode("ascii").replace("\n", "").replace("\r", "").isprintable()
    except UnicodeDecodeError:
        return False
