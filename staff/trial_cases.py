"""Runs the grader's cases on changed copies of the package, in this process, many in little time.

Offers `try_cases`, `answers`, `shares_left`. For our own mutants, which need no jail: what a worker
would compute is computed here by the worker's own function, and judged as grade.py judges it. Read
next: commands/cases.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from staff.grading.cases import all_cases
from staff.grading.cases.case import Arrays, Case
from staff.grading.compare import Verdict, judge
from staff.grading.exam import curve_of, draw, tolerance_of
from staff.grading.worker import ANSWER, outcome
from staff.mutation import Mutant
from staff.rubric_shapes import Rubric
from staff.trial import changed_packages, clock

TIMEOUT = 10  # seconds for a changed solution on a case; right ones take some hundredths
PATIENCE = 300  # for a right one: two threads wait for each other on a machine with much to do


@dataclass(frozen=True)
class CaseTrial:
    """What the cases of its task said about a change."""

    mutant: Mutant
    failures: tuple[tuple[str, str], ...]  # (case, what was seen)
    share: float  # of the task's points that are left


def answers(cases: Iterable[Case], inputs: Mapping[str, Arrays]) -> dict[str, Arrays]:
    """What this process's hw5 answers.

    Raises:
        RuntimeError: it does not answer a case.
    """
    found = {}
    for case in cases:
        kind, text, arrays = outcome(case, inputs[case.key])
        if kind != ANSWER:
            raise RuntimeError(f"{case.key}: {text}")
        found[case.key] = arrays
    return found


def try_cases(mutants: Sequence[Mutant], rubric: Rubric, seed: int) -> Iterator[CaseTrial]:
    """Judge each changed solution by the cases of its task, in order."""
    cases = all_cases()
    inputs = {case.key: draw(case, seed) for case in cases}
    expected: dict[str, Arrays] = {}
    for mutant in changed_packages(mutants):
        if mutant is None:  # the solved package, before any change
            expected = answers(cases, inputs)
            continue
        own = [case for case in cases if case.task == mutant.task]
        verdicts = [
            (case, verdict_of(case, inputs[case.key], expected[case.key], rubric)) for case in own
        ]
        failures = tuple((case.name, v.seen) for case, v in verdicts if v.score < 1)
        earned = sum(case.weight * verdict.score for case, verdict in verdicts)
        yield CaseTrial(mutant, failures, earned / sum(case.weight for case in own))


def verdict_of(
    case: Case, x: Arrays, want: Arrays, rubric: Rubric, timeout: int = TIMEOUT
) -> Verdict:
    """Call a case here, on a clock, and judge what came."""
    try:
        with clock(timeout):
            kind, text, got = outcome(case, x)
    except TimeoutError as error:
        return Verdict(0.0, str(error))
    if kind != ANSWER:
        return Verdict(0.0, text)
    return judge(case, x, got, want, tolerance_of(case, rubric), curve_of(case, rubric))


def false_alarms(
    rubric: Rubric, seeds: Iterable[int], threads: Iterable[int]
) -> Iterator[tuple[str, int, int, str]]:
    """The solved functions against their own answers: case, seed, threads, what was seen."""
    import torch

    for seed in seeds:
        torch.set_num_threads(1)
        inputs = {case.key: draw(case, seed) for case in all_cases()}
        expected = answers(all_cases(), inputs)
        for number in threads:
            torch.set_num_threads(number)
            for case in all_cases():
                verdict = verdict_of(case, inputs[case.key], expected[case.key], rubric, PATIENCE)
                if verdict.score < 1:
                    yield case.key, seed, number, verdict.seen


def shares_left(seeds: Iterable[int], threads: Sequence[int]) -> dict[str, list[float]]:
    """Search -> what the solved functions leave, for each seed and number of threads."""
    import torch

    searches = [case for case in all_cases() if case.measure]
    found: dict[str, list[float]] = {case.key: [] for case in searches}
    for seed in seeds:
        inputs = {case.key: draw(case, seed) for case in searches}
        for number in threads:
            torch.set_num_threads(number)
            for case in searches:
                got = answers([case], inputs)[case.key]
                found[case.key].append(case.measure(inputs[case.key], got))
    return found
