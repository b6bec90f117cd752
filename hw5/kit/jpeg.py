"""Whole JPEGs: is every pixel there, and a huge one decoded at a fraction of its size.

Offers `whole`, and for huge.py `stated_size` and `reduced`. libjpeg paints what a cut file lacks
grey and says nothing as soon as an end marker follows; without that marker Pillow refuses the file
even if only the marker is missing. So neither is asked: the file is decoded twice, the second time
with bytes of noise in front of its end. Noise that changes the picture stands where pixels should.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator

from PIL import Image, ImageChops, JpegImagePlugin

from hw5.kit.bands import WholeOnly

END = b"\xff\xd9"
END_OF_IMAGE, START_OF_SCAN, RESTART, RESTART_INTERVAL = 0xD9, 0xDA, 0xD0, 0xDD
FRAMES = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)  # Huffman or arithmetic coding, one scan or several
MAX_HELD = 5 << 28  # bytes: 20,000 x 20,000 pixels with colours at half of their resolution
SCALES = (2, 4, 8)  # what the decoder can divide the sides by
MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # among coded pixels: no stuffed byte, no restart
HOLE = bytes(512)  # a sector of a disk: what a copy reserved and never filled ends in zeros
NOISE = bytes((73 * i + i * i // 7) % 251 for i in range(1, 97))  # never 255, so no marker


def whole(data: bytes, *, scale: int = 2) -> bytes:
    """Return a JPEG's bytes with an end marker behind its pixels, all of which are there.

    Args:
        data: the file.
        scale: how small a progressive one, which ends in details, is looked at; the smaller, the
            fewer of them are seen.

    Raises:
        OSError: pixels are missing; the message says where.
    """
    end, restarts = _end(data)
    pixels, is_closed = data[:end], data[end : end + 2] == END
    if not is_closed:
        _check_cut(pixels)
        pixels = pixels.removesuffix(END[:1])  # half of a marker
    told = pixels + END
    scale = scale if _opened(data).info.get("progressive") else SCALES[-1]
    glance, more = _at(told, scale), _at(pixels + _more(pixels, restarts) + END, scale)
    changed = ImageChops.difference(glance, more)
    if box := changed.getbbox():
        share = 1 - box[1] / changed.height
        raise OSError(f"truncated: the lower {max(share, 0.01):.0%} is missing or coarse")
    return data if is_closed else told


def stated_size(data: bytes) -> tuple[int, int]:
    """Return the (width, height) in a JPEG's header."""
    return _opened(data).size


def reduced(data: bytes, at_least: float) -> Image.Image:
    """Return a JPEG decoded at a half, a quarter or an eighth, by `at_least` or more.

    Raises:
        WholeOnly: too large even at an eighth, or sent coarse first and too large to be held.
        OSError: pixels are missing.
    """
    if _held(data) > MAX_HELD:
        raise WholeOnly("in a progressive JPEG, whose scans must all be held at once")
    scale = next((scale for scale in SCALES if scale >= at_least), None)
    if scale is None:
        raise WholeOnly(f"in a JPEG, too many even at one {SCALES[-1]}th of its sides")
    return _at(whole(data, scale=scale), scale)


def _opened(data: bytes) -> JpegImagePlugin.JpegImageFile:
    return JpegImagePlugin.JpegImageFile(io.BytesIO(data))  # Image.open would refuse its size


def _held(data: bytes) -> int:
    """Return the bytes that a decoder must hold at once: 2 for each wave of a progressive JPEG."""
    picture = _opened(data)
    if not picture.info.get("progressive"):
        return 0
    across, down = (max(layer[side] for layer in picture.layer) for side in (1, 2))
    shares = (layer[1] * layer[2] / (across * down) for layer in picture.layer)
    return round(2 * picture.width * picture.height * sum(shares))


def _at(data: bytes, scale: int) -> Image.Image:
    """Return a JPEG decoded at one `scale`-th of its sides."""
    picture = _opened(data)
    picture.draft(None, tuple(max(1, side // scale) for side in picture.size))
    picture.load()
    return picture


def _check_cut(data: bytes) -> None:
    """Require of a JPEG without an end that it does not stop between two of its scans.

    Raises:
        OSError: it does, or ends in a hole.
    """
    if data.endswith(HOLE):
        raise OSError("truncated: zeros where pixels should be")
    try:
        missing = any(bits != 0 for bits in _still_to_come(data).values())
    except (IndexError, ValueError) as error:
        raise OSError("truncated: it ends in a header") from error
    if missing:
        raise OSError("truncated: scans of it are missing")


def _still_to_come(data: bytes) -> dict[tuple[int, int], int | None]:
    """Return (channel, wave) -> how many of its bits no scan holds; None: all of them."""
    sent = {}
    for place, kind in _markers(data):
        if kind in FRAMES:
            channels = data[place + 10 : place + 10 + 3 * data[place + 9] : 3]
            sent = dict.fromkeys(itertools.product(channels, range(64)))
        elif kind == START_OF_SCAN:
            behind = place + 5 + 2 * data[place + 4]
            first, last, bits = data[behind : behind + 3]
            keys = itertools.product(data[place + 5 : behind : 2], range(first, last + 1))
            sent.update(dict.fromkeys(keys, bits & 15))
    return sent


def _more(pixels: bytes, restarts: bool) -> bytes:
    """Return bytes that a decoder which is not at its end takes for pixels."""
    if not restarts:
        return NOISE
    # Pixels may be missing from the next restart on, and the decoder waits for that one's number.
    places = [pixels.rfind(bytes((0xFF, RESTART + number))) for number in range(8)]
    following = places.index(max(places)) + 1 if max(places) >= 0 else 0
    more = NOISE
    for turn in range(following, following + 8):  # little stands between two, so several are tried
        more += bytes((0xFF, RESTART + turn % 8)) + NOISE[turn:]
    return more


def _end(data: bytes) -> tuple[int, bool]:
    """Return where a JPEG's end marker stands or should, and whether its pixels have restarts.

    What phones put behind the first picture, a second one or a film, is not looked at.
    """
    restarts = False
    for place, kind in _markers(data):
        if kind == END_OF_IMAGE:
            return place, restarts
        restarts = restarts or kind == RESTART_INTERVAL
    return len(data), restarts


def _markers(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield (place, kind) of the markers of a JPEG, those of pixels left out."""
    place = 2
    while found := MARKER.search(data, place):
        place, kind = found.start(), data[found.start() + 1]
        yield place, kind
        # Behind a marker its length is told, which leads over tables and thumbnails.
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
