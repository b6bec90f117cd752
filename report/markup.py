"""Small pieces of HTML: pictures, figures, tables.

Offers `Picture`, `img`, `moving`, `before_after`, `tile`, `row`, `details`, `pairs`, `missing`,
`figure`, `table` and `grid_table`. Everything that comes from outside is escaped here. Read next:
figures.py and gallery.py, which compose them.
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


def before_after(before: Picture, after: Picture, labels: tuple[str, str], *, scale: float) -> str:
    """Two pictures of one size on top of each other, and a slider between them.

    Without the page's script half of either is shown; in print they stand beside each other.
    """
    width, height = round(before.width * scale), round(before.height * scale)
    shown = "".join(
        f'<span class="{kind}"><img src="{escape(picture.source)}" alt="{escape(picture.alt)}" '
        f'width="{width}" height="{height}"></span>'
        for kind, picture in (("under", before), ("over", after))
    )
    left, right = (escape(label) for label in labels)
    return (
        f'<div class="compare" style="width:{width}px"><div class="stack">{shown}</div>'
        f'<input type="range" min="0" max="100" value="50" aria-label="how much of each is shown: '
        f'{left} on the left, {right} on the right">'
        f'<div class="ends" aria-hidden="true"><span>{left}</span><span>{right}</span></div></div>'
    )


def details(summary: str, body: str) -> str:
    """Something that is folded until asked for."""
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def pairs(items: Iterable[tuple[str, str]]) -> str:
    """Names with their values, as a list of two columns."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in items)
    return f'<dl class="pairs">{rows}</dl>'


def missing(what: str, how: str) -> str:
    """A gap on the page, and the command that fills it."""
    return (
        f'<div class="missing"><p><strong>Still missing:</strong> {escape(what)}</p>'
        f"<pre><code>{escape(how)}</code></pre></div>"
    )


def figure(name: str, number: int | None, body: str, caption: str, *, wide: bool = False) -> str:
    """A figure; `caption` is HTML written by us, `body` the pictures; None leaves it unnumbered."""
    kind = ' class="wide"' if wide else ""
    count = "" if number is None else f"<b>Figure {number}.</b> "
    return (
        f'<figure id="{escape(name)}"{kind}>{body}'
        f"<figcaption>{count}{caption}</figcaption></figure>"
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
