"""The page that a student gets back: points, reasons, hints, their pictures beside the expected.

Offers `page`. One file that needs no other: styles and pictures are inside, there is no script, and
the page's policy lets a browser load nothing else. Every word that may come from a student's
process goes through `said`, and every picture is decoded and written anew. The secret seed, what
the code printed, and cases that are not visible do not appear. Read next: words.py, and
report/style.css for the looks.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from string import Template

from hw5.kit.checks import InputError
from hw5.kit.decode import open_picture
from staff.batch.marks import Line, Marks
from staff.batch.words import hidden_line, points, printable, readable
from staff.grading.graded import GRADED, REFUSED, CaseResult, Graded, NotebookResult, TaskResult

HERE = Path(__file__).parent
STYLES = (HERE.parents[1] / "report" / "style.css", HERE / "feedback.css")
MAX_SIDE = 640  # pixels of a picture's longer side on the page
SMALL = 200  # pixels; below this a picture is enlarged, so that each of its pixels is seen
ANCHORS = {"marks": "Marks", "tasks": "Tasks", "notebooks": "Notebooks", "rest": "More"}


def page(graded: Graded, marks: Marks, pictures: Path) -> str:
    """The whole page.

    Args:
        graded: the result.
        marks: what it is worth, part by part.
        pictures: the folder in which the names of `graded.notebooks` are found.
    """
    sections = {
        "marks": marks_table(marks),
        "tasks": "".join(part_section(graded, line) for line in marks.parts),
        "notebooks": "".join(notebook(found, pictures) for found in graded.notebooks),
        "rest": rest(graded),
    }
    body = heading(graded, marks) + "".join(
        f'<section id="{name}">{html}</section>' for name, html in sections.items() if html
    )
    links = "".join(
        f'<li><a href="#{name}">{ANCHORS[name]}</a></li>' for name in sections if sections[name]
    )
    style = "".join(path.read_text("utf-8") for path in STYLES)
    return Template((HERE / "feedback.html").read_text("utf-8")).substitute(
        title=f"Feedback for {said(graded.submission)}",
        style=style,
        policy=policy(style),
        contents=links,
        body=body,
    )


def policy(style: str) -> str:
    """Load nothing but pictures inside the page and this one style sheet."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )


def said(text: str) -> str:
    """Words of any origin as HTML that is only text."""
    return escape(printable(text))


def heading(graded: Graded, marks: Marks) -> str:
    """Who, how many points, and what is still open."""
    name = f"Feedback for {said(graded.submission)}"
    if graded.state == REFUSED:
        words = "Nothing could be graded. See below for why, and hand in again."
    elif graded.state != GRADED:
        words = "The grader itself failed. This is not your doing, and no mark: it is run again."
    else:
        code = f"Your code earns {points(graded.points)} of {points(graded.possible)} points."
        words = f"{code} {marks.sentence}"
    score = f'<span class="score">{points(marks.final)} of {points(marks.out_of)}</span>'
    missing = "" if graded.state == GRADED else trouble(graded.message)
    comment = f"<blockquote>{said(marks.comment)}</blockquote>" if marks.comment else ""
    return f"<h1>{name}: {score}</h1><p>{escape(words)}</p>{comment}{missing}"


def trouble(message: str) -> str:
    """Why nothing was graded."""
    return f'<div class="missing"><p><strong>What happened:</strong> {said(message)}</p></div>'


def marks_table(marks: Marks) -> str:
    """Points of each part and of what people mark, late days, the sum."""
    lines = (line for part in marks.parts for line in (part, *part.manual))
    rows = "".join(map(marks_row, lines))
    late = (
        f'<tr><th scope="row">Late: {escape(marks.late_words)}</th>'
        f"<td>{points(-marks.penalty)}</td><td></td></tr>"
        if marks.days_late
        else ""
    )
    return (
        '<h2>Marks</h2><table class="marks"><thead><tr><th scope="col">Part</th>'
        '<th scope="col">Points</th><th scope="col"></th></tr></thead>'
        f"<tbody>{rows}{late}</tbody>"
        f'<tfoot><tr><th scope="row">Together</th><td>{points(marks.final)} of '
        f"{points(marks.out_of)}</td><td></td></tr></tfoot></table>"
    )


def marks_row(line: Line) -> str:
    """One row of the table; a person's mark stands below its part."""
    kind = ' class="person"' if not (line.tasks or line.manual) else ""
    name = f'<th scope="row">{escape(line.title)}</th>'
    if line.points is None:
        rest = f'<td>of {points(line.possible)}</td><td class="words">not marked yet</td>'
        return f"<tr{kind}>{name}{rest}</tr>"
    return (
        f"<tr{kind}>{name}<td>{points(line.points)} of {points(line.possible)}</td>"
        f"<td>{bar(line.points, line.possible)}</td></tr>"
    )


