"""`hw5 lecture`: the notebooks on a big screen.

Offers `lecture`. The copies it opens are made by lecture_stage.py; read that next. A hall waits for
the first picture, so torch, which hw5.kit.checks brings, is imported only to complain.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import tyro

from hw5.kit import quick_jupyter

VIEWS = ("lab", "voila", "slides")


def lecture(
    *,
    notebooks: Path = Path("notebooks"),
    first: str = "",
    view: str = "lab",
    solved: Path | None = None,
    out: Path = Path("build/lecture"),
    browser: Annotated[bool, tyro.conf.arg(help_behavior_hint="(default: opened)")] = True,
) -> int:
    """Open the notebooks for a lecture: full window, large type, code folded, pictures in place.

    Every cell shows what it showed when it was stored, so a slow one need not be run, and a control
    shows a still; run it, and its picture is replaced. Stop a cell with the square in the
    toolbar, a job with its Stop button.
    Copies are opened: whatever happens on the screen, notebooks and student files stay as they are.

    For example:
      python -m hw5 lecture --first 03
      python -m hw5 lecture --solved ../hw5-solved
      python -m hw5 lecture --view slides

    Args:
        notebooks: folder of the notebooks
        first: the beginning of the name of the notebook to open; the first one by default
        view: lab (cells can be run), voila (an app without any code; pip install -e ".[lecture]"),
            or slides (HTML files that need nothing beside them)
        solved: a solved copy of the assignment whose functions are used instead of yours
        out: folder for the copies
        browser: leave the browser closed and print the address only
    """
    quick_jupyter.skip_addresses()
    from hw5.cli import lecture_stage

    if view not in VIEWS:
        from hw5.kit.checks import check_choice

        check_choice("--view", view, VIEWS)
    env = environment(solved, out)
    paths = lecture_stage.find_notebooks(notebooks)
    start = chosen(paths, first)
    # Voila shows one notebook and no other: the rest would only keep the hall waiting.
    shown = [start] if view == "voila" else paths
    copies = lecture_stage.stage_folder(shown, out, styled=view != "lab")
    if view == "slides":
        for path in lecture_stage.slides(copies):
            print(f"wrote {path}")
        return 0
    words = command(view, out, copies[shown.index(start)], browser=browser)
    print("stop with Ctrl+C", flush=True)
    try:
        return subprocess.run(words, env=env, check=False).returncode
    except KeyboardInterrupt:  # the usual end of a lecture
        return 0


def chosen(paths: list[Path], first: str) -> Path:
    """The notebook whose name begins with `first`.

    Raises:
        InputError: none does.
    """
    fitting = [path for path in paths if path.name.startswith(first)]
    if not fitting:
        from hw5.kit.checks import InputError

        known = ", ".join(path.name for path in paths)
        raise InputError.about("--first", expected=f"the beginning of one of {known}", got=first)
    return fitting[0]


def environment(solved: Path | None, out: Path) -> dict[str, str]:
    """The kernels' environment: solved functions come before the installed ones.

    Raises:
        InputError: `solved` holds no assignment.
    """
    from hw5.cli.lecture_stage import SETTINGS

    env = {**os.environ, "JUPYTERLAB_SETTINGS_DIR": str((out / SETTINGS).resolve())}
    root = Path(__file__).parents[2] if solved is None else solved.resolve()
    if not (root / "hw5/losses.py").is_file():
        from hw5.kit.checks import InputError

        raise InputError.about(str(root), expected="a folder with hw5/losses.py", got="none in it")
    before = [env["PYTHONPATH"]] if env.get("PYTHONPATH") else []
    env["PYTHONPATH"] = os.pathsep.join([str(root), *before])
    return env


def command(view: str, out: Path, start: Path, *, browser: bool) -> list[str]:
    """The program that shows `out`, beginning with the copy `start`.

    Raises:
        InputError: Voila is not installed.
    """
    from importlib.util import find_spec

    python = (sys.executable, "-m", quick_jupyter.__name__)
    if view == "voila":
        if find_spec("voila") is None:
            from hw5.kit.checks import InputError

            hint = 'pip install -e ".[lecture]"'
            raise InputError.about("--view voila", expected="Voila", got="none", hint=hint)
        quiet = [] if browser else ["--no-browser"]
        # Voila's usual way runs the whole notebook before it shows anything.
        early = "--VoilaConfiguration.progressive_rendering=True"
        return [*python, "voila", str(start), "--theme=dark", early, *quiet]
    return [
        *python, "jupyterlab", f"--ServerApp.root_dir={out.resolve()}",
        f"--LabApp.default_url=/doc/tree/{start.name}", f"--ServerApp.open_browser={browser}",
        "--ServerApp.kernel_websocket_connection_class=hw5.lab.PromptConnection",
        "--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        *(["--allow-root"] if is_root() else []),
    ]  # fmt: skip


def is_root() -> bool:
    """Whether JupyterLab would refuse to start: in a container one is root, and this is a hall."""
    return hasattr(os, "geteuid") and os.geteuid() == 0
