"""Submissions whose marks are known, graded before every batch, which is refused if one is wrong.

Offers `Canary`, `canaries_of` and `try_canaries`. The solved functions must have all points and
stubs none; a function that raises, or never ends, must cost its task and what calls it, and nothing
else; attacks must earn what their honest part deserves. Read next: batch.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from staff.attacks.attack import INTERPOLATE, LOSSES, Attack, files_of, load
from staff.batch.crew import Crew
from staff.batch.run import results
from staff.batch.submissions import Submission
from staff.grading.exam import Exam
from staff.grading.graded import CRASHED, GRADED, STUCK, UNWRITTEN, Graded
from staff.grading.tree import package, solutions, write
from staff.mutation import Mutant, apply

RAISES = 'raise RuntimeError("a canary")'
NEVER_ENDS = "while True:\n    pass"
# Of staff/attacks, some that are over quickly and need nothing outside
ATTACKS = ("always_equal", "exit_at_import", "forged_frames")
SLACK = 1e-6  # of a share: rounding of points


@dataclass(frozen=True)
class Canary:
    """A submission, and what is wrong with a result of it: "" if nothing is."""

    name: str
    files: Mapping[str, bytes]
    complaint: Callable[[Graded], str]


def canaries_of(exam: Exam) -> list[Canary]:
    """The canaries for an exam."""
    root = Path(exam.root)
    solved, stubs = solutions(root), package(root)
    leaf = leaf_task(exam)
    return [
        Canary("solved", solved, lambda graded: lost_elsewhere(graded, ())),
        Canary(
            "empty",
            {name: stubs[name] for name in solved},
            lambda graded: not_nothing(graded, {task.task for task in graded.tasks}, UNWRITTEN),
        ),
        changed("crashing", solved, exam, leaf, RAISES, CRASHED),
        changed("slow", solved, exam, leaf, NEVER_ENDS, STUCK),
        *(attacking(attack, solved, stubs, exam) for attack in load() if attack.name in ATTACKS),
    ]


def changed(
    name: str, solved: Mapping[str, bytes], exam: Exam, task: str, body: str, state: str
) -> Canary:
    """The solved functions, one of them with another body."""
    mark = "# BEGIN SOLUTION task_" + task.replace(".", "_") + "\n"
    file = next(name for name, text in solved.items() if mark.encode() in text)
    text = apply(Mutant("", name, task, body), solved[file].decode())
    touched = {task, *callers(exam, task)}
    return Canary(
        name,
        {**solved, file: text.encode()},
        lambda graded: lost_elsewhere(graded, touched) or not_nothing(graded, {task}, state),
    )


def attacking(
    attack: Attack, solved: Mapping[str, bytes], stubs: Mapping[str, bytes], exam: Exam
) -> Canary:
    """A hostile submission; each of its two files must earn what its honest part deserves."""
    names = (LOSSES, INTERPOLATE)
    texts = ({name: given[name].decode() for name in names} for given in (solved, stubs))
    tasks = {name: tasks_of(exam, name) for name in names}
    return Canary(
        attack.name,
        {**solved, **files_of(attack, *texts, {})},
        lambda graded: undeserved(graded, attack, tasks),
    )


def tasks_of(exam: Exam, file: str) -> set[str]:
    """The exam's tasks whose functions stand in a file."""
    module = file.removesuffix(".py").replace("/", ".")
    return {case.task for case in exam.cases if case.module == module}


def undeserved(graded: Graded, attack: Attack, tasks: Mapping[str, set[str]]) -> str:
    """The first file with other points than it deserves."""
    if graded.state != GRADED or not graded.tasks:
        return f"{graded.state}: {graded.message or 'no task'}"
    for file, own in tasks.items():
        found = [task for task in graded.tasks if task.task in own]
        possible = sum(task.possible for task in found)
        share = sum(task.points for task in found) / possible if possible else None
        least, most = attack.share(file)
        if share is not None and not least - SLACK <= share <= most + SLACK:
            return f"{file} earned {share:.2f} of its points, deserves {least:g} to {most:g}"
    return ""


def leaf_task(exam: Exam) -> str:
    """The last task that no other calls, so that breaking it costs nothing else."""
    needed = {task for case in exam.cases for task in case.needs}
    tasks = [case.task for case in exam.cases]
    return next((task for task in reversed(tasks) if task not in needed), tasks[-1])


def callers(exam: Exam, task: str) -> set[str]:
    """Tasks whose cases call a task, directly or through others."""
    found, size = {task}, 0
    while size != len(found):
        size = len(found)
        found |= {case.task for case in exam.cases if found.intersection(case.needs)}
    return found - {task}


def lost_elsewhere(graded: Graded, touched: Sequence[str] | set[str]) -> str:
    """The first task beside those touched that has not all its points."""
    if graded.state != GRADED or not graded.tasks:
        return f"{graded.state}: {graded.message or 'no task'}"
    lost = (t for t in graded.tasks if t.task not in touched and t.points < t.possible)
    return next((f"task {t.task} has {t.points:g} of {t.possible:g} points" for t in lost), "")


def not_nothing(graded: Graded, tasks: set[str], state: str) -> str:
    """The first case of these tasks that is in another state, or has points."""
    if graded.state != GRADED:
        return f"{graded.state}: {graded.message}"
    cases = [case for task in graded.tasks if task.task in tasks for case in task.cases]
    wrong = (case for case in cases if case.state != state or case.score)
    first = next(wrong, None)
    if first is None:
        return "" if cases else f"no case of task {', '.join(sorted(tasks))} was run"
    return f"{first.task} {first.name} is {first.state!r} with score {first.score:g}, not {state!r}"


def try_canaries(canaries: Sequence[Canary], crew: Crew, folder: Path) -> dict[str, str]:
    """Grade each as any submission; name -> what is wrong with it.

    Args:
        canaries: which.
        crew: who will grade the batch.
        folder: where they are written for that; the workers of a cluster must see it.
    """
    by_name = {canary.name: canary for canary in canaries}
    for canary in canaries:
        write(folder / canary.name, canary.files)
    todo = [Submission(name, folder / name, values_only=True) for name in by_name]
    graded = {submission.name: found for submission, found in results(todo, crew)}
    return {name: by_name[name].complaint(graded[name]) for name in by_name}
