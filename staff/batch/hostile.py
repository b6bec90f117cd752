"""Every attack of staff/attacks, tried before a batch: does each still earn what it deserves?

Offers `try_attacks`. Those on the sandbox meet the jail alone, the others the whole grader with the
batch's own exam, on this machine; honest submissions stand among them. Read next: canaries.py, the
submissions that the crew grades first; staff/attacks/series.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TextIO

from staff import rubric
from staff.attacks.attack import Attack
from staff.attacks.runner import HONEST, Outcome
from staff.attacks.series import try_each
from staff.attacks.whole import TASKS
from staff.batch.progress import Progress
from staff.grading.exam import Exam, make_exam
from staff.sandbox import Jail

FAILED, CAME_THROUGH = "failed", "came through"
STANDARD = "spring2025"  # has the tasks that attacks are asked, where the batch's rubric has not


def try_attacks(
    attacks: Sequence[Attack], exam: Exam, jail: Jail, stream: TextIO
) -> Mapping[str, str]:
    """What is wrong with the outcome of each attack, "" where nothing is.

    Args:
        attacks: which.
        exam: the batch's.
        jail: where; never a plain process, since these attacks are real.
        stream: where progress goes.

    Raises:
        StaffError: an honest submission could not be graded.
    """
    progress = Progress(len(attacks), stream, what="attacks tried")

    def count(outcome: Outcome) -> None:
        if outcome.attack is not HONEST:
            progress.count(CAME_THROUGH if outcome.complaints else FAILED)

    found: dict[str, str] = {}
    for outcome in try_each(attacks, jail, lambda: part_of(exam, jail), on_done=count):
        said = [*filter(None, [found.get(outcome.attack.name)]), *outcome.complaints]
        found[outcome.attack.name] = "; ".join(said)
    return found


def part_of(exam: Exam, jail: Jail) -> Exam:
    """The part of an exam that attacks are asked.

    Raises:
        StaffError: the solved functions do not pass it.
    """
    if all(exam.rubric.tasks.get(task) for task in TASKS):
        return exam.only(TASKS)
    return make_exam(exam.seed, rubric.load(STANDARD), jail, tasks=TASKS)
