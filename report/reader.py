"""A page as the checks see it: ids, links, pictures, figures, headings, controls, open tags.

Offers `Reader`. Read next: check.py, which judges.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = {"img", "source", "meta", "link", "br", "hr", "input", "col", "wbr", "area", "base", "embed"}
# Attributes that make a browser load something, wherever they stand.
LOADING = ("src", "srcset", "poster", "data", "background", "xlink:href")


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
        self.unlabelled: list[str] = []
        self.scripted: list[str] = []
        self.language = ""
        self.open: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one tag."""
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.ids.append(values["id"])
        self.loaded += [(tag, values[name]) for name in LOADING if name in values]
        self.scripted += [f"<{tag} {name}>" for name in values if name.startswith("on")]
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)
        self.note_kind(tag, values)

    def note_kind(self, tag: str, values: dict[str, str]) -> None:
        """Note what only one kind of tag can say."""
        if tag == "a":
            self.links.append(values.get("href", ""))
        elif tag in ("link", "use"):
            self.loaded.append((tag, values.get("href", "")))
        elif tag == "input" and not values.get("aria-label"):
            self.unlabelled.append(values.get("type", "text"))
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
