"""A result as Gradescope reads it: results.json, with one entry for each task.

Offers `results`. Cases that students may not see count in their task's points and are named only by
their number. Texts are plain (`output_format` "text"), and what the student's code printed stays
with the staff. Format: Gradescope's autograder documentation, "Output format".
"""

from __future__ import annotations

from typing import Any

from staff.batch.words import hidden_line, printable, reason
from staff.grading.graded import GRADED, STAFF_FAILURE, Graded, NotebookResult, TaskResult

MISHAP = "The grader itself failed. This is not your doing, and no mark: it will be run again."


def results(graded: Graded) -> dict[str, Any]:
    """The document that Gradescope wants, ready for json.dumps."""
    shared = {
        "execution_time": round(graded.seconds),
        "stdout_visibility": "hidden",
        "visibility": "visible",
        "extra_data": {
            "state": graded.state,
            "backend": graded.backend,
            "canaries": graded.canaries,
        },
    }
    if graded.state != GRADED:
        words = MISHAP if graded.state == STAFF_FAILURE else f"Refused: {printable(graded.message)}"
        return {**shared, "score": 0, "output": words, "output_format": "text", "tests": []}
    tests = [*map(of_task, graded.tasks), *map(of_notebook, graded.notebooks)]
    score = round(sum(test["score"] for test in tests), 4)
    notes = "\n".join(map(printable, graded.notes))
    return {**shared, "score": score, "output": notes, "output_format": "text", "tests": tests}


def of_task(task: TaskResult) -> dict[str, Any]:
    """A task's entry."""
    lines = [reason(case) for case in task.cases if case.visible and case.score < 1]
    lines += filter(None, [hidden_line(task)])
    return entry(f"{task.task} {task.function}", task.points, task.possible, lines)


def of_notebook(found: NotebookResult) -> dict[str, Any]:
    """A notebook's entry."""
    return entry(f"notebook {found.notebook}", found.points, found.possible, found.failed)


def entry(name: str, points: float, possible: float, lines: list[str]) -> dict[str, Any]:
    """One test of Gradescope's list."""
    return {
        "name": name,
        "score": round(points, 4),
        "max_score": round(possible, 4),
        "status": "passed" if points >= possible else "failed",
        "output": "\n".join(map(printable, lines)) or "all right",
        "output_format": "text",
        "visibility": "visible",
    }
