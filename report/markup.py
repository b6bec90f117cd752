"""Small pieces of HTML: pictures, figures, tables.

Offers `Picture`, `img`, `moving`, `tile`, `row`, `figure`, `table` and `grid_table`. Everything
that comes from outside is escaped here. Read next: figures.py, which composes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Picture:
    """A picture file: its place relative to the page, its text alternative, its sides in pixels."""

    source: str
    alt: str
    width: int
    height: int


def img(picture: Picture, *, scale: float = 2) -> str:
    """A picture enlarged by `scale`; style.css keeps its pixels crisp."""
    return (
        f'<img src="{escape(picture.source)}" alt="{escape(picture.alt)}" loading="lazy" '
        f'width="{round(picture.width * scale)}" height="{round(picture.height * scale)}">'
    )


def moving(animation: Picture, still: Picture, *, scale: float = 2) -> str:
    """An animation; its still in print and for readers who asked for less motion."""
    return (
        f'<picture><source media="print, (prefers-reduced-motion: reduce)" '
        f'srcset="{escape(still.source)}">{img(animation, scale=scale)}</picture>'
    )


def tile(picture: Picture, label: str = "", note: str = "", *, scale: float = 2) -> str:
    """A picture with a label above its small note."""
    words = "".join(
        f'<span class="{kind}">{escape(text)}</span>'
        for kind, text in (("label", label), ("note", note))
        if text
    )
    return f'<div class="tile">{img(picture, scale=scale)}{words}</div>'


def row(tiles: Iterable[str]) -> str:
    """Tiles beside each other; they wrap on a narrow screen."""
    return f'<div class="row">{"".join(tiles)}</div>'


def figure(name: str, number: int, body: str, caption: str, *, wide: bool = False) -> str:
    """A numbered figure; `caption` is HTML written by us, `body` the pictures."""
    kind = ' class="wide"' if wide else ""
    return (
        f'<figure id="{escape(name)}"{kind}>{body}'
        f"<figcaption><b>Figure {number}.</b> {caption}</figcaption></figure>"
    )


def table(
    name: str,
    caption: str,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    quoted: int = 0,
) -> str:
    """A table; the first column names the rows, the last `quoted` rows are other people's."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    first_quoted = len(rows) - quoted
    body = "".join(
        f"<tr{' class=quoted' if i >= first_quoted else ''}>"
        f'<th scope="row">{escape(cells[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells[1:])
        + "</tr>"
        for i, cells in enumerate(rows)
    )
    return (
        f'<figure id="{escape(name)}" class="table"><figcaption>{caption}</figcaption>'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></figure>"
    )


def grid_table(
    corner: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]
) -> str:
    """Tiles in a grid with named rows and columns."""
    head = "".join(f'<th scope="col">{escape(c)}</th>' for c in columns)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{c}</td>" for c in cells)
        + "</tr>"
        for name, cells in rows
    )
    return (
        f'<div class="scroll"><table class="grid"><thead><tr><th scope="col">{escape(corner)}</th>'
        f"{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
