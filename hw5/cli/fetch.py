"""`hw5 fetch`: bring a network that others publish to this machine.

Offers `fetch`. hw5/zoo/fetching.py does it; here is only what a person sees of it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

if TYPE_CHECKING:
    from hw5.zoo.fetching import Fetched
    from hw5.zoo.manifest import Entry


def fetch(
    names: tyro.conf.Positional[tuple[str, ...]],
    *,
    mirror: str = "",
    file: Path | None = None,
    replace: bool = False,
) -> int:
    """Download networks that others publish, check their digests and put them in place.

    A download that was cut short goes on where it stopped. Files go to the zoo's own folder
    (weights in $HW5_CACHE, else in .cache/hw5 of your home); $HW5_WEIGHTS and torch's hub cache are
    searched too.

    For example:
      python -m hw5 fetch vgg19
      python -m hw5 fetch vgg19 --mirror https://example.edu/weights/
      python -m hw5 fetch grumpy-cat --file ~/Downloads/pretrained/stylegan.ckpt

    Args:
        names: which (`python -m hw5 models` lists them)
        mirror: another address of the file, or of a folder that holds it if it ends in /
        file: take this file instead of downloading
        replace: bring it anew although it is here; a digest recorded at first use is forgotten
    """
    from hw5 import zoo
    from hw5.kit.checks import InputError
    from hw5.zoo.fetching import fetch as bring

    if not names:
        raise InputError("fetch: expected a name. Hint: python -m hw5 models lists them")
    if len(names) > 1 and (file or (mirror and not mirror.endswith("/"))):
        raise InputError("fetch: expected one name beside --file or the --mirror of one file")
    for entry in [zoo.describe(name) for name in names]:
        with Bar(entry) as bar:
            done = bring(entry.name, mirror=mirror, file=file, replace=replace, on_progress=bar)
        print(*report(entry, done), sep="\n")
    return 0


def report(entry: Entry, done: Fetched) -> list[str]:
    """What to tell about a file that is here now."""
    if done.known:
        digest = f"SHA-256 {done.sha256[:12]}... {done.known}"
    else:
        digest = f"SHA-256 {done.sha256[:12]}... could not be recorded"
    verb = "already here" if done.was_here else "wrote"
    return [f"{entry.name}: {verb} {done.path}", f"  {digest}", f"  licence: {entry.licence}"]


class Bar:
    """A download on a terminal: bytes, speed and time left; in a log nothing."""

    def __init__(self, entry: Entry) -> None:
        """Wait for the first call: nothing may have to be downloaded."""
        self._label, self._tqdm = entry.name, None

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` bytes of `total` (0: not known) are here."""
        from tqdm import tqdm

        if self._tqdm is None:
            self._tqdm = tqdm(
                total=total or None,
                initial=done,
                desc=self._label,
                unit="B",
                unit_scale=True,
                leave=False,
                file=sys.stderr,
                disable=not sys.stderr.isatty(),
            )
        self._tqdm.update(done - self._tqdm.n)

    def __enter__(self) -> Bar:
        """Return the bar itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar off the screen."""
        if self._tqdm is not None:
            self._tqdm.close()