def bar(got: float, possible: float) -> str:
    """A bar that is as full as the points; the number stands beside it, so it is silent."""
    share = 100 * min(1.0, max(0.0, got / possible)) if possible else 0.0
    kind = "bar" if share >= 100 else "bar partly"
    return (
        f'<svg class="{kind}" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="all" width="100" height="6" rx="1.5"/>'
        f'<rect class="got" width="{share:.1f}" height="6" rx="1.5"/></svg>'
    )


def part_section(graded: Graded, line: Line) -> str:
    """The tasks of a part, each with what cost points."""
    tasks = [task for task in graded.tasks if task.task in line.tasks]
    if not tasks:
        return ""
    return f'<h2>{escape(line.title)}</h2><ul class="tasks">{"".join(map(task_item, tasks))}</ul>'


def task_item(task: TaskResult) -> str:
    """A task: its mark, and the reasons for what is missing."""
    is_full = task.points >= task.possible
    reasons = "".join(reasons_of(task))
    word = "complete" if is_full else "points missing"
    return (
        f'<li class="{"full" if is_full else "open"}">'
        f'<span class="mark" role="img" aria-label="{word}">{"✓" if is_full else "✗"}</span>'
        f'<div class="head"><span>{escape(task.task)}</span><code>{escape(task.function)}</code>'
        f'<span class="points">{points(task.points)} of {points(task.possible)}</span></div>'
        + (f'<ul class="reasons">{reasons}</ul>' if reasons else "")
        + "</li>"
    )


def reasons_of(task: TaskResult) -> Iterator[str]:
    """Each visible case that lost points, each different reason once; the others counted."""
    told = set()
    for case in task.cases:
        if case.visible and case.score < 1 and (case.seen, case.hint) not in told:
            told.add((case.seen, case.hint))
            yield case_item(case)
    if words := hidden_line(task):
        yield f'<li class="hidden">{escape(words)}</li>'


def case_item(case: CaseResult) -> str:
    """What was checked, what came instead, where to look."""
    hint = f'<span class="hint">{with_code(said(case.hint))}</span>' if case.hint else ""
    return (
        f'<li><span class="fact">{said(readable(case.name))}</span>'
        f'<span class="seen">{with_code(said(case.seen or case.state))}</span>{hint}</li>'
    )


def with_code(html: str) -> str:
    """Escaped words with `names` between backticks set as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html)


def notebook(found: NotebookResult, pictures: Path) -> str:
    """A notebook: its points, the cells that differ, pictures beside the expected ones."""
    lines = "".join(f"<li>{said(line)}</li>" for line in found.failed)
    shown = "".join(pair(*names, pictures) for names in found.pictures)
    good = f"all {found.cells} compared cells agree"
    words = f"{len(found.failed)} of {found.cells} compared cells differ" if found.failed else good
    return (
        f"<h2>Notebook {said(found.notebook)}</h2><p>{points(found.points)} of "
        f"{points(found.possible)} points: run with your functions, {words}.</p>"
        + (f'<ul class="reasons">{lines}</ul>' if lines else "")
        + shown
    )


def pair(caption: str, theirs: str, expected: str, pictures: Path) -> str:
    """Two pictures beside each other."""
    tiles = "".join(
        tile(pictures / name, label, f"{label}: {caption}")
        for name, label in ((theirs, "yours"), (expected, "expected"))
    )
    row = f'<div class="row">{tiles}</div>'
    return f'<figure class="pair">{row}<figcaption>{said(caption)}</figcaption></figure>'


def tile(path: Path, label: str, alt: str) -> str:
    """A picture inside the page, or a line that it is missing."""
    try:
        picture = open_picture(path, min_side=1)
    except InputError:
        return f'<div class="tile missing"><p>{escape(label)}: no picture</p></div>'
    picture.thumbnail((MAX_SIDE, MAX_SIDE))
    kept = io.BytesIO()
    picture.save(kept, "PNG")
    scale = 2 if max(picture.size) < SMALL else 1
    width, height = (scale * side for side in picture.size)
    data = base64.b64encode(kept.getvalue()).decode()
    return (
        f'<div class="tile"><img src="data:image/png;base64,{data}" alt="{said(alt)}" '
        f'width="{width}" height="{height}"><span class="label">{escape(label)}</span></div>'
    )


def rest(graded: Graded) -> str:
    """What happened, and which files this is about.

    What the code printed stays with the staff: it may hold what lay beside it in the jail, hidden
    cases among them.
    """
    notes = "".join(f"<li>{said(note)}</li>" for note in graded.notes)
    few = ", few canaries before it" if graded.canaries == "few" else ""
    sandbox = escape(graded.backend) + few
    digest = graded.digests.get("submission", "")
    return (
        (f"<h2>What happened</h2><ul>{notes}</ul>" if notes else "")
        + f'<p class="small">Graded in {graded.seconds:.0f} s, sandbox: {sandbox}. '
        f"Digest of what you handed in: {escape(digest[:16]) or 'none'}. Questions about a mark: "
        "name the task and this digest; the grading can be repeated.</p>"
    )
