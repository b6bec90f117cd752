"""The door of the sandbox: open a jail once, run commands in it, each in a fresh one.

Offers `open_jail` and `Jail`.

    jail = open_jail()                      # tried for real before it is trusted
    ended = jail.run([sys.executable, "-I", "-c", "print(1)"], limits=Limits(wall_s=5))

A jail that cannot keep what it promises is not opened: StaffError, and nothing is graded. Read
next: probe.py (what is promised and how it is tried), bubblewrap.py (how it is kept).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from staff.sandbox.bubblewrap import Bubblewrap
from staff.sandbox.container import Container
from staff.sandbox.environment import python_mounts
from staff.sandbox.plain import Plain
from staff.sandbox.probe import promises_broken
from staff.sandbox.shapes import Ended, Limits, Mount, OnReply, StaffError
from staff.sandbox.supervise import Launch, supervise

BACKENDS = ("bubblewrap", "container")


class Backend(Protocol):
    """A way of jailing."""

    name: str

    def starting(
        self,
        words: Sequence[str],
        mounts: Sequence[Mount],
        limits: Limits,
        env: Mapping[str, str],
    ) -> AbstractContextManager[Launch]:
        """What it takes to start one jail."""


class Jail:
    """A tried backend; every run is a jail of its own, and threads may run many at a time."""

    def __init__(self, backend: Backend) -> None:
        """Use a backend untried; `open_jail` tries it first.

        Raises:
            StaffError: the environment holds a solved copy of the package.
        """
        self.backend = backend
        self.python = tuple(python_mounts())

    @property
    def name(self) -> str:
        """What every result names: "bubblewrap", "container" or "plain (unsafe)"."""
        return self.backend.name

    def run(
        self,
        command: Sequence[str],
        *,
        mounts: Iterable[Mount] = (),
        limits: Limits | None = None,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        on_reply: OnReply | None = None,
    ) -> Ended:
        """Run a command in a fresh jail to its end, or to the first limit that it meets.

        This Python is always there, at its own path. The command finds in HW5_REPLY_FD the number
        of a descriptor to write its answer to.

        Args:
            command: a program and its arguments, as seen inside.
            mounts: what it sees beside the system and this Python.
            limits: what it may use; `Limits()` by default.
            stdin: what it reads, written while it runs.
            env: added to `environment.ENVIRONMENT`; the parent's own environment stays outside.
            on_reply: called at each look with all of the reply so far, also when nothing is new;
                False ends the run.

        Raises:
            StaffError: the jail could not be started or ended.
        """
        limits = limits or Limits()
        seen = {mount.target: mount for mount in [*self.python, *mounts]}
        with self.backend.starting(command, [*seen.values()], limits, env or {}) as launch:
            return supervise(launch, limits, stdin=stdin, on_reply=on_reply)


def open_jail(backend: str = "auto", *, unsafe: bool = False) -> Jail:
    """A jail that has just kept all its promises.

    Args:
        backend: "bubblewrap", "container", "auto" (the first of them that works), or "plain".
        unsafe: required for "plain", which protects from accidents alone.

    Raises:
        StaffError: unknown backend, none works, or "plain" without `unsafe`.
    """
    if backend == "plain":
        if not unsafe:
            raise StaffError(
                "a plain process keeps no student's code from anything. Hint: install bubblewrap;"
                " on your own machine, with code that you trust, say unsafe"
            )
        return Jail(Plain())
    if backend not in (*BACKENDS, "auto"):
        raise StaffError(f"expected one of {', '.join(BACKENDS)}, auto, plain; got {backend!r}")
    reasons = []
    for name in BACKENDS if backend == "auto" else [backend]:
        try:
            return _tried(Bubblewrap.find() if name == "bubblewrap" else Container.find())
        except StaffError as error:
            reasons.append(f"{name}: {error}")
    raise StaffError(f"no jail that keeps its promises; {'; '.join(reasons)}")


def _tried(backend: Backend) -> Jail:
    jail = Jail(backend)
    broken = promises_broken(jail)
    if broken:
        raise StaffError(f"tried and not trusted: {'; '.join(broken)}")
    return jail
