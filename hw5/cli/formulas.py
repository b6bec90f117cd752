"""Formulas of a notebook as pictures of their own: no MathJax, so no network.

Offers `with_pictures`. JupyterLab brings its MathJax along; Voila and slides would fetch one.
Used by lecture_stage.py.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable

# Code stays as it is: a dollar there is a dollar. Then formulas on their own, then those in a line.
_PARTS = re.compile(
    r"(?P<code>^```.*?^```|`[^`\n]+`)|\$\$(?P<block>.+?)\$\$|\$(?P<line>[^$\s](?:[^$\n]*[^$\s])?)\$",
    re.DOTALL | re.MULTILINE,
)
# What ziamath 0.13 reads as a backslash, and the same thing in words that it knows.
_KNOWN = {
    r"\bigl\|": r"\lVert ", r"\bigr\|": r"\rVert ", r"\|": r"\Vert ",
    r"\arg\min": r"\operatorname{argmin}",
}  # fmt: skip


def with_pictures(markdown: str, *, size: int) -> str:
    """Markdown whose formulas, $...$ and $$...$$, have become pictures; LaTeX is their alt text.

    Args:
        markdown: the text of a cell.
        size: height of its letters, in pixels.

    Raises:
        InputError: ziamath is not installed.
    """
    if "$" not in markdown:
        return markdown
    return _PARTS.sub(lambda part: _put(part, size, _typesetter()), markdown)


def _typesetter() -> Callable:
    """The class that makes a formula an SVG, in pure Python, with a font inside."""
    try:
        import ziamath
    except ImportError as error:
        from hw5.kit.checks import InputError  # here: see lecture.py

        hint = 'pip install -e ".[lecture]"'
        raise InputError.about("formulas", expected="ziamath", got="none", hint=hint) from error
    ziamath.config.svg2 = False  # paths without names, which would meet on a page
    return ziamath.Latex


def _put(part: re.Match[str], size: int, typeset: Callable) -> str:
    if part["code"]:
        return part["code"]
    latex = (part["block"] or part["line"]).strip()
    known = latex
    for unknown, word in _KNOWN.items():
        known = known.replace(unknown, word)
    formula = typeset(known, size=size, inline=not part["block"])
    data = base64.b64encode(formula.svg().encode()).decode()
    alt = html.escape(" ".join(latex.split())).replace("|", "&#124;")  # no column of a table
    sunk = f"{formula.getyofst():.1f}px"  # below the line: negative
    image = (
        f'<img class="hw5-formula" alt="{alt}" style="display: inline; vertical-align: {sunk}"'
        f' src="data:image/svg+xml;base64,{data}">'
    )
    if part["line"]:
        return image
    return f'<span style="display: block; text-align: center; margin: 0.5em 0">{image}</span>'
