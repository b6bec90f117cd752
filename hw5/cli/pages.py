"""A page of its own in the look of the report: what `ablate` and `semantics` write.

Offers `write_page`.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template

import report
from hw5.kit.files import atomic_write


def write_page(page: Path, title: str, body: str, *, contents: Mapping[str, str]) -> Path:
    """Write one file with everything in it but the pictures; return its path.

    Args:
        page: where it goes.
        title: plain text.
        body: HTML.
        contents: anchor -> words of the list at the top.
    """
    home = Path(report.__file__).parent
    html = Template((home / "template.html").read_text("utf-8")).substitute(
        title=escape(title),
        style=(home / "style.css").read_text("utf-8"),
        contents="".join(
            f'<li><a href="#{anchor}">{escape(words)}</a></li>'
            for anchor, words in contents.items()
        ),
        body=body,
    )
    with atomic_write(page) as temporary:
        temporary.write_text(html, encoding="utf-8")
    return page
