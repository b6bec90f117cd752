"""Importing the package, or all of the kit, pulls in nothing heavy that is not used."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KIT = ", ".join(f"hw5.kit.{path.stem}" for path in sorted((ROOT / "hw5" / "kit").glob("[a-z]*.py")))


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [("hw5", ["torch", "numpy", "PIL"]), (KIT, ["skimage", "scipy", "torchvision", "IPython"])],
    ids=["package", "kit"],
)
def test_importing_is_light(modules, heavy):
    code = f"import sys, {modules}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"
