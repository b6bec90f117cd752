"""A jail says how a run ended, and shows what it was told to show."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from jails import jail_or_skip

from staff.sandbox import Limits, Mount, StaffError, cgroups, environment, open_jail, watch

ROOT = Path(__file__).resolve().parents[2]
REPLY = "import os; reply = lambda b: os.write(int(os.environ['HW5_REPLY_FD']), b)\n"


@pytest.fixture(scope="module")
def jail():
    return jail_or_skip()


@pytest.fixture
def shown():
    """A folder that an ordinary user may read, once there."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def python(jail, code, *arguments, on_reply=None, stdin=b"", mounts=(), env=None, **limits):
    """Run Python code in a jail, without site-packages."""
    return jail.run(
        [sys.executable, "-I", "-S", "-c", REPLY + code, *map(str, arguments)],
        limits=Limits(**{"wall_s": 20} | limits),
        on_reply=on_reply,
        stdin=stdin,
        mounts=mounts,
        env=env,
    )


# ---------------------------------------------------------------- how a run ends


def test_reply_output_and_errors_come_back_apart(jail):
    ended = python(jail, "import sys; print('o'); print('e', file=sys.stderr); reply(b'r')")
    assert (ended.reply, ended.stdout, ended.stderr) == (b"r", b"o\n", b"e\n")
    assert (ended.status, ended.code) == ("exit", 0)


@pytest.mark.parametrize(
    ("code", "status", "number"),
    [
        ("import sys; sys.exit(3)", "exit", 3),
        ("import os; os.kill(os.getpid(), 11)", "signal", 11),
        ("import os; os.kill(os.getpid(), 9)", "signal", 9),
    ],
)
def test_its_own_end_is_told(jail, code, status, number):
    ended = python(jail, code)
    assert (ended.status, ended.code) == (status, number)


@pytest.mark.parametrize(
    ("code", "limits", "status", "says"),
    [
        ("import time; time.sleep(60)", {"wall_s": 0.3}, "timeout", "had not ended after 0.3 s"),
        ("while True: pass", {"cpu_s": 0.3}, "timeout", "0.3 s of processor time"),
        ("x = [bytearray(10**7) for _ in range(99)]", {"memory_mb": 99}, "memory", "99 MB"),
        ("while True: print('x' * 99)", {"output_kb": 8}, "output", "printed more than 8 kB"),
        ("while True: reply(b'x' * 99)", {"reply_mb": 0.01}, "output", "replied more than 10 kB"),
        ("while True: open(f'/tmp/{time()}', 'w')", {"file_count": 99}, "memory", "99 files"),
    ],
)
def test_a_limit_ends_it_and_says_which(jail, code, limits, status, says):
    ended = python(jail, "from time import time\n" + code, **limits)
    assert ended.status == status
    assert says in ended.message
    assert ended.code == -1


def test_caps_bound_what_is_kept(jail):
    ended = python(jail, "while True: print('x' * 9999)", output_kb=8)
    assert len(ended.stdout) == 8 * 1024


def test_the_grader_can_stop_it_when_it_has_heard_enough(jail):
    heard = []

    def until_two(reply):
        heard.append(bytes(reply))
        return len(reply) < 2

    ended = python(jail, "import time; reply(b'ab'); time.sleep(60)", on_reply=until_two)
    assert (ended.status, ended.reply) == ("stopped", b"ab")
    assert heard[-1] == b"ab"


def test_the_grader_is_asked_also_when_nothing_comes(jail):
    asked = []
    python(jail, "import time; time.sleep(0.5)", on_reply=lambda reply: asked.append(1))
    assert len(asked) >= 5


def test_nothing_is_left_when_the_grader_fails_meanwhile(jail):
    def fail(reply):
        if reply:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        python(jail, "import time; reply(b'x'); time.sleep(60)", on_reply=fail)
    assert children() == []


def test_much_input_is_read_while_much_is_replied(jail):
    data = os.urandom(3_000_000)
    ended = python(jail, "import sys; reply(sys.stdin.buffer.read())", stdin=data)
    # one write may take less than all of it; what came is the beginning
    assert len(ended.reply) > 0
    assert data.startswith(ended.reply)


def test_input_that_nobody_reads_holds_nothing_up(jail):
    began = time.monotonic()
    ended = python(jail, "pass", stdin=bytes(10_000_000))
    assert ended.status == "exit"
    assert time.monotonic() - began < 15


