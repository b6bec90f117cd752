"""`hw5 crop`: anyone's photograph as a picture for a generator, or as a sketch to start from.

Offers `crop`. Cutting is hw5/kit/photo.py, finding the cat hw5/kit/cat_face.py, the sketch
hw5/kit/scribbled.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

if TYPE_CHECKING:
    from hw5.kit.huge import Reduced
    from hw5.kit.photo import Box, Cut

MASK_ENDING = ".mask.png"
MADE_BY, COMMAND = "Software", "python -m hw5 crop"  # PNG's keyword for what wrote a file
SEARCHED = 1024  # pixels of the longer side in which the cat is looked for


def crop(
    photo: tyro.conf.Positional[Path],
    *,
    size: int = 64,
    box: Annotated[
        tuple[float, float, float] | None, tyro.conf.arg(metavar="LEFT TOP SIDE")
    ] = None,
    find: Annotated[Literal["auto", "face", "middle"], tyro.conf.arg(metavar="HOW")] = "auto",
    out: Path | None = None,
    sketch: Path | None = None,
    colours: int = 6,
) -> int:
    """Cut a square with the cat out of any photograph, at the generator's size.

    Reads JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF and PPM of any mode, turned upright, in the colours
    that its profile means; JPEG, PNG and TIFF of any size. Where the square reaches beyond the
    photograph its edge goes on, blurred, and a mask beside the picture says which pixels are real.

    For example:
      python -m hw5 crop my_cat.jpg
      python -m hw5 crop my_cat.jpg --box 812 -40 900 --size 256 --out runs/cat.png
      python -m hw5 crop my_cat.jpg --sketch runs/my_cat.json

    Args:
        photo: the photograph
        size: side of the result in pixels, that of the generator's pictures
        box: the square, in pixels of the upright photograph; it may reach beyond the edge
        find: without a box: face (OpenCV's cascades, pip install "hw5[photo]"), middle (the largest
            square), or auto: face where that is installed and finds one, else middle
        out: picture to write (PNG); runs/crop/NAME.png by default
        sketch: also write the picture as strokes of a few colours (JSON), for `draw` and the canvas
        colours: how many colours the sketch has
    """
    from hw5.kit import photo as photos
    from hw5.kit.checks import check_number

    photos.check_size("--size", size)
    check_number("--colours", colours, low=2, high=64, whole=True)
    out = out or Path("runs/crop") / f"{photo.stem}.png"
    check_names(photo, out, sketch)
    opened = photos.open_photo(photo)
    square, found = (box, "as you said") if box else locate(opened, find)
    cut = photos.cut_photo(opened, size=size, box=square)
    print(f"square of {cut.box[2]:.0f} px from ({cut.box[0]:.0f}, {cut.box[1]:.0f}): {found}")
    if cut.scale < 1:
        print(f"note: enlarged {1 / cut.scale:.1f} times, so it cannot be sharp")
    keep(cut, out)
    if sketch:
        keep_sketch(cut, sketch, colours)
    return 0


def check_names(photo: Path, out: Path, sketch: Path | None) -> None:
    """Require names that say what is written, before anything is read.

    Raises:
        InputError: another ending, the photograph itself, or a mask's name that is taken.
    """
    from hw5.kit.checks import InputError

    for path, ending in ((out, ".png"), (sketch, ".json")):
        if path is not None and path.suffix.lower() != ending:
            raise InputError.about(str(path), expected=f"a name ending in {ending}", got="another")
    mask = mask_of(out)
    if photo.exists() and any(p.exists() and p.samefile(photo) for p in (out, mask)):
        hint = "it would be written over: choose another --out"
        raise InputError.about(str(out), expected="another file", got="the photograph", hint=hint)
    if mask.exists() and not is_own_mask(mask):
        hint = "crop did not write it: move it away, or choose another --out"
        raise InputError.about(str(mask), expected="no such file", got="a picture", hint=hint)


def mask_of(out: Path) -> Path:
    """Where the mask of the picture `out` is written."""
    return out.with_name(out.stem + MASK_ENDING)


def is_own_mask(path: Path) -> bool:
    """Did crop write this mask? It leaves its name inside, so that no other file is deleted."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return picture.info.get(MADE_BY) == COMMAND
    except (OSError, ValueError):
        return False


def locate(photo: Reduced, how: str) -> tuple[Box | None, str]:
    """Where to cut without a box, None for the middle, and how that was found.

    Raises:
        InputError: a face was asked for and cannot be looked for, or is not there.
    """
    import numpy as np

    from hw5.kit.cat_face import find_face, square_on
    from hw5.kit.checks import InputError

    if how == "middle":
        return None, "the largest in the middle"
    small = photo.picture.copy()
    small.thumbnail((SEARCHED, SEARCHED))
    try:
        face = find_face(np.asarray(small))
    except InputError as error:
        if how == "face":
            raise
        return None, f"the largest in the middle ({error})"
    if face is None:
        if how == "face":
            hint = "name the square: --box LEFT TOP SIDE"
            raise InputError.about(photo.name, expected="a cat's face", got="none found", hint=hint)
        return None, "the largest in the middle (no face found; --box LEFT TOP SIDE names another)"
    factor = photo.size[0] / small.width
    said = f"around a face that {face.votes} of 16 looks agree on"
    return tuple(factor * value for value in square_on(face, *small.size)), said


def keep(cut: Cut, out: Path) -> None:
    """Write the picture, and the mask where something was made up; say what to do with them."""
    from hw5.kit import images

    images.save(out, cut.image)
    print(f"wrote {out}")
    mask = mask_of(out)
    if not cut.is_padded:
        mask.unlink(missing_ok=True)  # of an earlier cut of the same name
        return
    save_mask(cut, mask)
    share = 1 - float(cut.mask.mean())
    print(f"wrote {mask}: {share:.0%} lies beyond the photograph and shall not count")
    print(f"next: python -m hw5 project {out} --mask {mask}")


def save_mask(cut: Cut, path: Path) -> None:
    """Write the mask, with a note by which a later cut of the same name knows it for crop's own."""
    from PIL import Image, PngImagePlugin

    from hw5.kit.files import atomic_write

    note = PngImagePlugin.PngInfo()
    note.add_text(MADE_BY, COMMAND)
    with atomic_write(path) as temporary:
        Image.fromarray((255 * cut.mask[0, 0]).byte().numpy()).save(temporary, pnginfo=note)


def keep_sketch(cut: Cut, path: Path, colours: int) -> None:
    """Write the picture as strokes; say what to do with them."""
    from hw5.kit.scribbled import scribble
    from hw5.kit.strokes import save_sketch

    sketch = scribble(cut.image, mask=cut.mask, colours=colours)
    save_sketch(path, sketch)
    print(f"wrote {path}: {len(sketch.strokes)} strokes; next: python -m hw5 draw {path}")
