"""A batch from end to end: canaries, submissions, results, and what goes out.

Offers `Settings`, `run_batch` and `Finished`. The same call goes on where a killed one stopped.
The folder of results: batch.json (the secret seed), results/ (one file a submission, the only thing
that cannot be made anew), gradebook.csv, feedback/, gradescope/. Read next: run.py.
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from hw5.kit.checks import InputError
from hw5.kit.files import read_bytes
from staff.batch import crew, roster, run
from staff.batch.canaries import try_canaries
from staff.batch.desk import Desk, open_desk
from staff.batch.gradebook import Joined
from staff.batch.outputs import PICTURES, write_outputs
from staff.batch.progress import Progress
from staff.batch.store import Store, write_durably
from staff.batch.submissions import NAMES, Submission, find
from staff.grading.graded import Graded
from staff.rubric import Rubric, load

RECORD, RESULTS = "batch.json", "results"
ALL, FEW = "all", "few"  # canaries
PLAIN = "plain"  # of the sandbox's backends the one that is none
SEED_BITS = 48  # so that JSON readers of any language keep it whole


class CanariesFailed(Exception):
    """The grader gives wrong marks to submissions whose marks are known; nothing was graded."""


@dataclass(frozen=True)
class Settings:
    """What `grade` is told; the defaults are the command's."""

    submissions: Path
    out: Path
    rubric: str = "spring2025"  # a name out of staff/rubrics, or a TOML file
    roster: Path | None = None
    marks: Path | None = None
    names: str = NAMES  # how ids are read off the names of entries
    only: tuple[str, ...] = ()  # ids; the others are left as they are
    seed: int | None = None  # None: drawn for the first run and kept
    workers: int = os.cpu_count() or 1  # threads, or processes of a local cluster
    scheduler: str = ""  # address of a Dask scheduler
    cluster: bool = False  # Dask workers on this machine
    backend: str = "auto"  # of the sandbox
    unsafe: bool = False
    notebooks: bool = False  # run the rubric's notebooks with each submission too
    canaries: str = ALL  # or FEW: no attacks but three; named in every result

    @property
    def tried_before(self) -> str:
        """Which canaries: without a jail, attacks would come through."""
        return FEW if self.backend == PLAIN else self.canaries


@dataclass(frozen=True)
class Finished:
    """What a batch came to."""

    graded: tuple[Graded, ...]  # all that are handed in and have a result
    num_new: int  # graded by this run
    failures: tuple[str, ...]  # ids at which we failed
    who: Joined


def run_batch(
    settings: Settings,
    stream: TextIO,
    desk_for: Callable[[Settings, Rubric, int], Desk] | None = None,
) -> Finished:
    """Grade what has no result yet, then write everything that goes out.

    Args:
        settings: what and how.
        stream: where progress goes.
        desk_for: what grades; the sandbox if None.

    Raises:
        InputError, StaffError: bad input, or no jail that keeps its promises.
        CanariesFailed: the grader is not to be trusted.
    """
    rubric = load(settings.rubric)
    most = {column.name: column.points for column in rubric.manual}
    people = roster.read(settings.roster, settings.marks, most)
    handed_in = find(settings.submissions, settings.names)
    submissions = chosen(handed_in, settings.only)
    store = Store(settings.out / RESULTS)
    lock = store.lock()
    try:
        store.sweep()
        seed = kept_seed(settings.out, settings.seed, settings.rubric)
        desk = (desk_for or sandbox_desk)(settings, rubric, seed)
        planned = run.plan(submissions, store, desk.common)
        print(f"{len(planned.todo)} to grade, {planned.num_done} are graded", file=stream)
        failures = grade_planned(planned, store, desk, settings, stream) if planned.todo else []
        graded = {s.name: found for s in handed_in if (found := store.read(s.name)) is not None}
        who = write_outputs(settings.out, graded, rubric, people)
    finally:
        lock.release()
    return Finished(tuple(graded.values()), len(planned.todo), tuple(failures), who)


def grade_planned(
    planned: run.Plan, store: Store, desk: Desk, settings: Settings, stream: TextIO
) -> list[str]:
    """Canaries, then the submissions; the ids at which we failed."""
    opened, tried = desk.open(), settings.tried_before
    with crew_for(settings, opened.grader) as hands:
        with tempfile.TemporaryDirectory(prefix="canaries-", dir=settings.out) as folder:
            found = try_canaries(opened.canaries, hands, Path(folder))
        require_right(found)
        print(f"canaries as expected: {', '.join(found)}", file=stream)
        if tried == ALL:
            require_right(opened.attack(stream))
        else:
            print("few canaries: most attacks were not tried, and results say so", file=stream)
        print(f"graded by {hands.name}", file=stream)
        progress = Progress(len(planned.todo), stream)
        return run.grade_all(planned, store, hands, progress, canaries=tried)


def require_right(found: Mapping[str, str]) -> None:
    """Require that there is no complaint.

    Raises:
        CanariesFailed: there is; with all names and what is wrong with each.
    """
    wrong = [f"{name}: {complaint}" for name, complaint in found.items() if complaint]
    if wrong:
        raise CanariesFailed("; ".join(wrong))


@contextmanager
def crew_for(settings: Settings, grader: crew.Grader) -> Iterator[crew.Crew]:
    """Threads, a cluster's workers, or workers started here."""
    if settings.scheduler:
        chosen_crew = crew.cluster(grader, settings.scheduler)
    elif settings.cluster:
        chosen_crew = crew.local_cluster(grader, settings.workers)
    else:
        chosen_crew = crew.threads(grader, settings.workers)
    with chosen_crew as hands:
        yield hands


def sandbox_desk(settings: Settings, rubric: Rubric, seed: int) -> Desk:
    """The desk with jails."""
    pictures = (settings.out / PICTURES).resolve() if settings.notebooks else None
    return open_desk(
        rubric, seed, backend=settings.backend, unsafe=settings.unsafe, pictures=pictures
    )


def chosen(submissions: Sequence[Submission], only: Sequence[str]) -> list[Submission]:
    """The submissions that are named; all if none is.

    Raises:
        InputError: a name that nobody has.
    """
    known = {submission.name: submission for submission in submissions}
    for name in only:
        if name not in known:
            raise InputError.about("--only", expected="an id that handed in", got=name)
    return [known[name] for name in only] if only else list(submissions)


def kept_seed(out: Path, wanted: int | None, rubric: str) -> int:
    """The seed of this folder: kept from its first run, else the wanted one, else drawn.

    Raises:
        InputError: another one is kept, or the record cannot be read.
    """
    path = out / RECORD
    if not path.exists():
        seed = secrets.randbits(SEED_BITS) if wanted is None else wanted
    elif wanted not in (None, seed := read_record(out)["seed"]):
        hint = "grade into another folder, and compare the two with `regrade`"
        raise InputError.about("--seed", expected="this folder's", got="another", hint=hint)
    write_durably(path, json.dumps({"seed": seed, "rubric": rubric}) + "\n")
    path.chmod(0o600)  # whoever knows the seed knows the inputs
    return seed


def read_record(out: Path) -> dict[str, Any]:
    """What a folder of results says of itself: seed and rubric.

    Raises:
        InputError: it is no such folder.
    """
    text = read_bytes(out / RECORD, expected="a batch's record")
    try:
        found = json.loads(text)
        return {"seed": int(found["seed"]), "rubric": str(found["rubric"])}
    except (ValueError, KeyError, TypeError) as error:
        got = "other text"
        raise InputError.about(str(out / RECORD), expected="a batch's record", got=got) from error
