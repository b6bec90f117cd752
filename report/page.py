"""Set figures into the text: markdown files with `{{names}}`, a template, one HTML page.

Offers `assemble`, `wrap` and `names_in`. The words are in text/*.md, in the order of their file
names. A line that holds only `{{ladder}}` is replaced by the figure of that name, `{{runs/my_cat}}`
by that run's, `{{adam_seconds}}` inside a sentence by a number, and `{{write: what?}}` marks words
that are still to be written. Pictures of the text, `![what it shows](cat.jpg)`, are taken along.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template

import mistune

from hw5.kit.checks import InputError, check_choice

HERE = Path(__file__).parent
PLACE = re.compile(r"\{\{\s*([\w/.+-]+)\s*\}\}")
WRITE = re.compile(r"\{\{\s*write:\s*(.+?)\s*\}\}")
PICTURE = re.compile(r'<img src="([^"]*)" alt="([^"]*)"[^>]*>')

TakePicture = Callable[[Path, str], str]  # a file and its text alternative, to HTML


def assemble(
    blocks: Mapping[str, str], *, folder: Path = HERE, take: TakePicture | None = None
) -> str:
    """The whole page.

    Args:
        blocks: HTML or a number for each name that the text may use.
        folder: where text/, template.html, style.css and script.js lie.
        take: sets a picture that the text shows; None refuses them.

    Raises:
        InputError: a missing file, or an unknown name in the text.
    """
    texts = text_files(folder)
    sections = [section(path, blocks, take) for path in texts]
    return wrap(title(texts[0]), contents(sections), "\n".join(sections), folder=folder)


def wrap(title: str, contents: str, body: str, *, folder: Path = HERE) -> str:
    """A page around `body`; `contents` are list items with links.

    The only script is ours: the page's policy names its digest, and a browser runs no other.
    """
    read = {name: (folder / name).read_text("utf-8") for name in ("style.css", "script.js")}
    digest = base64.b64encode(hashlib.sha256(read["script.js"].encode()).digest()).decode()
    return Template((folder / "template.html").read_text("utf-8")).substitute(
        title=title,
        style=read["style.css"],
        script=read["script.js"],
        policy=f"script-src 'sha256-{digest}'; object-src 'none'; base-uri 'none'; "
        "form-action 'none'",
        contents=contents,
        body=body,
    )


def text_files(folder: Path = HERE) -> list[Path]:
    """The page's words, in order.

    Raises:
        InputError: there are none.
    """
    texts = sorted((folder / "text").glob("*.md"))
    if not texts:
        raise InputError.about(
            str(folder / "text"), expected="the page's words in *.md", got="none"
        )
    return texts


def names_in(folder: Path = HERE) -> set[str]:
    """Every name that the text uses."""
    return {name for path in text_files(folder) for name in PLACE.findall(path.read_text("utf-8"))}


def unwritten(folder: Path = HERE) -> list[tuple[str, str]]:
    """Each place that waits for words: the file's name, and what is asked."""
    return [
        (path.name, question)
        for path in text_files(folder)
        for question in WRITE.findall(path.read_text("utf-8"))
    ]


def section(path: Path, blocks: Mapping[str, str], take: TakePicture | None = None) -> str:
    """One text file as HTML with its figures set in; raw HTML in the text is shown, not obeyed."""
    text = path.read_text("utf-8")
    for name in PLACE.findall(text):
        check_choice(f"{path}: {{{{{name}}}}}", name, tuple(blocks))
    html = mistune.create_markdown(escape=True, plugins=["table"])(text)
    html = PICTURE.sub(lambda found: own_picture(path, found, take), html)
    html = WRITE.sub(r'<span class="write"><b>To write:</b> \1</span>', html)
    html = re.sub(r"<p>\s*(\{\{\s*[\w/.+-]+\s*\}\})\s*</p>", r"\1", html)
    html = PLACE.sub(lambda found: blocks[found[1]], html)
    html = re.sub(r"<h([1-4])>(.*?)</h\1>", with_anchor, html)
    return f"<section>\n{html}</section>"


def own_picture(path: Path, found: re.Match[str], take: TakePicture | None) -> str:
    """A picture that the text at `path` shows, taken along.

    Raises:
        InputError: not a file beside the text or below it.
    """
    source, alt = found.groups()
    file = (path.parent / source).resolve()
    if take is None or not file.is_relative_to(path.parent.resolve()):
        hint = f"copy the picture into {path.parent} and name it there"
        raise InputError.about(f"{path}: ![{alt}]({source})", expected="a file beside the text",
                               got="another place", hint=hint)  # fmt: skip
    return take(file, alt)


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
    return escape(found[1])


def contents(sections: Sequence[str]) -> str:
    """Links to the second-level headings."""
    found = [h for html in sections for h in re.findall(r'<h2 id="([^"]+)">(.*?)</h2>', html)]
    return "".join(f'<li><a href="#{name}">{words}</a></li>' for name, words in found)
