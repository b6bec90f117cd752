"""Pictures of the page as files: saved once, described once.

Offers `Album`, which writes into the media folder and hands out `Picture`s for markup.py.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from hw5.kit import images
from hw5.kit.decode import open_picture
from hw5.shapes import Images
from report.markup import Picture

FOLDER = "media"
FPS = 20  # of the films


class Album:
    """Writes pictures into `folder`, the page's media folder, under names of their own."""

    def __init__(self, folder: Path) -> None:
        """Write into `folder`, which exists."""
        self.folder = folder
        self._names: set[str] = set()

    def add(self, name: str, picture: Images, alt: str) -> Picture:
        """Save one picture (1, 3, H, W), or several as their grid."""
        sheet = picture if len(picture) == 1 else images.grid(picture)
        images.save(self._path(f"{name}.png"), sheet)
        return self._entry(f"{name}.png", sheet, alt)

    def add_film(self, name: str, frames: Images, alt: str) -> Picture:
        """Save frames (T, 3, H, W) as a film that goes back and forth."""
        there_and_back = [*range(len(frames)), *range(len(frames) - 2, 0, -1)]
        images.save_gif(self._path(f"{name}.gif"), frames[there_and_back], fps=FPS)
        return self._entry(f"{name}.gif", frames, alt)

    def copy(self, name: str, file: Path, alt: str) -> Picture:
        """Take over a picture file as it is, films included.

        Raises:
            InputError: no picture, or a damaged one.
        """
        sides = open_picture(file, min_side=1).size
        name = name + file.suffix.lower()
        shutil.copyfile(file, self._path(name))
        return Picture(f"{FOLDER}/{name}", alt, *sides)

    def _path(self, name: str) -> Path:
        if name in self._names:
            raise ValueError(f"picture {name} is saved twice")
        self._names.add(name)
        return self.folder / name

    def _entry(self, name: str, picture: Images, alt: str) -> Picture:
        height, width = picture.shape[-2:]
        return Picture(f"{FOLDER}/{name}", alt, width, height)
