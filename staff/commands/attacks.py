"""`python -m staff attacks`: hostile submissions; does each earn what it deserves, and no more?"""

from __future__ import annotations

import argparse
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from staff.grading.exam import Exam
    from staff.sandbox import Jail

HELP = "hostile submissions against sandbox and grader: does each fail as it must?"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which attacks, on what, and how many at a time."""
    parser.add_argument("names", nargs="*", metavar="ATTACK", help="all, if none is named")
    parser.add_argument(
        "--whole", action="store_true", help="all of them through the whole grader (minutes)"
    )
    parser.add_argument("--at-a-time", type=int, default=2, metavar="N")
    parser.add_argument("--backend", default="auto", help="bubblewrap or container")
    parser.add_argument("--list", action="store_true", help="what each tries and what must happen")


def run(options: argparse.Namespace) -> int:
    """Try attacks and print the table; status 1 if one achieved something."""
    from staff.attacks import attack, runner, series

    chosen = named(attack.load(), options.names)
    if options.list:
        for entry in chosen:
            print(f"{entry.kind:10}{entry.name:26}{entry.tries}\n{'':36}-> {entry.must}")
        return 0
    from staff.sandbox import open_jail

    jail = open_jail(options.backend)
    outcomes = series.try_each(
        chosen, jail, lambda: exam_in(jail), whole=options.whole, at_a_time=options.at_a_time
    )
    print(runner.table(outcomes))
    bad = sum(bool(outcome.complaints) for outcome in outcomes)
    verdict = f"{bad} achieved something" if bad else "none achieved anything"
    light = sum(not (options.whole or entry.needs) for entry in chosen)
    heavy = len(chosen) - light
    print(f"{jail.name}: {light} attacks on the sandbox, {heavy} on the whole grader: {verdict}")
    return int(bad > 0)


def exam_in(jail: Jail) -> Exam:
    """An exam for attacks, its answers computed in a jail of this kind."""
    from staff import rubric
    from staff.attacks import whole
    from staff.grading.grade import make_exam

    seed = secrets.randbelow(2**31)
    return make_exam(seed, rubric.load("spring2025"), jail, tasks=whole.TASKS)


def named(attacks: list, names: list[str]) -> list:
    """The attacks of some names, or all.

    Raises:
        ValueError: an unknown name.
    """
    known = {entry.name for entry in attacks}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"no attack is called {unknown[0]}: python -m staff attacks --list")
    return [entry for entry in attacks if not names or entry.name in names]
