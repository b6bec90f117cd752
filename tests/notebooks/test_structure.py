"""What every notebook of the course keeps to, read from the files: nothing is run here.

That they run, and still show what they showed, is what `make notebooks` is for.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
FILES = sorted(FOLDER.glob("*.ipynb"))
NAMES = [
    "00_setup_and_world", "01_losses", "02_inversion", "03_interpolation", "04_scribble",
    "05_encoders", "06_tuning", "07_report",
]  # fmt: skip
MAX_LINES = 15  # of a cell: one idea; blank lines and imports are not counted
MAX_WIDTH = 130  # characters: more runs out of a laptop's window
ID = re.compile(r"[a-z]+(-[a-z0-9]+)*")
UNWRITTEN = re.compile(r"\((?:to write|to be written|to do)\)|\b(?:TODO|TBD|FIXME|XXX)\b", re.IGNORECASE)
# A folder of one machine; the pattern is split so that it does not find itself.
MACHINE_PATH = re.compile(
    r"(?<![\w.~/])/(?:" + "|".join(["work", "tmp", "root", "home"]) + r")/\w+"
)

KEPT = re.compile(r'file=\\"([\w.-]+)\\"')  # an argument of `ui.presets`, in the file's own quotes


def code(book: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in book.cells if cell.cell_type == "code"]


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def words(cell: NotebookNode) -> str:
    """Everything a cell has put on the screen, pictures left out."""
    shown = []
    for output in cell.get("outputs", []):
        shown.append(output.get("text", ""))
        shown.append("\n".join(output.get("traceback", [])))
        shown += [v for k, v in output.get("data", {}).items() if k.startswith("text/")]
    return "\n".join(shown)


# ---------------------------------------------------------------- rules: notebook -> complaints


def unstable_ids(book: NotebookNode) -> list[str]:
    """Ids say what a cell is about, so that a difference of two versions can be read."""
    ids = [cell.id for cell in book.cells]
    twice = {name for name in ids if ids.count(name) > 1}
    return [f"id {name}" for name in ids if not ID.fullmatch(name) or name in twice]


def without_frame(book: NotebookNode) -> list[str]:
    """Goals, time box, difficulty at the top; predictions, a slip; an open question at the end."""
    head, last = book.cells[0].source, book.cells[-1].source
    everything = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    needed = {
        "a title": head.startswith("# "),
        "a time box": "**Time**" in head,
        "a difficulty": "**Difficulty**" in head,
        "what you write": "**You write**" in head,
        "goals": "### When you are through, you can" in head,
        "three predictions": everything.count("**Predict") >= 3,
        "what goes wrong": re.search(r"(###|\*\*) ?What goes wrong, and how it looks", everything),
        "an open question": last.startswith("## An open question") and "?" in last,
    }
    return [f"lacks {what}" for what, is_there in needed.items() if not is_there]


def disagreeing_times(book: NotebookNode) -> list[str]:
    """A time box is as long as its sections together, and the tasks fit into it."""
    head = book.cells[0].source
    box = re.search(r"\*\*Time\*\* about (\d+) (minutes|hours)", head)
    if not box:
        return ["says no time"]
    total = int(box[1]) * (60 if box[2] == "hours" else 1)
    text = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    sections = sum(map(int, re.findall(r"^## .*\((?:.*, )?(\d+) minutes", text, re.MULTILINE)))
    tasks = sum(map(int, re.findall(r"^\|.*\| (\d+) \|$", head, re.MULTILINE)))
    return [
        f"{total} minutes, {what} {minutes}"
        for what, minutes, is_wrong in (
            ("its sections", sections, (sections or tasks) and sections != total),
            ("its tasks", tasks, tasks > total),
        )
        if is_wrong
    ]


def without_start(book: NotebookNode) -> list[str]:
    begins = "from hw5.ui import notebook\n\nnotebook.start()"
    return [] if code(book)[0].source.startswith(begins) else ["does not begin with start()"]


def long_cells(book: NotebookNode) -> list[str]:
    found = []
    for cell in code(book):
        lines = [x for x in cell.source.splitlines() if x.strip()]
        counted = [x for x in lines if not x.startswith(("from ", "import "))]
        if len(counted) > MAX_LINES or any(len(line) > MAX_WIDTH for line in lines):
            widest = max(map(len, lines))
            found.append(f"{cell.id}: {len(counted)} lines, widest {widest}")
    return found


def loose_interaction(book: NotebookNode) -> list[str]:
    """Widgets are never compared, and the very next cell fixes what was to be seen."""
    cells, found = code(book), []
    for index, cell in enumerate(cells):
        if "interactive" not in tags(cell):
            continue
        if "nbval-ignore-output" not in tags(cell):
            found.append(f"{cell.id}: interactive, and compared")
        if not any("checkpoint" in tags(later) for later in cells[index + 1 : index + 2]):
            found.append(f"{cell.id}: no checkpoint right behind it")
    return found


def compared_figures(book: NotebookNode) -> list[str]:
    """What stands beside published figures is a time or an end of a search: it varies."""
    return [
        f"{cell.id}: beside, and compared"
        for cell in code(book)
        if "notebook.beside(" in cell.source and "nbval-ignore-output" not in tags(cell)
    ]


def machine_paths(book: NotebookNode) -> list[str]:
    text = {cell.id: cell.source + "\n" + words(cell) for cell in book.cells}
    return [
        f"{name}: {MACHINE_PATH.search(t)[0]}" for name, t in text.items() if MACHINE_PATH.search(t)
    ]


def pictures_without_words(book: NotebookNode) -> list[str]:
    found = []
    for cell in book.cells:
        for output in cell.get("outputs", []):
            for kind in (k for k in output.get("data", {}) if k.startswith("image/")):
                alt = output.metadata.get(kind, {}).get("alt", "")
                if len(alt.split()) < 3 or "no captions" in alt:
                    found.append(f"{cell.id}: picture says {alt!r}")
        if re.search(r"!\[\s*\]\(", cell.source):
            found.append(f"{cell.id}: a picture in the text without words")
    return found


def left_to_write(book: NotebookNode) -> list[str]:
    """Passages that were to be written later."""
    found = ((cell.id, UNWRITTEN.search(cell.source)) for cell in book.cells)
    return [f"{name}: {mark[0]}" for name, mark in found if mark]


def not_as_run(book: NotebookNode) -> list[str]:
    """Run from top to bottom, with outputs stored, and nothing went wrong."""
    cells = code(book)
    found = []
    if [cell.execution_count for cell in cells] != list(range(1, len(cells) + 1)):
        found.append("was not run from top to bottom")
    for cell in cells:
        failed = any(output.output_type == "error" for output in cell.outputs)
        if failed != ("raises-exception" in tags(cell)):
            found.append(f"{cell.id}: {'stopped with an error' if failed else 'did not fail'}")
        if "checkpoint" in tags(cell) and not cell.outputs:
            found.append(f"{cell.id}: a checkpoint that shows nothing")
        found += [f"{cell.id}: {bad}" for bad in ("LOOK AGAIN", "Warning:") if bad in words(cell)]
    return found


RULES = [
    unstable_ids, without_frame, disagreeing_times, without_start, long_cells, loose_interaction,
    compared_figures, machine_paths, pictures_without_words, not_as_run, left_to_write,
]  # fmt: skip


# ---------------------------------------------------------------- tests


def test_the_eight_notebooks_are_there():
    assert [path.stem for path in FILES] == NAMES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem[:2])
def test_a_notebook_is_valid(path):
    nbformat.validate(nbformat.read(path, as_version=4))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem[:2])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_notebook_keeps_the_rule(rule: Callable[[NotebookNode], list[str]], path: Path):
    found = rule(nbformat.read(path, as_version=4))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem[:2])
def test_a_file_is_indented_by_one_and_ends_in_a_line_break(path):
    text = path.read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def test_a_file_that_a_button_keeps_is_nothing_to_commit():
    kept = [name for path in FILES for name in KEPT.findall(path.read_text(encoding="utf-8"))]
    assert kept  # the presets of the first notebook, at least
    for name in kept:
        words = ["git", "-C", str(FOLDER), "check-ignore", "--quiet", name]
        assert subprocess.run(words, check=False).returncode == 0, name


def sample(**changes: object) -> NotebookNode:
    """A notebook of one cell that breaks every rule but those that `changes` mend."""
    source = "x = 1\n" * 16 + "notebook.beside({})  # (to write)"
    cell = nbformat.v4.new_code_cell(source, id="a1b2c3d4")
    picture = nbformat.v4.new_output(
        "display_data", data={"image/png": "", "text/plain": "/" + "home/me"}
    )
    cell.outputs = [picture]
    cell.metadata["tags"] = ["interactive"]
    cell.update(changes)
    return nbformat.v4.new_notebook(cells=[cell])


@pytest.mark.parametrize(
    ("box", "section", "minutes", "is_right"),
    [("2 hours", 120, 90, True), ("90 minutes", 100, 90, False), ("90 minutes", 90, 100, False),
     ("90 minutes", None, 60, False), ("90 minutes", None, None, True)],
)  # fmt: skip
def test_times_are_added_up(box, section, minutes, is_right):
    head = f"# A title\n\n**Time** about {box} · ...\n"
    head += f"\n| 1.1 | `f` | {minutes} |" if minutes else ""
    body = f"## A · Part  (★☆☆, {section} minutes, `f`)" if section else "## A · Part"
    cells = [nbformat.v4.new_markdown_cell(text) for text in (head, body)]
    assert (disagreeing_times(nbformat.v4.new_notebook(cells=cells)) == []) == is_right


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_each_rule_finds_a_bad_sample(rule):
    assert rule(sample())
