"""Runs checks in a process of its own, and says line by line how they end.

Offers `outcomes`, which runs checks here and now, and `main` for runner.py, which starts
`python -m hw5.checking.worker` and reads the lines. A process of its own reads the files as they
are now, however long the notebook has been open, and can be ended when it does not end by itself.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict
from typing import TextIO

from hw5.checking.explain import explain
from hw5.checking.expect import Wrong
from hw5.checking.outcome import FAILED, PASSED, SKIPPED, UNWRITTEN, Outcome
from hw5.checking.suite import Check, all_checks, chosen_tasks, needs_of
from hw5.checking.tasks import Task, find_tasks, order

MAX_PRINTED = 2000  # characters of a student's own printing that are passed on


def run_check(check: Check, task: Task | None, seed: int) -> Outcome:
    """Run one check here, whatever its function does short of never ending."""
    facts = {"task": check.task, "name": check.name, "says": check.says, "points": check.points}
    if task is not None and task.unwritten:
        seen = f"not filled in yet: {task.file} line {task.unwritten}"
        return Outcome(**facts, state=UNWRITTEN, seen=seen)
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            check.run(seed)
    except Wrong as wrong:
        name, look = wrong.slip or ("", "")
        facts |= {"state": FAILED, "seen": wrong.seen, "slip": name, "look": look}
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: a student may have written exit()
        raised = explain(error)
        name, look = raised.slip or ("", "")
        facts |= {"state": FAILED, "seen": raised.seen, "slip": name, "look": look}
        if raised.unwritten:
            facts |= {"state": UNWRITTEN}
            facts |= {"blocked_by": raised.unwritten if raised.unwritten != check.task else ""}
    else:
        facts |= {"state": PASSED}
    return Outcome(**facts, printed=printed.getvalue()[:MAX_PRINTED])


def outcomes(
    checks: list[Check], seed: int, stuck: Collection[str] = ()
) -> Iterator[Check | Outcome]:
    """Run checks in order: each check as it begins, and its outcome as it ends.

    Args:
        checks: what to run.
        seed: of every draw.
        stuck: tasks that have a check without end; their other checks, and those of tasks that
            need them, are skipped.
    """
    tasks = find_tasks()
    for check in checks:
        blocked = sorted({check.task, *needs_of([check.task])} & {*stuck}, key=order)
        yield check
        if blocked and not (check.task in tasks and tasks[check.task].unwritten):
            facts = {k: v for k, v in asdict(check).items() if k != "run"}
            seen = f"not run: a check of task {blocked[0]} did not end"
            yield Outcome(**facts, state=SKIPPED, seen=seen, blocked_by=blocked[0])
        else:
            yield run_check(check, tasks.get(check.task), seed)


def main() -> None:
    """Do what the request in the first argument asks; write one line of JSON per event."""
    request = json.loads(sys.argv[1])
    with own_channel() as channel:

        def say(**event: object) -> None:
            channel.write(json.dumps(event) + "\n")
            channel.flush()

        serve(request, say)


def serve(request: dict, say: Callable[..., None]) -> None:
    """Plan, then run what is not done yet."""
    import torch

    from hw5.kit.checks import InputError

    torch.set_num_threads(request["threads"])
    checks = all_checks()
    try:
        wanted = chosen_tasks(request["names"], checks)
    except InputError as error:
        say(refused=str(error))
        return
    needs = needs_of(wanted)
    checks = [check for check in checks if check.task in needs]
    say(wanted=wanted, needs=needs, tasks={n: asdict(t) for n, t in find_tasks().items()})
    left = checks[request["done"] :]
    for event in outcomes(left, request["seed"], request["stuck"]):
        if isinstance(event, Check):
            say(begins={k: v for k, v in asdict(event).items() if k != "run"})
        else:
            say(ends=asdict(event))
    say(finished=True)


@contextlib.contextmanager
def own_channel() -> Iterator[TextIO]:
    """The standard output for our lines alone; what others write to it is dropped."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as channel:
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123: a device, not a path
            os.dup2(nowhere.fileno(), 1)
            yield channel


if __name__ == "__main__":
    main()
