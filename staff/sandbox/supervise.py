"""Runs a jailed command from outside: feeds it, listens, watches what it uses, and ends it.

Offers `Launch` (what a backend says about starting and ending) and `supervise`. One thread does it
all, in a loop that never waits longer than a tick, so nothing that the jailed side does can hold
it up: not an open pipe, not endless output, not silence. Read next: watch.py, jail.py.
"""

from __future__ import annotations

import contextlib
import math
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import IO

from staff.sandbox.shapes import (
    EXIT,
    MEMORY,
    OUTPUT,
    SIGNAL,
    STOPPED,
    TIMEOUT,
    Ended,
    Limits,
    OnReply,
    StaffError,
)
from staff.sandbox.watch import Tree

TICK = 0.03  # seconds between two looks; two cores can fill about 100 MB in one
PATIENCE = 10.0  # seconds for the kernel to clear away a jail that was killed
AGAIN = 0.25  # seconds until it is killed once more: a container may only just be coming up
LAST_WORDS = 0.5  # seconds for what lies in the pipes when the command has ended
CHUNK = 1 << 16


@dataclass(frozen=True)
class Launch:
    """How a backend starts one jail, and how it ends it."""

    words: Sequence[str]
    env: dict[str, str]
    reply: int | None = None  # read this descriptor for the reply; None: standard output is it
    first: Callable[[], int | None] | None = None  # asked for the first process inside
    watched: bool = True  # are the jail's processes this machine's, for us to see?
    pass_fds: tuple[int, ...] = ()  # the jail's ends; closed here once it runs
    writable: tuple[str, ...] = ()  # file systems in memory to count files in
    kill: Callable[[int], None] = field(default=lambda pid: _kill_group(pid))  # more than once
    was_memory: Callable[[], bool] = field(default=lambda: False)  # asked when it has ended
    cwd: str | None = None


