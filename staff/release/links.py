"""Do the links of a folder lead somewhere? Relative ones in Markdown, HTML and notebooks.

Offers `broken_links`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote

_MARKDOWN = re.compile(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]:\s*<?(\S+?)>?\s*$", re.MULTILINE)
_HTML = re.compile(r"""\b(?:href|src)\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_ELSEWHERE = re.compile(
    r"[a-z][a-z0-9+.-]*:|//|#|\$|\{", re.IGNORECASE
)  # templates fill in the last


def broken_links(tree: Path) -> list[str]:
    """A line for each relative link that leads nowhere, or out of the folder."""
    faults = []
    for path in sorted(p for p in tree.rglob("*") if p.suffix in (".md", ".html", ".ipynb")):
        name = path.relative_to(tree)
        if ".git" in name.parts:
            continue
        for target in sorted(set(targets(path))):
            to = (path.parent / unquote(target.partition("#")[0].partition("?")[0])).resolve()
            if not to.is_relative_to(tree.resolve()) or not to.exists():
                faults.append(f"{name}: a link to {target}, which is not there")
    return faults


def targets(path: Path) -> list[str]:
    """The relative links of a file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    is_page = path.suffix == ".html"
    text = text if is_page else _CODE.sub("", text)
    found = [] if is_page else [a or b for a, b in _MARKDOWN.findall(text)]
    found += [a or b for a, b in _HTML.findall(text)]
    return [target for target in found if target and not _ELSEWHERE.match(target)]
