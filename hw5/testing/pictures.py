"""Is this picture still the same? Three rulers, and two pictures that show where it is not.

Offers `Tolerance`, `frames_of`, `faults_of` and `write_evidence`. Pictures are uint8 (H, W, 3).
Numpy and scikit-image only: a test of notebooks must not wait for torch twice.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageSequence

WINDOW_SHARE = 8  # a window is this part of the shorter side ...
MIN_WINDOW = 8  # ... and at least so many pixels
SSIM_WINDOW = 7  # pixels; scikit-image's own choice
SHOWN_SIDE = 256  # pixels: smaller pictures are enlarged for the eye
GAP, LABEL = 8, 14  # pixels between pictures, and above them for their names
FULL_HEAT = 32  # levels of difference, at least, that are shown as white


@dataclass(frozen=True)
class Tolerance:
    """How near a picture must be to its reference.

    Other processors and thread counts move the last digits, so equality is too much to ask; a bug
    that can be seen moves more than this.
    """

    # dB over the whole picture; at 30 two pictures beside each other look alike (ours)
    psnr: float = 30.0
    # structural similarity, 1 for equal pictures (ours)
    ssim: float = 0.95
    # dB in the worst window: one wrong tile of a hundred hardly moves the other two (ours)
    local: float = 25.0


def frames_of(data: bytes) -> list[np.ndarray]:
    """The frames of a picture file, each uint8 (H, W, 3), transparent parts on white."""
    with Image.open(io.BytesIO(data)) as picture:
        return [on_white(frame) for frame in ImageSequence.Iterator(picture)]


def on_white(frame: Image.Image) -> np.ndarray:
    """One frame as it looks on a white page, uint8 (H, W, 3)."""
    layered = frame.convert("RGBA")
    white = Image.new("RGBA", layered.size, "white")
    return np.asarray(Image.alpha_composite(white, layered).convert("RGB"))


def faults_of(
    fresh: Sequence[np.ndarray], stored: Sequence[np.ndarray], tolerance: Tolerance
) -> list[str]:
    """What is wrong with `fresh`, compared with `stored`; nothing when it is near enough.

    Of films the first, the middle and the last frame are compared, and their number.
    """
    if len(fresh) != len(stored):
        return [f"{len(fresh)} frames, not {len(stored)}"]
    if fresh[0].shape != stored[0].shape:
        return [f"{size_of(fresh[0])} pixels, not {size_of(stored[0])}"]
    for index in sorted({0, len(stored) // 2, len(stored) - 1}):
        if found := frame_faults(fresh[index], stored[index], tolerance):
            return [f"frame {index + 1}: {text}" for text in found] if len(stored) > 1 else found
    return []


def frame_faults(fresh: np.ndarray, stored: np.ndarray, tolerance: Tolerance) -> list[str]:
    """The rulers that one frame fails; the cheap ones first, SSIM only if they are content."""
    squared = ((fresh.astype(float) - stored) / 255) ** 2  # (H, W, 3)
    scores = {
        "PSNR": (decibel(squared.mean()), tolerance.psnr, " dB"),
        "PSNR of the worst window": (decibel(worst_window(squared)), tolerance.local, " dB"),
    }
    if all(value >= least for value, least, _ in scores.values()):
        scores["SSIM"] = (ssim(fresh, stored), tolerance.ssim, "")
    return [
        f"{name} {value:.3g}{unit}, at least {least:g}{unit} wanted"
        for name, (value, least, unit) in scores.items()
        if value < least
    ]


def decibel(squared: float) -> float:
    """PSNR of a mean squared difference in units of the full range."""
    return 10 * math.log10(1 / squared) if squared > 0 else math.inf


def worst_window(squared: np.ndarray) -> float:
    """Largest mean of `squared` (H, W, 3) over square windows."""
    from scipy.ndimage import uniform_filter

    shorter = min(squared.shape[:2])
    side = min(shorter, max(MIN_WINDOW, shorter // WINDOW_SHARE))
    return float(uniform_filter(squared.mean(axis=2), side, mode="nearest").max())


def ssim(fresh: np.ndarray, stored: np.ndarray) -> float:
    """Structural similarity; 1 where a picture is too small for a window."""
    from skimage.metrics import structural_similarity

    shorter = min(stored.shape[:2])
    side = min(SSIM_WINDOW, shorter - 1 + shorter % 2)  # odd
    if side < 3:
        return 1.0
    return float(structural_similarity(fresh, stored, win_size=side, channel_axis=2))


def size_of(picture: np.ndarray) -> str:
    """Width and height in words."""
    return f"{picture.shape[1]} x {picture.shape[0]}"


def write_evidence(stem: Path, fresh: np.ndarray, stored: np.ndarray) -> list[Path]:
    """Write STEM-side-by-side.png and, where the sizes agree, STEM-heat-map.png.

    Args:
        stem: path that both names begin with; missing folders are made.
        fresh: what the cell shows now.
        stored: what it showed before.
    """
    stem.parent.mkdir(parents=True, exist_ok=True)
    paths = [stem.with_name(f"{stem.name}-side-by-side.png")]
    side_by_side({"reference": stored, "now": fresh}).save(paths[0])
    if fresh.shape == stored.shape:
        paths.append(stem.with_name(f"{stem.name}-heat-map.png"))
        enlarged(heat_map(fresh, stored)).save(paths[1])
    return paths


def side_by_side(named: dict[str, np.ndarray]) -> Image.Image:
    """Pictures in a row, each with its name above it."""
    shown = {name: enlarged(picture) for name, picture in named.items()}
    width = sum(picture.width for picture in shown.values()) + GAP * (len(shown) + 1)
    height = max(picture.height for picture in shown.values()) + LABEL + 2 * GAP
    sheet = Image.new("RGB", (width, height), "white")
    left = GAP
    for name, picture in shown.items():
        ImageDraw.Draw(sheet).text((left, GAP // 2), name, "black", ImageFont.load_default())
        sheet.paste(picture, (left, LABEL + GAP))
        left += picture.width + GAP
    return sheet


def heat_map(fresh: np.ndarray, stored: np.ndarray) -> np.ndarray:
    """Where two pictures differ: black where they are equal, over red and yellow to white."""
    change = np.abs(fresh.astype(float) - stored).mean(axis=2)  # (H, W), in levels
    heat = change / max(change.max(), FULL_HEAT)
    ramp = np.stack([3 * heat, 3 * heat - 1, 3 * heat - 2], axis=2)
    return (ramp.clip(0, 1) * 255).round().astype(np.uint8)


def enlarged(picture: np.ndarray) -> Image.Image:
    """A picture of which every pixel can be seen, as crisp blocks."""
    factor = max(1, SHOWN_SIDE // max(picture.shape[:2]))
    height, width = (factor * side for side in picture.shape[:2])
    return Image.fromarray(picture).resize((width, height), Image.Resampling.NEAREST)