class _Run:
    """One jail that runs, and what has been heard and seen of it."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        launch: Launch,
        limits: Limits,
        stdin: bytes,
        on_reply: OnReply | None,
    ) -> None:
        self.process, self.launch, self.limits = process, launch, limits
        self.stdin, self.on_reply = memoryview(stdin), on_reply
        self.heard = {name: bytearray() for name in ("reply", "stdout", "stderr")}
        self.caps = {
            "reply": int(limits.reply_mb * 1024) * 1024,
            "stdout": limits.output_kb * 1024,
            "stderr": limits.output_kb * 1024,
        }
        self.reason: tuple[str, str] | None = None  # status and message of ending it from here
        self.gone: tuple[int, float] | None = None  # exit code and processor time
        self.peak_mb = self.cpu_seconds = 0.0
        self.tree: Tree | None = None
        self.began = time.monotonic()
        self.deadline = math.inf  # for the kernel to be done with it
        self.next_kill = 0.0
        self.pipes = selectors.DefaultSelector()
        self.open_pipes()

    def open_pipes(self) -> None:
        """Register every pipe, none of which may block."""
        process, launch = self.process, self.launch
        names: dict[int | IO[bytes], str] = {process.stderr: "stderr"}
        names[process.stdout] = "stdout" if launch.reply is not None else "reply"
        if launch.reply is not None:
            names[launch.reply] = "reply"
        for pipe, name in names.items():
            self.pipes.register(pipe, selectors.EVENT_READ, name)
        os.set_blocking(process.stdin.fileno(), False)
        self.pipes.register(process.stdin, selectors.EVENT_WRITE, "stdin")

    def close(self) -> None:
        """End it if it lives (`on_reply` may have raised), and let go of its pipes."""
        if self.gone is None:
            self.launch.kill(self.process.pid)
            self.process.wait(PATIENCE)
        self.pipes.close()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()

    def to_its_end(self) -> Ended:
        """Serve it until it has ended and all that it wrote was heard."""
        next_look = 0.0
        while self.gone is None or (self.pipes.get_map() and time.monotonic() < self.deadline):
            for key, _ in self.pipes.select(TICK if self.pipes.get_map() else 0.001):
                self.feed() if key.data == "stdin" else self.hear(key)
            if self.gone is None:
                if self.reason is None and time.monotonic() >= next_look:
                    self.look()
                    next_look = time.monotonic() + TICK
                self.see_to_its_end()
        if self.reason is None and self.on_reply is not None:
            self.on_reply(self.heard["reply"])
        return self.ended(*self.gone)

    def see_to_its_end(self) -> None:
        """End it if there is a reason, and notice when it has ended."""
        now = time.monotonic()
        if self.reason is not None and now >= self.next_kill:
            self.launch.kill(self.process.pid)
            self.deadline = min(self.deadline, now + PATIENCE)
            self.next_kill = now + AGAIN
        if now > self.deadline:
            raise StaffError(f"a jail could not be ended within {PATIENCE:g} s of being killed")
        pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
        if pid != 0:
            self.process.returncode = os.waitstatus_to_exitcode(status)
            self.gone = self.process.returncode, usage.ru_utime + usage.ru_stime
            self.deadline = now + LAST_WORDS
            self.stdin = self.stdin[:0]  # nobody reads it any more
            self.feed()

    def feed(self) -> None:
        """Write what standard input takes; close it when nothing is left or nobody reads."""
        pipe = self.process.stdin
        if pipe.closed:
            return
        try:
            written = os.write(pipe.fileno(), self.stdin[:CHUNK]) if self.stdin.nbytes else 0
            self.stdin = self.stdin[written:]
        except BlockingIOError:
            return
        except OSError:
            self.stdin = self.stdin[:0]
        if not self.stdin.nbytes:
            self.pipes.unregister(pipe)
            pipe.close()

    def hear(self, key: selectors.SelectorKey) -> None:
        """Keep what came through a pipe, up to its cap."""
        data = os.read(key.fd, CHUNK)
        if not data:
            self.pipes.unregister(key.fileobj)
            return
        kept, cap = self.heard[key.data], self.caps[key.data]
        room = cap - len(kept)
        kept += data[:room]
        if len(data) > room:
            what = "replied" if key.data == "reply" else "printed"
            self.end(OUTPUT, f"{what} more than {cap // 1024:,} kB")

    def look(self) -> None:
        """Compare what the jail uses with its limits; sets `reason` when it is to end."""
        limits, seconds = self.limits, time.monotonic() - self.began
        self.tree = self.tree or self.first_process()
        if self.tree is not None:
            use = self.tree.use()
            memory = use.memory_mb
            if memory > limits.memory_mb:  # shared pages were counted often: look again, exactly
                memory = self.tree.memory_mb()
            self.peak_mb = max(self.peak_mb, memory)
            self.cpu_seconds = max(self.cpu_seconds, use.cpu_seconds)
            if memory > limits.memory_mb:
                self.end(MEMORY, f"used more than {limits.memory_mb} MB of memory")
            if use.files > limits.file_count:
                self.end(MEMORY, f"made more than {limits.file_count} files")
        if self.cpu_seconds > limits.cpu_s:
            self.end(TIMEOUT, f"used more than {limits.cpu_s:g} s of processor time")
        if seconds > limits.wall_s:
            self.end(TIMEOUT, f"had not ended after {limits.wall_s:g} s")
        if self.reason is None and self.on_reply and self.on_reply(self.heard["reply"]) is False:
            self.end(STOPPED, "stopped by the grader")

    def end(self, status: str, message: str) -> None:
        """Note why it is to end; the first reason stays."""
        self.reason = self.reason or (status, message)

    def first_process(self) -> Tree | None:
        """The first process inside; not the program that makes the jail and lives outside."""
        launch = self.launch
        if not launch.watched:
            return None
        pid = launch.first() if launch.first is not None else self.process.pid
        capacity = self.limits.files_mb * 1024 * 1024
        return None if pid is None else Tree(pid, launch.writable, capacity)

    def ended(self, code: int, cpu_seconds: float) -> Ended:
        """The answer, once everything has been heard."""
        seconds = time.monotonic() - self.began
        if self.reason is None and self.launch.was_memory():
            self.end(MEMORY, f"used more than {self.limits.memory_mb} MB of memory")
        if self.reason is not None:
            (status, message), code = self.reason, -1
        elif code < 0 or code > 128:  # bwrap reports signal n as 128 + n
            code = -code if code < 0 else code - 128
            status, message = SIGNAL, f"ended by {_signal_name(code)}"
        else:
            status, message = EXIT, f"exit status {code}"
        reply, stdout, stderr = (bytes(self.heard[n]) for n in ("reply", "stdout", "stderr"))
        cpu_seconds = max(cpu_seconds, self.cpu_seconds)
        return Ended(
            status, code, seconds, cpu_seconds, self.peak_mb, reply, stdout, stderr, message
        )


def supervise(
    launch: Launch, limits: Limits, *, stdin: bytes = b"", on_reply: OnReply | None = None
) -> Ended:
    """Start a jail and stay with it to its end; nothing jailed outlives this call.

    Raises:
        StaffError: it could not be started, or its processes outlive being killed.
    """
    try:
        process = subprocess.Popen(
            list(launch.words), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=launch.env, pass_fds=launch.pass_fds, cwd=launch.cwd,
            start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise StaffError(f"the jail could not be started: {error}") from error
    finally:
        for descriptor in launch.pass_fds:
            os.close(descriptor)
    run = _Run(process, launch, limits, stdin, on_reply)
    try:
        return run.to_its_end()
    finally:
        run.close()


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
