"""Sketches: strokes as data, drawn on pixels exactly alike on every machine.

Offers `Stroke`, `Sketch`, `rasterise`, `load_sketch`, `save_sketch`, `sketch_from_json`,
`sketch_to_json`, `sketch_from_png` and `sketch_to_png`. The drawing itself is in raster.py;
draw.py turns a sketch into a picture.

A sketch file is JSON (UTF-8), every field required, none other allowed:

    {"format": "hw5-sketch", "version": 1, "strokes": [
      {"kind": "line", "points": [[0.2, 0.5], [0.8, 0.5]], "colour": [200, 120, 40],
       "width": 0.1, "erase": false},
      {"kind": "fill", "points": [[0.5, 0.9]], "colour": [30, 160, 60],
       "width": 0.0, "erase": false}
    ]}

or a square picture with transparency (PNG), where alpha of at least 128 means "drawn here".
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from hw5.kit import strict_json
from hw5.kit.checks import InputError, brief, check_choice, check_mask, check_number, check_shape
from hw5.kit.decode import decode_picture
from hw5.kit.files import read_bytes
from hw5.kit.images import WHITE, from_uint8, to_uint8
from hw5.kit.raster import Canvas
from hw5.kit.refusals import MIN_SIDE
from hw5.shapes import Images, Mask

FORMAT = "hw5-sketch"
VERSION = 1
KINDS = ("line", "fill")
MAX_SIZE = 2048  # pixels per side of a drawn sketch
MAX_STROKES = 10_000
MAX_POINTS = 100_000  # of one stroke
ALPHA_DRAWN = 128  # from here up a pixel of a PNG counts as drawn

_FIELDS = ("kind", "points", "colour", "width", "erase")


@dataclass(frozen=True)
class Stroke:
    """One move of the pen; checked when made.

    Attributes:
        points: (x, y) in units of the canvas side, x to the right and y down from the top left
            corner, each in [0, 1].
        colour: red, green, blue, whole numbers 0 to 255. An eraser has one too, without effect.
        width: thickness of a line in units of the canvas side, 0 to 2. A line never gets thinner
            than about a pixel.
        erase: make pixels undrawn instead of colouring them.
        kind: "line" joins the points (one point is a dot); "fill" floods the patch of equal colour
            around each point.
    """

    points: tuple[tuple[float, float], ...]
    colour: tuple[int, int, int]
    width: float = 0.0
    erase: bool = False
    kind: str = "line"

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            InputError: a field of the wrong type or out of range.
        """
        check_choice("kind", self.kind, KINDS)
        check_number("points (count)", len(self.points), low=1, high=MAX_POINTS, whole=True)
        for index, point in enumerate(self.points):
            _check_row(f"points[{index}]", point, 2, high=1, whole=False)
        _check_row("colour", self.colour, 3, high=255, whole=True)
        check_number("width", self.width, low=0, high=2)
        if not isinstance(self.erase, bool):
            raise InputError.about("erase", expected="true or false", got=brief(self.erase))


@dataclass(frozen=True)
class Sketch:
    """Strokes in the order in which they were drawn: later ones lie on top."""

    strokes: tuple[Stroke, ...] = ()


def rasterise(sketch: Sketch, size: int) -> tuple[Images, Mask]:
    """Draw `sketch` without anti-aliasing: no colours mix, every machine gives the same pixels.

    A pixel belongs to a line when its centre is within half the line's width of it.

    Returns:
        Colour (1, 3, size, size) in [-1, 1], white where nothing is drawn, and mask (1, 1, size,
        size), 1 where drawn.

    Raises:
        InputError: `size` is not a whole number from 8 to 2048.
    """
    check_number("size", size, low=MIN_SIDE, high=MAX_SIZE, whole=True)
    canvas = Canvas(size)
    for stroke in sketch.strokes:
        colour = None if stroke.erase else stroke.colour
        if stroke.kind == "fill":
            canvas.fill(stroke.points, colour)
        else:
            canvas.line(stroke.points, stroke.width, colour)
    return _to_tensors(*canvas.pixels())


def load_sketch(path: str | Path, size: int) -> tuple[Images, Mask]:
    """Return the sketch in a .json file, or in a picture with transparency, as `rasterise` does.

    Raises:
        InputError: unreadable, not a sketch, or with nothing drawn at this size.
    """
    check_number("size", size, low=MIN_SIDE, high=MAX_SIZE, whole=True)
    if Path(path).suffix.lower() == ".json":
        colour, mask = rasterise(read_sketch(path), size)
    else:
        data = read_bytes(path, expected="a sketch (.png with transparency, or .json)")
        colour, mask = sketch_from_png(data, size, name=str(path))
    if not bool(mask.any()):
        hint = "draw something, with opaque colours"
        raise InputError.about(str(path), expected="a sketch", got="nothing drawn", hint=hint)
    return colour, mask


def read_sketch(path: str | Path) -> Sketch:
    """Return the strokes in the JSON file at `path`.

    Raises:
        InputError: unreadable, or not a sketch; the message says where in the document.
    """
    return sketch_from_json(strict_json.read(path, expected="a sketch (JSON)"), name=str(path))


def save_sketch(path: str | Path, sketch: Sketch) -> None:
    """Write `sketch` to `path` as JSON; `read_sketch` gives back an equal one.

    Raises:
        InputError: the place cannot be written.
    """
    if Path(path).suffix.lower() != ".json":
        hint = "pixels are written by sketch_to_png"
        raise InputError.about(
            str(path), expected="a name ending in .json", got="another", hint=hint
        )
    strict_json.write(path, sketch_to_json(sketch))


