"""The parent's side of the workers: starts them, listens, keeps the clock, goes on behind a crash.

Offers `compute`, which gets an `Answer` to every case whatever the submission does. One worker does
all cases in sequence where nothing goes wrong. If it ends, hangs or says something unreadable, the
next one takes up at the same case, since another file may have laid the trap. If that one does so
too, it costs the case, or, while a module is imported, that module. Read next: grade.py.
"""

from __future__ import annotations

import sys
import sysconfig
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from staff.grading.cases.case import Arrays, Case
from staff.grading.exchange import MAX_TEXT, FrameError, Reader, pack
from staff.grading.graded import CRASHED, NOT_RUN, STUCK, UNWRITTEN
from staff.grading.worker import ANSWER, IMPORTED, IMPORTING, READY
from staff.grading.worker import UNWRITTEN as SAYS_UNWRITTEN
from staff.sandbox import Ended, Jail, Limits, Mount, StaffError
from staff.sandbox.shapes import EXIT, TIMEOUT

ANSWERED = "answered"
KIT, TREE = "/grading/kit", "/grading/tree"  # where the jail sees them
READY_S = 120.0  # seconds for torch and the cases, before any of the student's files is touched
IMPORT_S = 15.0  # for importing one of the student's modules
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
MAX_PRINTED = 4000  # characters of a student's own printing that are kept


@dataclass(frozen=True)
class Answer:
    """What came of one case; its arrays are numbers, and nothing else is known of them."""

    state: str  # ANSWERED, or a state of graded.py
    text: str = ""
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True)
class Computed:
    """Answers by case, and what happened on the way."""

    answers: Mapping[str, Answer]
    notes: tuple[str, ...]
    printed: str


class Listener:
    """Follows one worker: which case it is at, what it answered, whether it takes too long."""

    def __init__(self, cases: Sequence[Case]) -> None:
        """Before the first reply."""
        self.cases, self.answers = cases, dict[str, Answer]()
        self.is_ready, self.importing, self.trouble, self.is_late = False, "", "", False
        self._reader, self._since = Reader(), time.monotonic()
        self._announced: set[str] = set()  # modules whose import it has begun

    @property
    def case(self) -> Case | None:
        """The one it is at."""
        return self.cases[len(self.answers)] if len(self.answers) < len(self.cases) else None

    @property
    def allowed(self) -> float:
        """Seconds for what it does now."""
        if not self.is_ready:
            return READY_S
        return IMPORT_S if self.importing or self.case is None else self.case.seconds

    def hear(self, stream: bytearray) -> bool:
        """Take in what has come so far; False when this worker is to be ended."""
        if self.trouble:
            return False
        try:
            for frame in self._reader.frames(stream):
                self._take(frame.words, frame.arrays)
        except FrameError as error:
            self.trouble = f"its reply could not be read: {error}"
        self.is_late = time.monotonic() - self._since > self.allowed
        return not (self.trouble or self.is_late or self.case is None)

    def _take(self, words: Mapping[str, str], arrays: Arrays) -> None:
        """One frame; anything but the next step of the conversation is refused."""
        now, kind = time.monotonic(), words.get("kind")
        seconds, self._since = now - self._since, now
        if kind == READY and not self.is_ready:
            self.is_ready = True
            return
        if not self.is_ready or self.case is None or words.get("case") != self.case.key:
            raise FrameError("it answered something that was not asked")
        if kind in (IMPORTING, IMPORTED):
            self._import(kind)
            return
        state = {ANSWER: ANSWERED, SAYS_UNWRITTEN: UNWRITTEN}.get(kind, CRASHED)
        text = words.get("text", "")[:MAX_TEXT]
        self.answers[self.case.key] = Answer(state, text, arrays, seconds)

    def _import(self, kind: str) -> None:
        """A module's import begins or has ended; once each, or it would keep the clock back."""
        module = self.case.module
        begins = kind == IMPORTING
        if begins == bool(self.importing) or (begins and module in self._announced):
            raise FrameError("it imports a module twice")
        self._announced.add(module)
        self.importing = module if begins else ""