def test_a_child_does_not_outlive_the_command(jail):
    code = (
        "import time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(60)\n    reply(b'late')"
    )
    ended = python(jail, code)
    assert (ended.status, ended.reply) == ("exit", b"")
    assert ended.seconds < 15
    assert children() == []


def test_a_jail_ends_when_its_grader_is_killed(jail):
    mark = f"jail-of-{os.getpid()}-{time.monotonic_ns()}"
    code = (
        "import sys; from staff.sandbox import Jail, Limits, bubblewrap\n"
        "jail = Jail(bubblewrap.Bubblewrap.find())\n"
        "words = [sys.executable, '-I', '-S', '-c', 'import time; time.sleep(60)', sys.argv[1]]\n"
        "jail.run(words, limits=Limits(wall_s=90))"
    )
    grader = subprocess.Popen([sys.executable, "-c", code, mark], cwd=ROOT)
    wait_for(lambda: any(runs_inside(pid) for pid in marked(mark) if int(pid) != grader.pid))
    grader.kill()
    grader.wait()
    wait_for(lambda: not marked(mark))
    cgroups.sweep()  # as the next grader would


def test_a_jail_that_is_built_after_its_grader_was_killed_ends_by_its_own_clock(tmp_path):
    """Nothing ties it to anybody: it began to say "die with my parent" when there was none."""
    mark = f"orphan-of-{os.getpid()}-{time.monotonic_ns()}"
    slow = tmp_path / "slow"
    slow.write_text(f'#!/bin/sh\ntouch {tmp_path}/begun; sleep 1; exec "$@"\n')
    slow.chmod(0o755)
    code = (
        "import sys; from staff.sandbox import Jail, Limits, bubblewrap\n"
        "class Slow(bubblewrap.Bubblewrap):\n"
        "    def command(self, *a, **k): return [sys.argv[1], *super().command(*a, **k)]\n"
        "bubblewrap.GRACE_S = 0.5\n"
        "words = [sys.executable, '-I', '-S', '-c', 'import time; time.sleep(60)', sys.argv[2]]\n"
        "Jail(Slow.find()).run(words, limits=Limits(wall_s=1))"
    )
    grader = subprocess.Popen([sys.executable, "-c", code, slow, mark], cwd=ROOT)
    wait_for((tmp_path / "begun").exists)
    grader.kill()
    grader.wait()
    wait_for(lambda: any(map(runs_inside, marked(mark))))
    wait_for(lambda: not marked(mark), seconds=6)
    cgroups.sweep()


def runs_inside(pid):
    """Is it the jail's own command, rather than one of those that build the jail?"""
    return command_of(pid).startswith(sys.executable)


def marked(mark):
    """Processes with a word in their command line."""
    pids = [path.name for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [pid for pid in pids if mark in command_of(pid)]


def wait_for(condition, seconds=20):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_what_it_used_is_told(jail):
    ended = python(jail, "x = bytearray(80 * 2**20); import time\nt = time.process_time()\n"
                         "while time.process_time() - t < 0.4: pass")  # fmt: skip
    assert 80 < ended.peak_mb < 120
    assert 0.35 < ended.cpu_seconds < 5


def test_many_runs_side_by_side_do_not_mix(jail):
    found = {}

    def one(number):
        found[number] = python(jail, f"reply(b'{number}')").reply

    threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: str(number).encode() for number in range(6)}


def test_no_descriptor_is_lost_over_many_runs(jail):
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        python(jail, "pass")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def children():
    own = watch.descendants(os.getpid())
    return [pid for pid in own if pid != os.getpid() and "bwrap" in command_of(pid)]


def command_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


# ---------------------------------------------------------------- what is seen inside


def test_this_python_works_inside_with_its_packages(jail):
    code = "import numpy, sys; print(numpy.__version__, sys.prefix)"
    ended = jail.run([sys.executable, "-I", "-c", code])
    import numpy

    assert ended.stdout.decode().split() == [numpy.__version__, sys.prefix], ended.stderr


def test_the_solved_package_is_not_seen(jail):
    code = "import importlib.util as u, os; print(os.path.exists(r'%s'), u.find_spec('hw5'))"
    ended = jail.run([sys.executable, "-I", "-c", code % (ROOT / "hw5" / "losses.py")])
    assert ended.stdout.decode().split()[0] == "False", ended.stderr
    assert "None" in ended.stdout.decode() or "loader=None" in ended.stdout.decode()


