"""A jail for tests that need one, why they are skipped without, and jails with a hole."""

from __future__ import annotations

import dataclasses
import functools
import shutil

import pytest

from staff.sandbox import Jail, StaffError, open_jail
from staff.sandbox.bubblewrap import Bubblewrap


@functools.cache
def bubblewrap() -> Jail | str:
    """A tried jail, or why there is none."""
    try:
        return open_jail("bubblewrap")
    except StaffError as error:
        return str(error)


def jail_or_skip() -> Jail:
    """A tried jail; without one the test says so. Where bwrap is installed, it must work."""
    found = bubblewrap()
    if isinstance(found, str):
        if shutil.which("bwrap"):
            pytest.fail(f"bwrap is installed, but no jail could be opened: {found}")
        pytest.skip(f"needs bubblewrap: {found}")
    return found


@dataclasses.dataclass(frozen=True)
class Loose(Bubblewrap):
    """Bubblewrap without some of its words."""

    change: object = None

    def command(self, *args, **kwargs):
        return self.change(super().command(*args, **kwargs))


def without(*words):
    """Leaves words out: "--x" alone, "--x=" with the word behind it, "--x*" by its beginning."""
    starts = tuple(word[:-1] for word in words if word.endswith("*"))

    def change(command):
        kept, skip = [], False
        for word in command:
            if skip or word in words or (starts and word.startswith(starts)):
                skip = False
            elif f"{word}=" in words:
                skip = True
            else:
                kept.append(word)
        return kept

    return change


def also(*words):
    """Puts words before the jail's own mounts are closed."""

    def change(command):
        place = len(command) - 1 - command[::-1].index("--remount-ro")
        return [*command[:place], *words, *command[place:]]

    return change
