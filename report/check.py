"""Is the page sound? Links, their case, sizes, text alternatives, nothing from outside.

Offers `check_page`, which returns complaints, each one line. Every build runs it, and so can
anyone: `python -m hw5 report --check`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from report.reader import Reader

MIN_ALT = 8  # characters: fewer cannot describe a picture
MEBIBYTE = 1024 * 1024
HARMFUL = "harmful-link"  # what mistune makes of a link to javascript: and the like
# Course web space is small and phones are slow; ours is far below (ours).
MAX_FILE, MAX_PAGE = 8 * MEBIBYTE, 40 * MEBIBYTE


def check_page(page: Path, *, required: tuple[str, ...] = ()) -> list[str]:
    """Complaints about the page at `page`; none when it is sound.

    Args:
        page: an HTML file; its links are looked up beside it.
        required: names of figures that must be on it.
    """
    html = page.read_text("utf-8")
    reader = Reader()
    reader.feed(html)
    complaints = [*reader.faults, *(f"<{tag}> is never closed" for tag in reader.open)]
    complaints += [f"{place} is not filled in" for place in unfilled(html)]
    complaints += [] if reader.language else ["<html> says no language"]
    complaints += [*link_faults(reader, page.parent), *outside(html, reader), *size_faults(page)]
    complaints += poor_alts(reader)
    complaints += [f"a control ({kind}) has no label" for kind in reader.unlabelled]
    complaints += [f"figure {f[0]} has no caption" for f in reader.figures if len(f) == 1]
    complaints += [f"figure {name} is missing" for name in required if name not in reader.ids]
    complaints += [
        f"id {name} stands twice"
        for name in dict.fromkeys(reader.ids)
        if reader.ids.count(name) > 1
    ]
    return complaints + heading_faults(reader.headings)


def unfilled(html: str) -> list[str]:
    """Marks of the text and the template that should have been replaced."""
    return re.findall(r"\{\{.*?\}\}|\$(?:title|style|script|policy|contents|body)\b", html)


def link_faults(reader: Reader, folder: Path) -> Iterator[str]:
    """Links that lead nowhere, or will elsewhere: absolute, outside, of another case."""
    for target in dict.fromkeys([*reader.links, *(target for _, target in reader.loaded)]):
        if re.match(r"(https?|mailto|data):", target):
            continue
        path, _, anchor = unquote(target).partition("#")
        if path and (fault := path_fault(folder, path)):
            yield f"{target}{fault}"
        elif anchor == HARMFUL:
            yield "a link of the text would run a program: it was taken out"
        elif not path and anchor not in reader.ids:
            yield f"#{anchor} is nowhere on the page"


def path_fault(folder: Path, path: str) -> str:
    """What is wrong with a link to the file `path` beside the page; empty when nothing is."""
    if re.match(r"[a-zA-Z]+:|[/\\]", path):
        return ": not a relative link"
    if ".." in PurePosixPath(path).parts:
        return " leads out of the page's folder"
    if not is_filled(folder / path):
        return " does not exist or is empty"
    actual = other_case(folder, path)
    return f" is called {actual} on disk: servers tell them apart" if actual else ""


def is_filled(path: Path) -> bool:
    """Does a file exist and hold something?"""
    return path.is_file() and path.stat().st_size > 0


def other_case(folder: Path, path: str) -> str:
    """The name on disk where it differs from `path` in case, as some systems allow."""
    for part in PurePosixPath(path).parts:
        names = {entry.name for entry in folder.iterdir()}
        if part not in names:
            return next((name for name in names if name.lower() == part.lower()), "")
        folder = folder / part
    return ""


def outside(html: str, reader: Reader) -> Iterator[str]:
    """What a browser would fetch from elsewhere, or run."""
    for kind, target in reader.loaded:
        if re.match(r"(?!data:)[a-z]+:|//", target):
            yield f"{kind} loads {target}: not a relative link"
    for target in re.findall(r"url\(\s*['\"]?([^)'\"]*)|@import\s+([^;]*)", html):
        yield f"the style loads {''.join(target)}"
    yield from (f"{where} would run a script" for where in reader.scripted)
    yield from (f"{link} would run" for link in reader.links if link.startswith("javascript:"))


def size_faults(page: Path) -> Iterator[str]:
    """Files too large for a phone, a page too large for a course's web space, names that clash."""
    files = [page, *(page.parent / "media").glob("*")]
    sizes = {path.name: path.stat().st_size for path in files if path.is_file()}
    for name, size in sizes.items():
        if size > MAX_FILE:
            yield f"{name} has {size / MEBIBYTE:.1f} MiB, at most {MAX_FILE // MEBIBYTE} wanted"
    if (total := sum(sizes.values())) > MAX_PAGE:
        yield f"the page has {total / MEBIBYTE:.1f} MiB, at most {MAX_PAGE // MEBIBYTE} wanted"
    lower = [name.lower() for name in sizes]
    yield from (f"{n} differs from another file in case only" for n in sizes
                if lower.count(n.lower()) > 1)  # fmt: skip


def poor_alts(reader: Reader) -> list[str]:
    """Pictures without a text alternative, or with one that only repeats a file name."""
    found = []
    for source, alt in reader.alts:
        words = (alt or "").strip()
        if len(words) < MIN_ALT or re.fullmatch(r"\S+ ?\S*\.(png|gif|jpe?g|webp)", words):
            found.append(f"{source} is not described (alt={words!r})")
    return found


def heading_faults(levels: list[int]) -> list[str]:
    """One title, and no level skipped on the way down."""
    found = [] if levels.count(1) == 1 else [f"{levels.count(1)} titles (h1), not one"]
    for above, below in pairwise(levels):
        if below > above + 1:
            found.append(f"h{below} follows h{above}: a level is skipped")
    return found
