"""Training on a machine that has torch, torchvision, numpy and safetensors, and nothing else."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import textwrap
from importlib import metadata
from pathlib import Path

import pytest

from hw5 import train, zoo
from hw5.cli.train import train as command
from hw5.train.__main__ import main, parser
from tests.train.killed_run import PICTURES

ROOT = Path(__file__).resolve().parents[2]
ENOUGH = ("torch", "torchvision", "numpy", "safetensors")
SCRIPT = """
    import sys
    from importlib.machinery import PathFinder
    class Bare(PathFinder):
        @classmethod
        def find_spec(cls, name, path=None, target=None):
            if name.partition(".")[0] not in {absent!r}:
                return super().find_spec(name, path, target)
    sys.meta_path = [Bare if each is PathFinder else each for each in sys.meta_path]

    from dataclasses import replace
    from functools import partial
    from pathlib import Path
    from hw5 import zoo
    from hw5.train import recipes
    from hw5.train.__main__ import main
    for function in (zoo.load, zoo.names, zoo.describe, zoo.card, zoo.save):
        function.__kwdefaults__["data"] = Path("data").resolve()
    plan = recipes.DCGAN_PLAN
    few = replace(plan.regress, pictures={pictures}, batch=2)
    plan = replace(plan, regress=few, adversarial=replace(plan.adversarial, batch=2))
    recipes.RECIPES["dcgan"] = recipes.Recipe(partial(recipes.train_gan, plan))
    sys.exit(main({words!r}))
"""


def needed(names):
    """Distributions that have to be there with those called `names`."""
    found, left = set(), [name.lower() for name in names]
    while left:
        name = left.pop().replace("_", "-")
        if name in found:
            continue
        found.add(name)
        try:
            requires = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        plain = [each for each in requires if "extra ==" not in each]
        left += [each.split(";")[0].strip("() ").lower() for each in map(name_of, plain)]
    return found


def name_of(requirement):
    for sign in "<>=!~;[( ":
        requirement = requirement.split(sign)[0]
    return requirement


def absent():
    """Importable names of everything that is installed and not needed."""
    kept = needed([*ENOUGH, *(["tomli"] if sys.version_info < (3, 11) else [])])
    return {
        module
        for module, owners in metadata.packages_distributions().items()
        if not kept & {owner.lower().replace("_", "-") for owner in owners} and module != "hw5"
    }


@pytest.mark.slow
def test_a_generator_is_trained_with_nothing_but_what_training_needs(folder):
    names = absent()
    assert {"tyro", "matplotlib", "scipy", "lpips", "torchmetrics"} <= names
    words = ["dcgan", "--hours", "0.0001", "--device", "cpu", "--no-compiled"]
    code = textwrap.dedent(SCRIPT.format(absent=names, words=words, pictures=PICTURES))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert zoo.card("dcgan")["metrics"]["duel_pictures"] > 0


def test_both_command_lines_have_the_same_options_and_defaults():
    plain, typed = (inspect.signature(each).parameters for each in (train.asked, command))
    assert {k: v.default for k, v in plain.items()} == {k: v.default for k, v in typed.items()}


def test_words_become_what_the_signature_says():
    words = ["encoder", "--hours", "2", "--pictures", "cats", "--no-compiled", "--go-on"]
    found = vars(parser().parse_args(words))
    defaults = {k: v.default for k, v in inspect.signature(train.asked).parameters.items()}
    changed = {"name": "encoder", "hours": 2.0, "compiled": False, "go_on": True}
    assert found == {**defaults, **changed, "pictures": Path("cats")}
    assert isinstance(found["hours"], float)


@pytest.mark.parametrize("words", [[], ["nobody"], ["dcgan", "--hours", "nan"]])
def test_bad_words_get_one_line_and_status_2(words, capsys):
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("hw5: error:")
