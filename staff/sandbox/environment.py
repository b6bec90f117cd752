"""The Python that runs inside a jail: this one, seen read-only at the paths it has outside.

Offers `python_mounts`, `system_folders` and `ENVIRONMENT`. Nothing else of the host is seen: not
the checkout around the environment, not pip's settings in it. Read next: bubblewrap.py.
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

from staff.sandbox.shapes import Mount, StaffError

TMP = "/tmp"
HOME = f"{TMP}/home"  # inside: empty, and gone with the jail
# What the jailed process is told; nothing of the parent's environment goes in.
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": HOME,
    "USER": "student",
    "LOGNAME": "student",
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
}
# Read where they are: libraries' cache, Debian's choice of BLAS, time zone, cores for torch.
_SYSTEM_FILES = (
    "/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/sys/devices/system/cpu",
)  # fmt: skip
_OF_AN_ENVIRONMENT = ("bin", "lib", "lib64", "share", "etc", "pyvenv.cfg")


def system_folders() -> tuple[list[Mount], dict[str, str]]:
    """The system's programs and libraries: what to mount, and links to make (link -> target)."""
    tops = [Path("/", name) for name in ("usr", "bin", "sbin", "lib", "lib32", "lib64")]
    links = {str(top): str(top.readlink()) for top in tops if top.is_symlink()}
    seen = [top for top in tops if top.is_dir() and not top.is_symlink()]
    seen += [path for path in map(Path, _SYSTEM_FILES) if path.exists()]
    return [Mount(path, str(path)) for path in seen], links


def python_mounts() -> list[Mount]:
    """This interpreter and its packages, at their own paths; what lies under /usr is left out.

    Raises:
        StaffError: the packages hold a solved copy of hw5, which students' code could read.
    """
    refuse_solved_copies([Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")])
    base = {Path(sys.base_prefix), Path(sys.base_prefix).resolve()}
    base.add(Path(sys.executable).resolve().parents[1])
    paths = {path for path in base if not path.is_relative_to("/usr")}
    if sys.prefix != sys.base_prefix:
        paths |= {Path(sys.prefix, name) for name in _OF_AN_ENVIRONMENT}
    return [Mount(path.resolve(), str(path)) for path in sorted(paths) if path.exists()]


def refuse_solved_copies(folders: list[Path]) -> None:
    """Require that no folder of packages holds hw5 or staff themselves.

    Raises:
        StaffError: one does.
    """
    for folder in folders:
        for name in ("hw5", "staff"):
            if (folder / name).exists():
                raise StaffError(
                    f"{folder / name}: a copy of the solved package, which every jail would see."
                    " Hint: install with pip install -e, which leaves a pointer alone"
                )
