"""Is the page complete? Do links lead somewhere, are pictures there and described?

Offers `check_page`, which returns complaints, each one line. `python -m hw5 report` runs it at the
end, and so can anyone: `python -m report.check report/index.html`.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

VOID = {"img", "source", "meta", "link", "br", "hr", "input", "col", "wbr", "area", "base", "embed"}
MIN_ALT = 8  # characters: fewer cannot describe a picture
REQUIRED = ("ladder", "optimisers", "interpolation", "scribbles", "edit", "samples", "quality")
LOADING = {"img": "src", "source": "srcset", "script": "src", "link": "href", "iframe": "src"}


class Reader(HTMLParser):
    """Collects what the checks need: ids, links, pictures, figures, headings, open tags."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[tuple[str, str]] = []
        self.alts: list[tuple[str, str | None]] = []
        self.figures: list[list[str]] = []
        self.headings: list[int] = []
        self.language = ""
        self.open: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one tag."""
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.ids.append(values["id"])
        if LOADING.get(tag) in values:
            self.loaded.append((tag, values[LOADING[tag]]))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)
        self.note_kind(tag, values)

    def note_kind(self, tag: str, values: dict[str, str]) -> None:
        """Note what only one kind of tag can say."""
        if tag == "a":
            self.links.append(values.get("href", ""))
        elif tag == "img":
            self.alts.append((values.get("src", ""), values.get("alt")))
        elif tag == "figure":
            self.figures.append([values.get("id", "?")])
        elif tag == "figcaption" and self.figures:
            self.figures[-1].append("caption")
        elif tag == "html":
            self.language = values.get("lang", "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag closed in itself, as in SVG: nothing stays open."""
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        """Every closing tag closes the last one opened (ours are always written out)."""
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> closes {self.open[-1] if self.open else 'nothing'}")
        else:
            self.open.pop()


def check_page(page: Path, *, required: tuple[str, ...] = REQUIRED) -> list[str]:
    """Complaints about the page at `page`; none when it is complete.

    Args:
        page: an HTML file; its links are looked up beside it.
        required: names of figures that must be on it.
    """
    html = page.read_text("utf-8")
    reader = Reader()
    reader.feed(html)
    complaints = [*reader.faults, *(f"<{tag}> is never closed" for tag in reader.open)]
    complaints += [
        f"{place} is not filled in" for place in re.findall(r"\{\{.*?\}\}|\$\{?\w+\}?", html)
    ]
    complaints += [] if reader.language else ["<html> says no language"]
    complaints += missing_files(reader, page.parent)
    complaints += poor_alts(reader)
    complaints += [f"figure {f[0]} has no caption" for f in reader.figures if len(f) == 1]
    complaints += [f"figure {name} is missing" for name in required if name not in reader.ids]
    complaints += [
        f"id {name} stands twice" for name in set(reader.ids) if reader.ids.count(name) > 1
    ]
    return complaints + heading_faults(reader.headings)


def missing_files(reader: Reader, folder: Path) -> list[str]:
    """Links and loaded files that are absolute where they may not be, or lead nowhere."""
    found = []
    for kind, target in reader.loaded:
        if re.match(r"[a-z]+:|/", target):
            found.append(f"{kind} loads {target}: not a relative link")
    for target in [*reader.links, *(target for _, target in reader.loaded)]:
        if re.match(r"(https?|mailto|data):", target):
            continue
        path, _, anchor = target.partition("#")
        if path and not is_filled(folder / unquote(path)):
            found.append(f"{target} does not exist or is empty")
        elif not path and anchor not in reader.ids:
            found.append(f"#{anchor} is nowhere on the page")
    return found


def is_filled(path: Path) -> bool:
    """Does a file exist and hold something?"""
    return path.is_file() and path.stat().st_size > 0


def poor_alts(reader: Reader) -> list[str]:
    """Pictures without a text alternative, or with one that only repeats a file name."""
    found = []
    for source, alt in reader.alts:
        words = (alt or "").strip()
        if len(words) < MIN_ALT or re.search(r"\.(png|gif|jpe?g)\b", words):
            found.append(f"{source} is not described (alt={words!r})")
    return found


def heading_faults(levels: list[int]) -> list[str]:
    """One title, and no level skipped on the way down."""
    found = [] if levels.count(1) == 1 else [f"{levels.count(1)} titles (h1), not one"]
    for above, below in pairwise(levels):
        if below > above + 1:
            found.append(f"h{below} follows h{above}: a level is skipped")
    return found


if __name__ == "__main__":
    faults = check_page(Path(sys.argv[1] if len(sys.argv) > 1 else "report/index.html"))
    sys.stdout.writelines(f"{fault}\n" for fault in faults)
    sys.exit(bool(faults))
