"""Tries attacks where each belongs: those on the jail by the small grader, the rest by the whole.

Offers `try_each`, for the command `attacks` and for the canaries before a batch. Read next:
runner.py; small.py and whole.py, the graders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from staff.attacks import small
from staff.attacks.attack import Attack
from staff.attacks.runner import AT_A_TIME, Outcome, try_all
from staff.grading.exam import Exam
from staff.sandbox import Jail


def try_each(
    attacks: Iterable[Attack],
    jail: Jail,
    exam: Callable[[], Exam],
    *,
    whole: bool = False,
    at_a_time: int = AT_A_TIME,
    on_done: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """What came of each attack, and of the honest neighbours among them.

    Args:
        attacks: what is tried.
        jail: where.
        exam: gives one on `whole.TASKS`; asked for if the whole grader is needed.
        whole: send those through the whole grader too that the jail alone would do for.
        at_a_time: how many are tried side by side.
        on_done: called with each outcome, from several threads.
    """
    chosen = list(attacks)
    light = [attack for attack in chosen if not (whole or attack.needs)]
    heavy = [attack for attack in chosen if attack not in light]
    how = {"at_a_time": at_a_time, "on_done": on_done}
    outcomes = []
    if light:
        outcomes += try_all(light, small.small_grader(jail), small.SOLVED, small.STUBS, **how)
    if heavy:
        from staff.attacks.whole import sources, whole_grader  # which need torch

        # One neighbour: each costs seconds here, and jails are known from the series before.
        outcomes += try_all(
            heavy, whole_grader(exam(), jail), *sources(), neighbours=1 if light else 3, **how
        )
    return outcomes
