"""The filter of system calls, by a small interpreter of its instructions."""

from __future__ import annotations

import json
import struct

import pytest

from staff.sandbox import syscalls


def verdict(program, number, first=0, machine=0xC000003E):
    """What the kernel would answer: a small interpreter of the five instructions used."""
    data = struct.pack("=IIQQ", number, machine, 0, first)
    code = [struct.unpack("=HBBI", program[i : i + 8]) for i in range(0, len(program), 8)]
    place, word = 0, 0
    while True:
        operation, then, otherwise, value = code[place]
        place += 1
        if operation == 0x06:
            return value
        if operation == 0x20:
            word = struct.unpack_from("=I", data, value)[0]
        else:
            test = {0x15: word == value, 0x35: word >= value, 0x45: word & value != 0}[operation]
            place += then if test else otherwise


ALLOW, KILL = 0x7FFF0000, 0x80000000


@pytest.mark.parametrize(
    ("number", "first", "answer"),
    [
        (1, 1, ALLOW),  # write
        (56, 0x01200011, ALLOW),  # clone, as fork does it
        (56, 0x003D0F00, ALLOW),  # clone, as threads do it
        (56, 0x10000011, 0x00050001),  # clone with CLONE_NEWUSER: EPERM
        (435, 0, 0x00050026),  # clone3: ENOSYS
        (319, 0, 0x00050001),  # memfd_create
        (41, 1, ALLOW),  # socket of AF_UNIX
        (41, 2, 0x00050061),  # of AF_INET: EAFNOSUPPORT
        (41, 40, 0x00050061),  # of AF_VSOCK
        (53, 1, ALLOW),  # socketpair
        (0x40000001, 0, 0x00050026),  # write, by the numbers of x32
    ],
)
def test_the_filter_answers_each_call(number, first, answer):
    assert verdict(syscalls.program("x86_64"), number, first) == answer


def test_the_filter_ends_whoever_speaks_for_another_processor():
    assert verdict(syscalls.program("x86_64"), 1, machine=0x40000003) == KILL


def test_loopback_allows_two_more_families_and_no_third():
    program = syscalls.program("x86_64", loopback=True)
    answers = {family: verdict(program, 41, family) == ALLOW for family in (1, 2, 10, 16, 40)}
    assert answers == {1: True, 2: True, 10: True, 16: False, 40: False}


def test_both_processors_refuse_the_same_calls():
    assert len(syscalls.program("aarch64")) > 0
    names = {machine: set(calls) for machine, calls in syscalls._DENIED.items()}
    only_x86 = {"iopl", "ioperm", "modify_ldt", "uselib", "ustat", "sysfs"}
    assert names["x86_64"] - names["aarch64"] == only_x86


def test_an_unknown_processor_has_no_filter():
    assert syscalls.program("pdp11") is None


# ---------------------------------------------------------------- the same for containers


def profiled(profile, name, first):
    """What a profile answers: the error's number, 0 where the call is let through."""
    compare = {
        "SCMP_CMP_EQ": lambda rule: first == rule["value"],
        "SCMP_CMP_GT": lambda rule: first > rule["value"],
        "SCMP_CMP_MASKED_EQ": lambda rule: first & rule["value"] == rule["valueTwo"],
    }
    assert profile["defaultAction"] == "SCMP_ACT_ALLOW"
    for rule in profile["syscalls"]:
        if name in rule["names"] and all(compare[arg["op"]](arg) for arg in rule["args"]):
            return rule["errnoRet"]
    return 0


@pytest.mark.parametrize("loopback", [False, True])
@pytest.mark.parametrize(("name", "number"), [("socket", 41), ("socketpair", 53), ("clone", 56)])
def test_the_profile_judges_arguments_as_the_filter_does(name, number, loopback):
    profile = json.loads(syscalls.profile("x86_64", loopback=loopback))
    program = syscalls.program("x86_64", loopback=loopback)
    for first in [*range(50), 0x003D0F00, *(1 << bit for bit in range(32))]:
        answer = verdict(program, number, first)
        expected = 0 if answer == ALLOW else answer & 0xFFFF
        assert profiled(profile, name, first) == expected, first


def test_the_profile_refuses_the_calls_that_the_filter_refuses():
    profile = json.loads(syscalls.profile("x86_64"))
    for name, number in (syscalls._DENIED["x86_64"] | {"clone3": 435, "write": 1}).items():
        answer = verdict(syscalls.program("x86_64"), number)
        assert profiled(profile, name, 0) == (0 if answer == ALLOW else answer & 0xFFFF), name
