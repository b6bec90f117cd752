"""The parent's side of the workers, played against a jail that says what a test wants it to say."""

from __future__ import annotations

import numpy as np
import pytest

from staff.grading import session
from staff.grading.cases.case import Case
from staff.grading.exchange import Reader, pack
from staff.grading.graded import CRASHED, NOT_RUN, STUCK, UNWRITTEN
from staff.grading.session import ANSWERED, Listener, compute
from staff.sandbox import Ended, Limits, StaffError

READY = pack({"kind": "ready"})
MODULES = {"1.1 a": "hw5.losses", "1.1 b": "hw5.losses", "2.1 c": "hw5.latents"}


def case(key):
    task, name = key.split()
    return Case(task, name, "", dict, dict, MODULES[key])


CASES = [case(key) for key in MODULES]


def says(key, kind="answer", text="", **arrays):
    return pack({"case": key, "kind": kind, "text": text}, arrays)


def imports(key):
    return says(key, "importing") + says(key, "imported")


def all_well(keys):
    first = {module: key for key, module in reversed(MODULES.items()) if key in keys}
    return READY + b"".join(
        (imports(key) if first[MODULES[key]] == key else b"") + says(key, x=np.ones(2))
        for key in keys
    )


class ScriptedJail:
    """Each run answers with the next script: a function of the keys that are asked."""

    name = "scripted"

    def __init__(self, *scripts):
        self.scripts, self.asked, self.blocked = list(scripts), [], []

    def run(self, command, *, mounts, limits, stdin, env, on_reply):
        head, *frames = Reader().frames(stdin)
        keys = [frame.words["case"] for frame in frames]
        self.asked.append(keys)
        self.blocked.append(head.words["blocked"])
        reply, status = self.scripts.pop(0)(keys)
        on_reply(bytearray(reply))
        return Ended(status, 0, 1.0, 1.0, 100.0, reply, b"out", b"err", f"ended: {status}")


def run(*scripts, wall_s=60.0):
    jail = ScriptedJail(*scripts)
    found = compute(CASES, {key: {} for key in MODULES}, "kit", "tree", jail, Limits(wall_s=wall_s))
    return jail, {key: answer.state for key, answer in found.answers.items()}, found


def well(keys):
    return all_well(keys), "exit"


def test_one_worker_does_all_cases_where_nothing_goes_wrong():
    jail, states, found = run(well)
    assert set(states.values()) == {ANSWERED}
    assert len(jail.asked) == 1
    assert found.notes == ()


def test_a_case_that_ends_the_worker_costs_itself_and_the_next_worker_takes_up_behind_it():
    jail, states, found = run(lambda keys: (READY + imports("1.1 a"), "exit"), well)
    assert states == {"1.1 a": CRASHED, "1.1 b": ANSWERED, "2.1 c": ANSWERED}
    assert jail.asked[1] == ["1.1 b", "2.1 c"]
    assert "ended the process" in found.answers["1.1 a"].text


def test_what_an_earlier_file_left_behind_does_not_cost_a_later_one():
    """The first worker dies while it imports latents; the second does not."""

    def trapped(keys):
        said = imports("1.1 a") + says("1.1 a") + says("1.1 b") + says("2.1 c", "importing")
        return READY + said, "memory"

    jail, states, _ = run(trapped, well)
    assert set(states.values()) == {ANSWERED}
    assert jail.asked[1] == ["2.1 c"]
    assert jail.blocked == ["", ""]


def test_what_ends_a_worker_of_its_own_is_to_blame():
    def first(keys):
        return READY + imports("1.1 a") + says("1.1 a"), "signal"

    jail, states, _ = run(first, lambda keys: (READY + imports("1.1 b"), "signal"), well)
    assert states == {"1.1 a": ANSWERED, "1.1 b": CRASHED, "2.1 c": ANSWERED}
    assert jail.asked == [["1.1 a", "1.1 b", "2.1 c"], ["1.1 b", "2.1 c"], ["2.1 c"]]


@pytest.mark.parametrize("status", ["signal", "memory", "output"])
def test_a_worker_ended_by_a_limit_costs_the_case_it_was_at(status):
    _, states, found = run(lambda keys: (READY + imports("1.1 a"), status), well)
    assert states["1.1 a"] == CRASHED
    assert found.answers["1.1 a"].text == f"ended: {status}"


def test_a_module_whose_import_ends_the_worker_costs_its_cases_and_is_not_imported_again():
    jail, states, _ = run(lambda keys: (READY + says("1.1 a", "importing"), "exit"), well)
    assert states == {"1.1 a": CRASHED, "1.1 b": CRASHED, "2.1 c": ANSWERED}
    assert jail.blocked == ["", "hw5.losses"]
    assert jail.asked[1] == ["2.1 c"]


def test_a_case_that_does_not_end_is_ended_by_the_parents_clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(session.time, "monotonic", lambda: now[0])
    listener = Listener(CASES)
    stream = bytearray(READY + imports("1.1 a"))
    assert listener.hear(stream)
    now[0] += CASES[0].seconds - 0.1
    assert listener.hear(stream)
    now[0] += 0.2
    assert not listener.hear(stream)
    ended = Ended("stopped", -1, 1, 1, 1, bytes(stream), b"", b"", "stopped by the grader")
    (blamed,), answer = session.blame(listener, ended)
    assert (blamed.key, answer.state) == ("1.1 a", STUCK)


@pytest.mark.parametrize(
    "forged",
    [
        says("2.1 c", x=np.ones(1)),
        pack({"kind": "answer"}),
        READY,
        imports("1.1 a"),
        (2**60).to_bytes(8, "little"),
        (3).to_bytes(8, "little") + b"abc",
    ],
    ids=["another case", "no case", "ready again", "imported again", "endless", "garbage"],
)
def test_what_was_not_asked_ends_the_worker_and_costs_the_case_it_was_at(forged):
    def liar(keys):
        return READY + imports("1.1 a") + forged + all_well(keys)[len(READY) :], "stopped"

    _, states, found = run(liar, well)
    assert states == {"1.1 a": CRASHED, "1.1 b": ANSWERED, "2.1 c": ANSWERED}
    assert "could not be read" in found.answers["1.1 a"].text


def test_a_second_answer_to_a_case_does_not_become_the_next_ones():
    def eager(keys):
        return READY + imports("1.1 a") + 2 * says("1.1 a", x=np.ones(1)), "stopped"

    jail, states, _ = run(eager, well)
    assert set(states.values()) == {ANSWERED}
    assert jail.asked[1] == ["1.1 b", "2.1 c"]


def test_the_clock_of_a_submission_holds_for_all_its_workers(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(session.time, "monotonic", lambda: now[0])

    def slow(keys):
        now[0] += 40
        return READY + imports("1.1 a"), "timeout"

    _, states, found = run(slow, slow, lambda keys: (b"", "timeout"), wall_s=60.0)
    assert list(states.values()).count(NOT_RUN) == 1
    assert any("used up" in note for note in found.notes)


def test_a_worker_that_never_came_up_is_the_graders_own_failure():
    with pytest.raises(StaffError, match="err"):
        run(lambda keys: (b"", "exit"))


def test_a_stub_is_told_from_a_crash():
    def stub(keys):
        said = says("1.1 a", "unwritten", "task 1.1: masked_mean")
        rest = says("1.1 b", "error", "ValueError: x") + imports("2.1 c") + says("2.1 c")
        return READY + imports("1.1 a") + said + rest, "exit"

    _, states, _ = run(stub)
    assert states == {"1.1 a": UNWRITTEN, "1.1 b": CRASHED, "2.1 c": ANSWERED}