def sketch_to_json(sketch: Sketch) -> dict:
    """Return `sketch` as a document of the format at the top of this file."""
    strokes = [
        {
            "kind": stroke.kind,
            "points": [list(point) for point in stroke.points],
            "colour": list(stroke.colour),
            "width": stroke.width,
            "erase": stroke.erase,
        }
        for stroke in sketch.strokes
    ]
    return {"format": FORMAT, "version": VERSION, "strokes": strokes}


def sketch_from_json(document: object, *, name: str = "sketch") -> Sketch:
    """Return the sketch in a parsed JSON `document` of the format at the top of this file.

    Args:
        document: the parsed value.
        name: what to call it in messages.

    Raises:
        InputError: anything missing, unknown, of a wrong type or out of range; the message says
            where.
    """
    _check_fields(name, document, ("format", "version", "strokes"))
    if (document["format"], brief(document["version"])) != (
        FORMAT,
        str(VERSION),
    ):  # 1, not 1.0, true
        got = f"{brief(document['format'])} version {brief(document['version'])}"
        raise InputError.about(name, expected=f"{FORMAT!r} version {VERSION}", got=got)
    strokes = document["strokes"]
    if not isinstance(strokes, list) or len(strokes) > MAX_STROKES:
        expected = f"a list of at most {MAX_STROKES:,} strokes"
        raise InputError.about(f"{name}: strokes", expected=expected, got=brief(strokes))
    return Sketch(tuple(_stroke(f"{name}: strokes[{i}]", item) for i, item in enumerate(strokes)))


def sketch_to_png(colour: Images, mask: Mask) -> bytes:
    """Return a drawn sketch as the bytes of an RGBA PNG: transparent where `mask` is 0.

    Raises:
        InputError: not one picture (1, 3, H, W) with its mask (1, 1, H, W).
    """
    check_shape("colour", colour, (1, 3, "H", "W"))
    check_mask("mask", mask, colour)
    alpha = (mask[0, 0] * 255).to(torch.uint8).cpu().numpy()  # (H, W)
    pixels = np.dstack([to_uint8(colour)[0] * (alpha > 0)[..., None], alpha])  # (H, W, 4)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def sketch_from_png(data: bytes, size: int, *, name: str = "sketch") -> tuple[Images, Mask]:
    """Return the sketch in the bytes of a square picture with transparency, as `rasterise` does.

    Scaled by taking the nearest pixel, so that colours never mix. The mask may come out empty.

    Raises:
        InputError: no picture, not square, or without transparency.
    """
    picture = decode_picture(data, name)
    if picture.mode != "RGBA":
        hint = "what is not drawn must be transparent: export a PNG with an alpha channel"
        raise InputError.about(name, expected="a picture with transparency", got="none", hint=hint)
    if picture.width != picture.height:
        got = f"{picture.width} x {picture.height}"
        raise InputError.about(name, expected="a square sketch", got=got, hint="cut or extend it")
    nearest = (2 * np.arange(size) + 1) * picture.width // (2 * size)  # whole numbers: no rounding
    pixels = np.asarray(picture)[nearest][:, nearest]  # (size, size, 4)
    return _to_tensors(pixels[..., :3], pixels[..., 3] >= ALPHA_DRAWN)


def _to_tensors(pixels: np.ndarray, drawn: np.ndarray) -> tuple[Images, Mask]:
    """Return uint8 (H, W, 3) and bool (H, W) as colour and mask, white where nothing is drawn."""
    mask = torch.from_numpy(drawn.astype(np.float32))[None, None]
    return torch.where(mask == 1, from_uint8(pixels), torch.tensor(WHITE)), mask


def _stroke(where: str, item: object) -> Stroke:
    """Return the stroke in `item`, a part of a JSON document found at `where`."""
    _check_fields(where, item, _FIELDS)
    for field in ("points", "colour"):
        if not isinstance(item[field], list):
            raise InputError.about(f"{where}.{field}", expected="a list", got=brief(item[field]))
    points = tuple(tuple(p) if isinstance(p, list) else p for p in item["points"])
    try:
        return Stroke(points, tuple(item["colour"]), item["width"], item["erase"], item["kind"])
    except InputError as error:
        raise InputError(f"{where}.{error}") from error


def _check_fields(where: str, item: object, fields: tuple[str, ...]) -> None:
    """Require that `item` is a JSON object with exactly these `fields`."""
    if not isinstance(item, dict):
        raise InputError.about(
            where, expected=f"an object with {', '.join(fields)}", got=brief(item)
        )
    missing = [field for field in fields if field not in item]
    unknown = [field for field in item if field not in fields]
    if missing or unknown:
        got = f"missing {', '.join(missing)}" if missing else f"unknown {brief(unknown[0])}"
        raise InputError.about(where, expected=f"exactly {', '.join(fields)}", got=got)


def _check_row(name: str, row: object, length: int, *, high: int, whole: bool) -> None:
    """Require a tuple of `length` numbers from 0 to `high`."""
    if not isinstance(row, tuple) or len(row) != length:
        raise InputError.about(name, expected=f"{length} numbers", got=brief(row))
    for value in row:
        check_number(name, value, low=0, high=high, whole=whole)
