"""Set figures into the text: markdown files with `{{names}}`, a template, one HTML page.

Offers `assemble`. The words are in text/*.md, in the order of their file names; a line that holds
only `{{ladder}}` is replaced by the figure of that name, and `{{adam_seconds}}` inside a sentence
by a number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from string import Template

import mistune

from hw5.kit.checks import InputError, check_choice

HERE = Path(__file__).parent
PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def assemble(blocks: Mapping[str, str], *, folder: Path = HERE) -> str:
    """The whole page.

    Args:
        blocks: HTML or a number for each name that the text may use; each must be used.
        folder: where text/, template.html and style.css lie.

    Raises:
        InputError: a missing file, an unknown name in the text, or a block never shown.
    """
    texts = sorted((folder / "text").glob("*.md"))
    if not texts:
        raise InputError.about(
            str(folder / "text"), expected="the page's words in *.md", got="none"
        )
    sections = [section(path, blocks) for path in texts]
    used = {name for path in texts for name in PLACE.findall(path.read_text("utf-8"))}
    if unused := sorted(set(blocks) - used):
        hint = "write {{" + unused[0] + "}} on a line of its own where it belongs"
        raise InputError.about(
            str(folder / "text"),
            expected="every figure shown",
            got=f"none of {', '.join(unused)}",
            hint=hint,
        )
    template = Template((folder / "template.html").read_text("utf-8"))
    return template.substitute(
        title=title(texts[0]),
        style=(folder / "style.css").read_text("utf-8"),
        contents=contents(sections),
        body="\n".join(sections),
    )


def section(path: Path, blocks: Mapping[str, str]) -> str:
    """One text file as HTML with its figures set in; raw HTML in the text is shown, not obeyed."""
    text = path.read_text("utf-8")
    for name in PLACE.findall(text):
        check_choice(f"{path}: {{{{{name}}}}}", name, tuple(blocks))
    html = mistune.create_markdown(escape=True, plugins=["table"])(text)
    html = re.sub(r"<p>\s*(\{\{\s*\w+\s*\}\})\s*</p>", r"\1", html)
    html = PLACE.sub(lambda found: blocks[found[1]], html)
    html = re.sub(r"<h([1-4])>(.*?)</h\1>", with_anchor, html)
    return f"<section>\n{html}</section>"


def with_anchor(heading: re.Match[str]) -> str:
    """A heading with an id made of its words, so that it can be linked to."""
    level, words = heading.groups()
    return f'<h{level} id="{slug(words)}">{words}</h{level}>'


def slug(words: str) -> str:
    """Lower-case words joined by hyphens."""
    plain = re.sub(r"<[^>]+>|&\w+;", "", words).lower()
    return "-".join(re.findall(r"[a-z0-9+]+", plain))


def title(first: Path) -> str:
    """The first heading of the first text."""
    found = re.search(r"^# (.+)$", first.read_text("utf-8"), flags=re.MULTILINE)
    if found is None:
        raise InputError.about(str(first), expected="a line '# Title'", got="none")
    return found[1].replace("<", "&lt;")


def contents(sections: list[str]) -> str:
    """Links to the second-level headings."""
    found = [h for html in sections for h in re.findall(r'<h2 id="([^"]+)">(.*?)</h2>', html)]
    return "".join(f'<li><a href="#{name}">{words}</a></li>' for name, words in found)