def compute(
    cases: Sequence[Case],
    inputs: Mapping[str, Arrays],
    kit: Path,
    tree: Path,
    jail: Jail,
    limits: Limits,
) -> Computed:
    """Every case's answer from the package below `tree`.

    Args:
        cases: in the order they are asked.
        inputs: by the case's key.
        kit: what `tree.write_kit` wrote.
        tree: a folder with hw5, in it the student's files.
        jail: where the workers run.
        limits: of one worker; `wall_s` holds for all of them together.

    Raises:
        StaffError: the worker did not come up, before any of the student's files was touched.
    """
    began, left, blocked = time.monotonic(), list(cases), list[str]()
    answers: dict[str, Answer] = {}
    notes, printed = [], ""
    while left:
        wall = max(0.0, limits.wall_s - (time.monotonic() - began))
        listener = Listener(left)
        ended = jail.run(
            command(),
            mounts=[Mount(kit, KIT), Mount(tree, TREE)],
            limits=replace(limits, wall_s=wall),
            stdin=requests(left, inputs, blocked),
            env=ENVIRONMENT,
            on_reply=listener.hear,
        )
        listener.hear(bytearray(ended.reply))
        answers |= listener.answers
        printed += (ended.stdout + ended.stderr).decode("utf-8", errors="replace")
        left = left[len(listener.answers) :]
        if left and answers and not listener.is_ready and ended.status == TIMEOUT:
            notes.append(f"not all was run: {limits.wall_s:g} s were used up")
            answers |= {case.key: Answer(NOT_RUN, "no time was left for it") for case in left}
            left = []
        elif left and listener.answers:
            # What ended it may have been left behind by an earlier file: a thread, a child, an
            # alarm. The next worker asks this case first, and has seen no file but what it needs.
            notes.append(f"{left[0].key}: {ended.message}; asked again in a worker of its own")
        elif left:
            blamed, answer = blame(listener, ended)
            notes.append(f"{listener.importing or left[0].key}: {answer.text}")
            if listener.importing:
                blocked.append(listener.importing)
            answers |= {case.key: answer for case in blamed}
            left = [case for case in left if case.key not in answers]
    return Computed(answers, tuple(notes), printed[-MAX_PRINTED:])


def blame(listener: Listener, ended: Ended) -> tuple[list[Case], Answer]:
    """The cases that a worker's end costs, and what their answer is.

    Raises:
        StaffError: it ended before any of the student's files was touched.
    """
    if not listener.is_ready:
        words = ended.stderr.decode("utf-8", errors="replace").strip().splitlines()
        raise StaffError(f"the worker did not start: {ended.message}: {(words or [''])[-1]}")
    late = f"it had not ended after {listener.allowed:g} s"
    done = "it ended the process" if ended.status == EXIT else ended.message
    what = listener.trouble or (late if listener.is_late else done)
    state = STUCK if listener.is_late or ended.status == TIMEOUT else CRASHED
    if not listener.importing:
        return [listener.case], Answer(state, what)
    rest = listener.cases[len(listener.answers) :]
    cases = [case for case in rest if case.module == listener.importing]
    return cases, Answer(state, f"importing {listener.importing}: {what}")


def requests(cases: Sequence[Case], inputs: Mapping[str, Arrays], blocked: Sequence[str]) -> bytes:
    """What the worker reads: modules that are not imported again, and a frame for each case."""
    head = pack({"blocked": " ".join(blocked)})
    return head + b"".join(pack({"case": case.key}, inputs[case.key]) for case in cases)


def libraries() -> list[str]:
    """Where torch and numpy are: folders of this process's own installation."""
    paths = sysconfig.get_paths()
    return list(dict.fromkeys((paths["purelib"], paths["platlib"])))


def command() -> list[str]:
    """The worker's command line: isolated, without site, without writing bytecode."""
    worker = f"{KIT}/staff/grading/worker.py"
    return [sys.executable, "-I", "-S", "-B", worker, KIT, TREE, *libraries()]
