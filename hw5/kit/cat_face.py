"""Where in a photograph a cat looks at us: OpenCV's cascades for cat faces, put to the vote.

Offers `find_face`, `square_around` and `square_on`. Needs the optional extra `[photo]`,
opencv-python-headless 4.x, whose cascades (J. Howse, "OpenCV for Secret Agents", 2015) lie inside
the package. One cascade at one scale is a poor witness: it calls 16 of 60 rendered cats, and sees
the face of scikit-image's `chelsea`, which fills the picture, nowhere. So both look at `SIDES`
reductions of the photograph and of its mirror image, with a margin around it, and a face is what
`LEAST_VOTES` of those 16 looks agree on. Measured as shipped: `chelsea` 8 votes; six photographs
without a cat at most 2; of 60 rendered cats of the test split, 128 px, 37 found, of 31 the square
is about the picture (its corner within a quarter of the side, its side within a third); with open
eyes 51, 32 and 27. Equalised contrast finds half as many of 22 of them, and beside the plain looks
none that these do not. With a margin of 0.25: `chelsea` pasted into three other photographs, at a
third to two thirds of their height, in 24 of 27 places. Read next: photo.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from hw5.kit.checks import InputError

EXTRA = 'pip install "hw5[photo]"'
CASCADES = ("haarcascade_frontalcatface.xml", "haarcascade_frontalcatface_extended.xml")
SIDES = (120, 180, 260, 360)  # pixels of the longer side: faces are looked for at these sizes
MARGIN = 0.4  # of the longer side, mirrored around the picture: a face that fills it is else missed
STEP = 1.05  # between two sizes of the search window
SMALLEST = 48  # pixels of the window, in the reduced picture
LEAST_VOTES = 4  # of 16 looks, that find the same square
SAME = 0.5  # share of intersection in union from which two squares are the same
LEAST_INSIDE = 0.7  # share of a face that must lie on the photograph
MOSTLY = 0.8  # share of a square that shall lie on it
SHRINK = 0.98  # of one step towards that

# Of the rendered cats, as medians: where the middle of both eyes is, in the square that a cascade
# finds and in the whole picture (measured on 39 and 183 test cats), and the face's share of its
# side (39 cats, standard deviation 0.12).
EYES_IN_FACE = (0.505, 0.418)
EYES_IN_PICTURE = (0.50, 0.56)
FACE_IN_PICTURE = 0.64


@dataclass(frozen=True)
class Face:
    """A square with a cat's face in it, in pixels of the picture that was searched."""

    left: float
    top: float
    side: float
    votes: int  # looks of 16 that found it


def find_face(pixels: np.ndarray) -> Face | None:
    """Return the cat's face in uint8 RGB (H, W, 3), or None where too few looks agree.

    Raises:
        InputError: the extra `[photo]` is not installed, or has no cascades for cats.
    """
    seen = [square for square in _looks(_opencv(), pixels) if _share_inside(square, pixels)]
    groups = [[other for other in seen if _overlap(square, other) > SAME] for square in seen]
    most = max(groups, key=len, default=[])
    if len(most) < LEAST_VOTES:
        return None
    left, top, side = np.median(most, axis=0).tolist()
    return Face(left, top, side, len(most))


def square_around(face: Face) -> tuple[float, float, float]:
    """Return (left, top, side) that puts the eyes where the world's cats have theirs."""
    side = face.side / FACE_IN_PICTURE
    eyes = (face.left + EYES_IN_FACE[0] * face.side, face.top + EYES_IN_FACE[1] * face.side)
    left, top = (at - share * side for at, share in zip(eyes, EYES_IN_PICTURE, strict=True))
    return left, top, side


def square_on(face: Face, width: float, height: float) -> tuple[float, float, float]:
    """Return the same for a photograph of that size, tightened where too much would be made up.

    A close-up has no room around its face: the square closes in on the eyes until `MOSTLY` of it is
    real, at most to the face itself, which is then moved onto the photograph.
    """
    square = square_around(face)
    while _share(square, width, height) < MOSTLY and square[2] * SHRINK >= face.side:
        side = square[2] * SHRINK
        left, top = (
            at + share * (square[2] - side)
            for at, share in zip(square[:2], EYES_IN_PICTURE, strict=True)
        )
        square = left, top, side
    if _share(square, width, height) >= MOSTLY:
        return square
    side = min(square[2], min(width, height) / MOSTLY)
    left, top = (
        min(max(at + (square[2] - side) / 2, min(0.0, limit - side)), max(0.0, limit - side))
        for at, limit in zip(square[:2], (width, height), strict=True)
    )
    return left, top, side


def detector_version() -> str:
    """Version of the OpenCV that looks for faces.

    Raises:
        InputError: it is missing, or has no cascades.
    """
    return _opencv().__version__


def _opencv() -> ModuleType:
    """Import OpenCV with its cascades.

    Raises:
        InputError: it is missing; 5.x came without cascades.
    """
    try:
        import cv2
    except ImportError as error:
        hint = f"{EXTRA}, or name the square: --box LEFT TOP SIDE"
        raise InputError(f"no detector of cat faces: {error}. Hint: {hint}") from error
    missing = [name for name in CASCADES if not (_folder(cv2) / name).is_file()]
    if missing or not hasattr(cv2, "CascadeClassifier"):
        got = f"opencv {cv2.__version__} without {', '.join(missing) or 'CascadeClassifier'}"
        raise InputError.about("opencv", expected="4.x with its data", got=got, hint=EXTRA)
    return cv2


def _folder(cv2: ModuleType) -> Path:
    return Path(cv2.__file__).parent / "data"


def _looks(cv2: ModuleType, pixels: np.ndarray) -> Iterator[tuple[float, float, float]]:
    """Yield every square (left, top, side) that any of the looks calls a cat's face."""
    height, width = pixels.shape[:2]
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    cascades = [cv2.CascadeClassifier(str(_folder(cv2) / name)) for name in CASCADES]
    for longer in SIDES:
        scale, margin = longer / max(height, width), round(MARGIN * longer)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        framed = cv2.copyMakeBorder(small, *[margin] * 4, cv2.BORDER_REFLECT)
        for mirrored in (False, True):
            view = np.ascontiguousarray(framed[:, ::-1]) if mirrored else framed
            for cascade in cascades:
                found = cascade.detectMultiScale(view, STEP, 1, minSize=(SMALLEST, SMALLEST))
                for x, y, side, _ in found:
                    x = view.shape[1] - x - side if mirrored else x
                    yield (x - margin) / scale, (y - margin) / scale, side / scale


def _share_inside(square: tuple[float, float, float], pixels: np.ndarray) -> bool:
    """Does enough of a square lie on the picture?"""
    height, width = pixels.shape[:2]
    return _share(square, width, height) >= LEAST_INSIDE


def _share(square: tuple[float, float, float], width: float, height: float) -> float:
    """How much of a square lies on a picture of that size."""
    left, top, side = square
    across = min(left + side, width) - max(left, 0)
    down = min(top + side, height) - max(top, 0)
    return max(across, 0) * max(down, 0) / (side * side)


def _overlap(a: tuple[float, float, float], b: tuple[float, float, float]) -> float:
    """Area shared by two squares over the area of both together."""
    across, down = (min(a[i] + a[2], b[i] + b[2]) - max(a[i], b[i]) for i in (0, 1))
    shared = max(across, 0) * max(down, 0)
    return shared / (a[2] ** 2 + b[2] ** 2 - shared)
