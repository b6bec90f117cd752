"""Inside Gradescope's container: grade the one submission and write results.json, whatever happens.

    python -m staff.autograder.inside SUBMISSION RESULTS EXAM

The exam's file is removed once it is read, and before any of the student's code is run: a process
that gets out of its jail finds no answers on the disk. Where the container forbids jails (many do),
the code runs as a user who may write nothing: the container is thrown away after one submission,
and what is left to protect in it, results and answers, belongs to root. Read next:
staff/grading/grade.py.
"""

from __future__ import annotations

import json
import pickle
import sys
import traceback
from dataclasses import replace
from pathlib import Path

from staff.batch.gradescope import results
from staff.grading.graded import STAFF_FAILURE, Graded
from staff.sandbox import Jail, Limits, StaffError, open_jail

# Gradescope stops a run after ten minutes at most: ours has to end, and be written down, before.
SECONDS = 480


def main(words: list[str]) -> int:
    """Grade, and write what came of it; status 1 where the grader itself failed."""
    submission, out, exam = map(Path, words)
    try:
        graded = grade(submission, exam)
    except Exception as error:  # whatever goes wrong is ours, and has to be written down
        traceback.print_exc()
        graded = Graded(submission.name, STAFF_FAILURE, f"{type(error).__name__}: {error}")
    temporary = out.with_suffix(".part")
    temporary.write_text(json.dumps(results(graded), indent=1), encoding="utf-8")
    temporary.replace(out)
    print(f"{graded.state}: {graded.points:g} of {graded.possible:g} points, {graded.backend}")
    return int(graded.state == STAFF_FAILURE)


def grade(submission: Path, exam_file: Path) -> Graded:
    """The submission's result.

    Raises:
        StaffError: no jail can be had here, or the grader does not work.
    """
    from staff.grading.grade import LIMITS
    from staff.grading.grade import grade as grade_in

    exam = pickle.loads(exam_file.read_bytes())  # made by build.py, never touched by a student
    exam_file.unlink()
    exam = replace(exam, root=str(Path.cwd()))
    limits = replace(LIMITS, wall_s=SECONDS, cpu_s=SECONDS)
    return grade_in(submission, exam, jail_for_here(), limits)


def jail_for_here() -> Jail:
    """The best jail that this container allows, tried with Python itself.

    Raises:
        StaffError: not even another user than root.
    """
    try:
        return open_jail("bubblewrap")
    except StaffError as no_bubblewrap:
        jail = open_jail("plain", unsafe=True)
        words = [sys.executable, "-I", "-S", "-c", "import os; print(os.getuid())"]
        ended = jail.run(words, limits=Limits(wall_s=30))
        if ended.code != 0 or ended.stdout.strip() in (b"", b"0"):
            said = (ended.stdout + ended.stderr).decode("utf-8", "replace").strip()
            raise StaffError(f"no jail here: {no_bubblewrap}; user {said}") from no_bubblewrap
        return jail


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
