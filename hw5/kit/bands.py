"""A large picture that comes in bands, from the top, and is averaged as they come.

Offers `averaged`, `BAND` and `WholeOnly`. Used by huge_png.py and huge_tiff.py, which make bands.
"""

from __future__ import annotations

from collections.abc import Iterable

from PIL import Image

BAND = 1 << 24  # bytes of pixels decoded at a time


class WholeOnly(Exception):
    """A picture that cannot be decoded in parts; the message completes "20,000 x 20,000 ..."."""


def averaged(bands: Iterable[Image.Image], size: tuple[int, int], factor: int) -> Image.Image:
    """Return bands of any heights as one picture, averaged over squares of `factor` x `factor`.

    Args:
        bands: pictures of one mode and of the whole width, which together are `size` = (width,
            height).
        size: of the picture before.
        factor: sides of a square; those at the right and lower edge may be cut.
    """
    small, rest, row = None, None, 0
    for band in bands:
        band = band if rest is None else _stacked(rest, band)
        if small is None:
            small = Image.new(band.mode, tuple(-(-side // factor) for side in size))
        full = band.height // factor * factor  # the rows below wait for the next band
        if full:
            small.paste(band.crop((0, 0, band.width, full)).reduce(factor), (0, row))
            row += full // factor
        rest = band.crop((0, full, band.width, band.height)) if full < band.height else None
    if rest is not None:
        small.paste(rest.reduce(factor), (0, row))
    return small


def _stacked(above: Image.Image, below: Image.Image) -> Image.Image:
    """Return two pictures of one width and mode below one another."""
    both = Image.new(above.mode, (above.width, above.height + below.height))
    both.paste(above)
    both.paste(below, (0, above.height))
    return both
