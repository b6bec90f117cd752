"""A filter of system calls: doors of the kernel that no student's code has use for.

Offers `program`, the bytes that bubblewrap's --seccomp takes, and `profile`, the same filter in the
JSON that docker and podman read. Namespaces hide files and networks,
limits bind what they count; some calls go past both. A file of memfd_create or a segment of shmget
is memory that no process needs to hold; AF_VSOCK reaches the host of a virtual machine although
there is no network; a new user namespace makes one its administrator. They are refused with an
error, as a kernel without them would.

The program is classic BPF, as in the kernel's Documentation/userspace-api/seccomp_filter.rst:
instructions of 8 bytes over `struct seccomp_data` (call number at 0, architecture at 4, first
argument at 16). Read next: bubblewrap.py.
"""

from __future__ import annotations

import errno
import json
import platform
import struct

# name -> number, from the kernel's tables; None where an architecture lacks the call
_BOTH = {
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
    "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432,
    "fspick": 433, "pidfd_getfd": 438, "mount_setattr": 442, "memfd_secret": 447,
}  # fmt: skip
_DENIED = {
    "x86_64": _BOTH | {
        "shmget": 29, "semget": 64, "msgget": 68, "mq_open": 240, "memfd_create": 319,
        "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312,
        "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "unshare": 272,
        "setns": 308, "add_key": 248, "request_key": 249, "keyctl": 250, "bpf": 321,
        "perf_event_open": 298, "userfaultfd": 323, "name_to_handle_at": 303,
        "open_by_handle_at": 304, "fanotify_init": 300, "vmsplice": 278, "syslog": 103,
        "kexec_load": 246, "kexec_file_load": 320, "init_module": 175, "finit_module": 313,
        "delete_module": 176, "acct": 163, "swapon": 167, "swapoff": 168, "reboot": 169,
        "quotactl": 179, "iopl": 172, "ioperm": 173, "modify_ldt": 154, "personality": 135,
        "uselib": 134, "ustat": 136, "sysfs": 139,
    },
    "aarch64": _BOTH | {
        "shmget": 194, "semget": 190, "msgget": 186, "mq_open": 180, "memfd_create": 279,
        "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272,
        "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "unshare": 97,
        "setns": 268, "add_key": 217, "request_key": 218, "keyctl": 219, "bpf": 280,
        "perf_event_open": 241, "userfaultfd": 282, "name_to_handle_at": 264,
        "open_by_handle_at": 265, "fanotify_init": 262, "vmsplice": 75, "syslog": 116,
        "kexec_load": 104, "kexec_file_load": 294, "init_module": 105, "finit_module": 273,
        "delete_module": 106, "acct": 89, "swapon": 224, "swapoff": 225, "reboot": 142,
        "quotactl": 60, "personality": 92,
    },
}  # fmt: skip
_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH_*, linux/audit.h
_CLONE = {"x86_64": 56, "aarch64": 220}
_SOCKET = {"x86_64": 41, "aarch64": 198}
_SOCKETPAIR = {"x86_64": 53, "aarch64": 199}
_CLONE3 = 435
_NEW_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_X32 = 0x40000000  # the 32-bit calls of x86_64 have this bit
_AF_UNIX, _AF_INET, _AF_INET6 = 1, 2, 10
_OCI_NAME = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data


def program(machine: str | None = None, *, loopback: bool = False) -> bytes | None:
    """The filter for a machine ("x86_64"; this one's, by default), or None where none is known.

    With `loopback`, processes may open TCP and UDP sockets as well; there is no network behind.
    """
    machine = machine or platform.machine()
    if machine not in _DENIED:
        return None
    code = [
        _step(_LOAD, _ARCH),
        *_unless_among([_ARCHITECTURE[machine]], _KILL),
        _step(_LOAD, _NUMBER),
        *_when(_AT_LEAST, _X32, _error(errno.ENOSYS)),
        # glibc falls back to clone, whose flags a filter can see
        *_when(_EQUAL, _CLONE3, _error(errno.ENOSYS)),
    ]
    for number in sorted(_DENIED[machine].values()):
        code += _when(_EQUAL, number, _error(errno.EPERM))
    code += _argument(_CLONE[machine], _when(_ANY_BIT, _NEW_NAMESPACES, _error(errno.EPERM)))
    families = _families(loopback)
    for call in (_SOCKET[machine], _SOCKETPAIR[machine]):
        code += _argument(call, _unless_among(families, _error(errno.EAFNOSUPPORT)))
    return b"".join([*code, _step(_RETURN, _ALLOW)])


def profile(machine: str | None = None, *, loopback: bool = False) -> str | None:
    """The same filter as a profile for containers: seccomp of the OCI runtime specification 1.1.

    Args and answer as for `program`, but text.
    """
    machine = machine or platform.machine()
    if machine not in _DENIED:
        return None
    families = _families(loopback)
    others = [number for number in range(max(families)) if number not in families]
    wrong_family = [_compared("SCMP_CMP_EQ", number) for number in others]
    wrong_family.append(_compared("SCMP_CMP_GT", max(families)))
    new_namespaces = [
        _compared("SCMP_CMP_MASKED_EQ", 1 << bit, 1 << bit)
        for bit in range(32)
        if _NEW_NAMESPACES >> bit & 1
    ]
    rules = [
        _refusal(["clone3"], errno.ENOSYS),
        _refusal(sorted(_DENIED[machine]), errno.EPERM),
        *(_refusal(["clone"], errno.EPERM, flag) for flag in new_namespaces),
        *(_refusal(["socket", "socketpair"], errno.EAFNOSUPPORT, one) for one in wrong_family),
    ]
    known = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": [_OCI_NAME[machine]]}
    return json.dumps(known | {"syscalls": rules})


def _refusal(names: list[str], number: int, *arguments: dict[str, object]) -> dict[str, object]:
    """A rule of a profile: these calls fail with an error, if their arguments are such."""
    return {
        "names": names, "action": "SCMP_ACT_ERRNO", "errnoRet": number, "args": [*arguments],
    }  # fmt: skip


def _compared(how: str, value: int, second: int = 0) -> dict[str, object]:
    """A condition on the first argument; for masks, `value` is the mask."""
    return {"index": 0, "value": value, "valueTwo": second, "op": how}


def _families(loopback: bool) -> list[int]:
    return [_AF_UNIX, _AF_INET, _AF_INET6] if loopback else [_AF_UNIX]


def _step(operation: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    """One instruction: struct sock_filter; `then` and `otherwise` say how many to skip."""
    return struct.pack("=HBBI", operation, then, otherwise, value)


def _error(number: int) -> int:
    return _ERROR | number


def _when(test: int, value: int, answer: int) -> list[bytes]:
    """Answer at once when the loaded word passes the test."""
    return [_step(test, value, 0, 1), _step(_RETURN, answer)]


def _unless_among(values: list[int], answer: int) -> list[bytes]:
    """Answer at once when the loaded word is none of a few."""
    skip = range(len(values), 0, -1)  # from each test to behind the answer
    tests = [_step(_EQUAL, value, far, 0) for value, far in zip(values, skip, strict=True)]
    return [*tests, _step(_RETURN, answer)]


def _argument(call: int, tests: list[bytes]) -> list[bytes]:
    """Judge the first argument of one call; the call's number is loaded before and after."""
    inside = [_step(_LOAD, _FIRST_ARGUMENT), *tests, _step(_LOAD, _NUMBER)]
    return [_step(_EQUAL, call, 0, len(inside)), *inside]
