"""The loop: hand submissions to a crew, keep each result the moment it is there.

Offers `plan`, `grade_all` and `Plan`. Only this process writes results, one file for each
submission, so nothing is graded twice and nothing half-written, whoever dies. Read next: crew.py
and store.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import dataclass, replace
from itertools import islice

from staff.batch.crew import Crew, failure
from staff.batch.store import Store
from staff.batch.submissions import Submission, digest
from staff.grading.graded import STAFF_FAILURE, Graded

ATTEMPTS = 2  # times that a submission is tried when the failure is ours


@dataclass(frozen=True)
class Plan:
    """What is still to be graded, and from what."""

    todo: tuple[Submission, ...]
    digests: Mapping[str, Mapping[str, str]]  # of each submission, done ones too

    @property
    def num_done(self) -> int:
        """Submissions whose results count as they are."""
        return len(self.digests) - len(self.todo)


def plan(submissions: Sequence[Submission], store: Store, common: Mapping[str, str]) -> Plan:
    """Which submissions have no result yet that was made from the same things.

    Args:
        submissions: all of them.
        store: the results that there are.
        common: digests of what all share: tests, rubric, environment, seed.
    """
    digests = {s.name: {**common, "submission": digest(s.path)} for s in submissions}
    todo = tuple(s for s in submissions if store.current(s.name, digests[s.name]) is None)
    return Plan(todo, digests)


def grade_all(
    planned: Plan,
    store: Store,
    crew: Crew,
    on_done: Callable[[Graded], None] | None = None,
    *,
    canaries: str = "",
) -> list[str]:
    """Grade what is to be done; the names of those at which we failed.

    A submission at which we failed is tried again when all others are done. `canaries` says which
    came before, in every result.
    """
    todo = planned.todo
    for attempt in range(ATTEMPTS):
        failed = []
        for submission, found in results(todo, crew):
            digests = dict(planned.digests[submission.name])
            graded = replace(found, digests=digests, canaries=canaries)
            store.write(graded)
            if graded.state == STAFF_FAILURE:
                failed.append(submission)
            if on_done and (graded.state != STAFF_FAILURE or attempt == ATTEMPTS - 1):
                on_done(graded)
        if not failed:
            break
        todo = tuple(failed)
    return [submission.name for submission in failed]


def results(submissions: Iterable[Submission], crew: Crew) -> Iterable[tuple[Submission, Graded]]:
    """Each submission with its result, as they come; few are on their way at any time."""
    waiting = iter(submissions)
    running: dict[Future[Graded], Submission] = {}
    while True:
        for submission in islice(waiting, max(0, crew.room() - len(running))):
            running[crew.submit(submission)] = submission
        if not running:
            return
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            submission = running.pop(future)
            yield submission, outcome(future, submission)


def outcome(future: Future[Graded], submission: Submission) -> Graded:
    """A future's result; if the worker under it is lost for good, our failure."""
    try:
        return future.result()
    except (Exception, CancelledError) as error:
        return failure(submission, error)
