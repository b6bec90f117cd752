"""Imports point one way, and importing the package is cheap."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter import cli

ROOT = Path(__file__).resolve().parents[1]
HEAVY = [
    "torchvision", "torchmetrics", "lpips", "matplotlib", "skimage", "scipy", "PIL",
    "ipywidgets", "anywidget", "IPython", "pandas",
]  # fmt: skip
LIGHT_MODULES = ["hw5", "hw5.config", "hw5.shapes", "hw5.__main__", "hw5.cli"]
ALLOWED_OVER_TORCH = 0.3  # seconds: what `import hw5` may cost beside torch


def python(code: str) -> str:
    """Run code in a new interpreter in the project's folder; its standard output."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_import_rule_holds(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(ROOT))
    status = cli.lint_imports(no_cache=True)
    assert status == cli.EXIT_STATUS_SUCCESS, capsys.readouterr().out


@pytest.mark.parametrize("module", LIGHT_MODULES)
def test_importing_the_doors_loads_nothing_heavy(module):
    loaded = json.loads(python(f"import json, sys, {module}; print(json.dumps(list(sys.modules)))"))
    assert not set(HEAVY).intersection(loaded)


def test_importing_hw5_costs_little_more_than_torch():
    timed = "import time, torch; begin = time.process_time(); import hw5;"
    cost = float(python(timed + "print(time.process_time() - begin)"))
    assert cost < ALLOWED_OVER_TORCH


def test_loading_a_generator_imports_neither_sympy_nor_the_compiler():
    """They take most of a second in a fresh process, and no network that is loaded needs them."""
    loaded = json.loads(
        python(
            "import json, sys\nfrom hw5 import zoo\nzoo.load('stylegan2')\n"
            "print(json.dumps(list(sys.modules)))"
        )
    )
    assert not {"sympy", "torch._dynamo"}.intersection(loaded)


def test_the_command_line_helps_without_loading_torch():
    code = (
        "import sys, json, contextlib, io\n"
        "from hw5.__main__ import main\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    try: main(['--help'])\n"
        "    except SystemExit: pass\n"
        "print('torch' in sys.modules)"
    )
    assert python(code).strip() == "False"
