"""Pictures in a notebook: large, with crisp pixels, captions and words for those who listen.

Offers `show`. What it returns is plain PNG with plain text, so it is the same in every front end,
in an exported page, and for a test that compares pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image, ImageDraw, ImageFont

from hw5.kit import images as kit
from hw5.kit.checks import InputError, check_number, check_shape
from hw5.shapes import Images

SCALE = 4  # 64 pixels become 256 on the screen
GAP = 12  # pixels between pictures
TEXT = 15  # height of the letters, in pixels
LINE = 24  # room for a line of caption, in pixels
COLUMNS = 4
INK, PAPER = (60, 60, 60), (255, 255, 255)


@dataclass(frozen=True)
class Shown:
    """Pictures on a sheet: a display object of Jupyter."""

    png: bytes
    text: str  # what the sheet shows, in words

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, object], dict[str, object]]:
        data = {"image/png": self.png, "text/plain": self.text}
        return data, {"image/png": {"alt": self.text}}


def show(
    images: Images | Sequence[Images],
    captions: Sequence[str] | str = (),
    *,
    scale: int = SCALE,
    columns: int = COLUMNS,
    alt: str = "",
) -> Shown:
    """Pictures side by side with captions below them.

    Args:
        images: (N, 3, H, W) in [-1, 1] or slightly beyond, or a sequence of such of one size.
        captions: one for each picture, or none.
        scale: pixels of the screen for each pixel of the picture.
        columns: pictures in a row.
        alt: the sheet in words, for those who do not see it; the captions by default.

    Raises:
        InputError: pictures of different sizes, or captions of another number.
    """
    batch = _batch(images)
    check_number("scale", scale, low=1, high=64, whole=True)
    check_number("columns", columns, low=1, whole=True)
    captions = [captions] if isinstance(captions, str) else list(captions)
    if captions and len(captions) != len(batch):
        raise InputError.about("captions", expected=f"{len(batch)}", got=len(captions))
    sheet = _sheet(kit.to_uint8(kit.enlarge(batch, scale)), captions, columns)
    words = ", ".join(c for c in captions if c) or "no captions"
    noun = "picture" if len(batch) == 1 else "pictures"
    return Shown(_png(sheet), alt or f"{len(batch)} {noun}: {words}")


def _batch(images: Images | Sequence[Images]) -> Images:
    """All pictures as one batch (N, 3, H, W)."""
    parts = [images] if isinstance(images, torch.Tensor) else list(images)
    for part in parts:
        hint = "one picture is a batch of one: use picture[None]"
        check_shape("images", part, ("N", 3, parts[0].shape[-2], parts[0].shape[-1]), hint=hint)
    return torch.cat([part.detach().cpu().float() for part in parts])


def _sheet(pictures: object, captions: Sequence[str], columns: int) -> Image.Image:
    """A sheet of paper with `pictures`, uint8 (N, H, W, 3), in rows."""
    count, height, width, _ = pictures.shape
    columns = min(columns, count)
    rows, line = -(-count // columns), LINE if captions else 0
    size = columns * (width + GAP) - GAP, rows * (height + line + GAP) - GAP
    sheet = Image.new("RGB", size, PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(TEXT)
    for place, picture in enumerate(pictures):
        left, top = place % columns * (width + GAP), place // columns * (height + line + GAP)
        sheet.paste(Image.fromarray(picture), (left, top))
        if captions:
            middle = left + width / 2, top + height + line / 2
            draw.text(middle, _fitting(captions[place], font, width), INK, font, anchor="mm")
    return sheet


def _fitting(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """`text`, cut where it is wider than the picture."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text + "..."


def _png(sheet: Image.Image) -> bytes:
    import io

    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()
