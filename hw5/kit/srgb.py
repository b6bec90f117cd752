"""Colours as a picture's profile means them: phones, scanners and print shops each have their own.

Offers `in_srgb`. Used by decode.py.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

BARE = {"1": "L", "LA": "L", "P": "RGB", "PA": "RGB", "RGBA": "RGB"}  # what a profile speaks of
SLACK = 2  # levels by which sRGB's own profiles differ from one another


def in_srgb(picture: Image.Image, mode: str) -> Image.Image:
    """Return `picture` as RGB or RGBA (`mode`), its colour profile followed where it is usable."""
    profile = picture.info.get("icc_profile")
    followed = _followed(picture, profile) if profile else None
    if followed is None:
        return picture.convert(mode)
    if mode == "RGBA":
        followed.putalpha(picture.convert(mode).getchannel("A"))
    return followed


def _followed(picture: Image.Image, profile: bytes) -> Image.Image | None:
    """Return the picture's colours in sRGB; None: they are as they are stored."""
    bare = BARE.get(picture.mode, picture.mode)
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if bare == "RGB" and _is_srgb(source):
            return None  # the way there and back would only round
        colours = picture if picture.mode == bare else picture.convert(bare)
        return _converted(colours, source)
    except (ImageCms.PyCMSError, OSError):  # a damaged note about its colours is no bad picture
        return None


def _is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    """Does a profile change nothing? Asked of colours: there are profiles named "linear sRGB"."""
    steps = np.arange(0, 256, 51, dtype=np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    found = np.asarray(_converted(Image.fromarray(colours), profile))
    return int(np.abs(found.astype(int) - colours).max()) <= SLACK


def _converted(picture: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    """Return a picture without transparency, taken as `profile` says, in sRGB.

    Raises:
        PyCMSError: the profile is not for such pictures.
    """
    target = ImageCms.createProfile("sRGB")
    return ImageCms.profileToProfile(picture, profile, target, outputMode="RGB")
