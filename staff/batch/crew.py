"""Who grades: threads of this process, or the workers of a Dask cluster, behind one door.

Offers `Crew`, `threads`, `cluster` and `local_cluster`. A crew takes submissions and gives futures,
as any executor of `concurrent.futures` does; the loop in run.py cannot tell which crew it has.

Each thread or worker supervises jails and never runs a student's code itself. Dask's own messages
are pickles between our machines: its ports belong on a closed network or behind TLS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hw5.kit.checks import InputError
from staff.batch.submissions import Submission
from staff.grading.graded import STAFF_FAILURE, Graded

if TYPE_CHECKING:
    from distributed import Client

Grader = Callable[[Submission], Graded]
PER_WORKER = 2  # submissions on their way to each worker: one in hand, one waiting
PLUGIN = "hw5-grader"
CONNECT_S = 10  # until a scheduler counts as absent


@dataclass(frozen=True)
class Crew:
    """Takes submissions, gives futures of results."""

    submit: Callable[[Submission], Future[Graded]]
    room: Callable[[], int]  # submissions that may be on their way now
    name: str


def safely(grader: Grader, submission: Submission) -> Graded:
    """The grader's result; whatever it raises is our failure and not the student's."""
    try:
        return grader(submission)
    except Exception as error:
        return failure(submission, error)


def failure(submission: Submission, error: BaseException) -> Graded:
    """The result that says that we failed."""
    words = f"{type(error).__name__}: {error}"[:500]
    return Graded(submission.name, STAFF_FAILURE, message=words)


@contextmanager
def threads(grader: Grader, workers: int) -> Iterator[Crew]:
    """A crew of threads; leaving the block waits for those at work and drops the rest."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="grader")
    try:
        yield Crew(
            submit=lambda submission: pool.submit(safely, grader, submission),
            room=lambda: PER_WORKER * workers,
            name=f"{workers} thread{'s' * (workers > 1)}",
        )
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def cluster(grader: Grader, address: str) -> Iterator[Crew]:
    """A crew of the workers of the Dask scheduler at `address`.

    The workers need this checkout, its environment and the submissions at the same paths. The
    grader travels once to each worker, also to those that join late. A worker that dies has its
    submissions done by others; one that takes four workers with it comes back as our failure.

    Raises:
        InputError: Dask is not installed, no scheduler answers, or its workers cannot do it.
    """
    with connected(address) as client:
        yield from crew_of(client, grader)


@contextmanager
def local_cluster(grader: Grader, workers: int) -> Iterator[Crew]:
    """A crew of Dask workers started on this machine, one process each.

    Raises:
        InputError: Dask is not installed.
    """
    distributed = imported()
    with (
        distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=None, memory_limit=0
        ) as started,
        distributed.Client(started) as client,
    ):
        yield from crew_of(client, grader)


def crew_of(client: Client, grader: Grader) -> Iterator[Crew]:
    """A crew around a connected client."""
    equip(client, grader)
    # pure: the same submission twice must be graded twice. retries: an exception is an answer.
    pool = client.get_executor(pure=False, retries=0)
    yield Crew(
        submit=lambda submission: pool.submit(at_desk, submission),
        room=lambda: PER_WORKER * max(1, sum(client.nthreads().values())),
        name=f"Dask at {client.scheduler.address}",
    )


def equip(client: Client, grader: Grader) -> None:
    """Give each worker its grader, those that join late as well.

    Raises:
        InputError: no worker comes, or scheduler or worker cannot read what they are given.
    """
    hint = "start both in this checkout: python -m dask scheduler; python -m dask worker ADDRESS"
    try:
        client.wait_for_workers(1, timeout=CONNECT_S)
    except TimeoutError as error:
        got = f"none at {client.scheduler.address} within {CONNECT_S} s"
        raise InputError.about("workers", expected="at least one", got=got, hint=hint) from error
    try:
        client.register_plugin(desk(grader), name=PLUGIN)
        client.submit(is_equipped, pure=False).result(CONNECT_S)
    except Exception as error:  # Dask sends what went wrong elsewhere as words
        expected = "this checkout and its environment for scheduler and workers"
        got = " ".join(str(error).split())[:160]
        raise InputError.about("--scheduler", expected=expected, got=got, hint=hint) from error


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """A client of a scheduler."""
    distributed = imported()
    try:
        client = distributed.Client(address, timeout=CONNECT_S)
    except (OSError, ValueError) as error:
        hint = "start one with `python -m dask scheduler`"
        raise InputError.about(
            "--scheduler", expected="a running Dask scheduler", got=f"none at {address}", hint=hint
        ) from error
    with client:
        yield client


def imported() -> object:
    """The module `distributed`.

    Raises:
        InputError: it is not installed.
    """
    try:
        import distributed
    except ImportError as error:
        hint = 'pip install -e ".[cluster]"'
        raise InputError.about(
            "cluster", expected="Dask", got="none installed", hint=hint
        ) from error
    return distributed


def desk(grader: Grader) -> object:
    """The plugin that gives each worker its grader."""
    from distributed import WorkerPlugin

    class Desk(WorkerPlugin):
        """Holds the grader on a worker."""

        def __init__(self) -> None:
            self.grader = grader

    return Desk()


def is_equipped() -> bool:
    """Whether the worker that is asked has its grader."""
    from distributed import get_worker

    return PLUGIN in get_worker().plugins


def at_desk(submission: Submission) -> Graded:
    """Grade on a worker, with the grader that its plugin holds."""
    from distributed import get_worker

    return safely(get_worker().plugins[PLUGIN].grader, submission)