def test_a_mount_is_seen_under_its_target_and_cannot_be_changed(jail, shown):
    (shown / "given.txt").write_text("given")
    code = "import sys; p = sys.argv[1]; print(open(p).read()); open(p, 'w')"
    ended = python(jail, code, "/given/given.txt", mounts=[Mount(shown, "/given")])
    assert ended.stdout == b"given\n"
    assert b"Read-only file system" in ended.stderr
    assert (shown / "given.txt").read_text() == "given"


def test_a_mount_below_a_folder_for_root_alone_is_seen(jail, shown):
    inner = shown / "private" / "inner"
    inner.mkdir(parents=True)
    (inner / "given.txt").write_text("given")
    inner.chmod(0o755)
    (shown / "private").chmod(0o700)
    ended = python(jail, "print(open('/given/given.txt').read())", mounts=[Mount(inner, "/given")])
    assert ended.stdout == b"given\n", ended.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="an owner may read what is private")
def test_a_source_that_is_private_is_refused_with_what_to_do(jail, shown):
    shown.chmod(0o700)
    with pytest.raises(StaffError, match="chmod o\\+rx"):
        python(jail, "pass", mounts=[Mount(shown, "/given")])


def test_it_runs_as_an_ordinary_user_of_the_host(jail):
    users, before = set(), set(watch.descendants(os.getpid()))

    def note(reply):
        pids = set(watch.descendants(os.getpid())) - before if reply else set()
        jailed = [pid for pid in pids if command_of(pid).startswith(sys.executable)]
        users.update(Path(f"/proc/{pid}").stat().st_uid for pid in jailed)

    python(jail, "import time; reply(b'x'); time.sleep(0.3)", on_reply=note)
    assert users
    assert 0 not in users


def test_its_environment_is_ours_alone(jail, monkeypatch):
    monkeypatch.setenv("GRADER_SECRET", "1")
    ended = python(jail, "import json; print(json.dumps(dict(os.environ)))", env={"GIVEN": "2"})
    seen = set(json.loads(ended.stdout)) - {"PWD", "LC_CTYPE"}
    assert seen == {*environment.ENVIRONMENT, "GIVEN", "HW5_REPLY_FD"}


def test_files_of_one_run_are_gone_in_the_next(jail):
    python(jail, "[open(os.path.join(folder, 'left'), 'w') for folder in ('.', '/tmp')]")
    looked = python(jail, "print(os.listdir(), 'left' in os.listdir('/tmp'))")
    assert looked.stdout == b"[] False\n"  # /tmp may hold a mount: where a checkout lies in it


def test_loopback_is_there_only_on_demand(jail):
    code = "import socket; socket.create_server(('127.0.0.1', 0)); print('made')"
    assert python(jail, code).stdout == b""
    assert python(jail, code, loopback=True).stdout == b"made\n"


# ---------------------------------------------------------------- without a jail


def test_plain_translates_paths_and_keeps_the_clock(shown):
    (shown / "given.py").write_text("import time; print('given', flush=True); time.sleep(60)")
    jail = open_jail("plain", unsafe=True)
    command = [sys.executable, "-I", "-S", "/jail/given.py"]
    ended = jail.run(command, mounts=[Mount(shown, "/jail")], limits=Limits(wall_s=2))
    assert (ended.status, ended.stdout) == ("timeout", b"given\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_plain_runs_as_an_ordinary_user_where_root_can_reach_that_far(shown):
    (shown / "inner").mkdir(mode=0o755)
    (shown / "inner" / "given.txt").write_text("given")
    shown.chmod(0o700)  # so it has to be brought to the user
    command = ["/bin/sh", "-c", 'id -u; cat "$1"', "sh", "/jail/given.txt"]
    ended = open_jail("plain", unsafe=True).run(command, mounts=[Mount(shown / "inner", "/jail")])
    user, given = ended.stdout.decode().split()
    assert (int(user) > 60000, given) == (True, "given"), ended.stderr


def test_plain_ends_although_a_child_holds_its_pipes():
    jail = open_jail("plain", unsafe=True)
    code = "import subprocess; subprocess.Popen(['sleep', '8'], start_new_session=True)"
    ended = jail.run([sys.executable, "-I", "-S", "-c", code])
    assert ended.status == "exit"
    assert ended.seconds < 7


def test_importing_the_sandbox_is_cheap():
    code = "import staff.sandbox, sys; print('torch' in sys.modules or 'numpy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "False", done.stderr
