"""Settings of the assignment's functions: frozen, named, each number with its unit and source.

Offers `LossWeights` (losses.py), `Projection` (projector.py), `Interpolation` (interpolate.py) and
`Drawing` (draw.py). The command line is built from these classes. Read next: losses.py.

Sources: "starter" is the course's starter code, "report" the student report "GAN Photo Editing"
(Rodriguez Ladron de Guevara), "ADA" the projector of StyleGAN2-ADA, "StyleGAN2" the paper by
Karras et al. (2020), appendix D. "ours" is a choice of this package.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

NORMS = ("l1", "l2")
SPACES = ("z", "w", "w+")
OPTIMISERS = ("adam", "lbfgs")
NOISE_MODES = ("fixed", "optimised")
PRECISIONS = ("float32", "bfloat16", "auto")
PATHS = ("auto", "linear", "spherical")
LPIPS_BACKBONES = ("auto", "offline", "alex", "vgg", "squeeze")

# Adam: ADA. L-BFGS: 1, because a quasi-Newton direction comes with its own length; the line search
# only shortens or stretches it (starter: 0.1).
USUAL_RATES = {"adam": 0.1, "lbfgs": 1.0}

# Random codes behind a mean; starter.
USUAL_MEAN = 10_000


@dataclass(frozen=True)
class LossWeights:
    """What the criterion is made of. A weight of 0 switches a term off, and saves its time."""

    # weight of the pixel loss, mean difference on [-1, 1]; starter (report: 0.3)
    pixel: float = 10.0
    # "l1", mean absolute (starter), or "l2", mean squared difference (report)
    norm: str = "l1"
    # weight of the perceptual loss; starter (report: 0.7)
    perceptual: float = 0.01
    # feature layers of the perceptual and style losses, VGG-19's conv_1_1 or conv1_1 alike; empty:
    # all that the network names
    layers: tuple[str, ...] = ()
    # one weight per entry of `layers`; empty: equal weights that sum to 1
    layer_weights: tuple[float, ...] = ()
    # weight of the Gram-matrix style loss; off in the starter
    style: float = 0.0
    # weight of LPIPS; off in the starter (ADA: 1, and nothing else)
    lpips: float = 0.0
    # network behind LPIPS: alex, vgg or squeeze as published, each to be fetched first; offline,
    # ours; or auto, the first of the published ones that is here, else ours (StyleGAN2, ADA: vgg)
    lpips_backbone: str = "auto"
    # weight of the mean squared entry of delta; report: 0.1 to project, 0.01 to 0.1 for scribbles
    penalty: float = 0.0
    # network behind the perceptual and style losses, by its name in the zoo: vgg19 (starter),
    # vgg16, alexnet or squeezenet, each to be fetched first; efficientnet-lite0; empty: the
    # bundled world-features
    features: str = ""

    @classmethod
    def for_scribbles(cls) -> LossWeights:
        """Starter's pixel term alone, held near its start.

        The penalty is ours: the report's 0.01 to 0.1 is for codes of another scale, and here lets a
        sparse sketch lead off to pictures of patches.
        """
        return cls(perceptual=0.0, penalty=5.0)

    def __post_init__(self) -> None:
        """Refuse weights that cannot be meant."""
        _choice("norm", self.norm, NORMS)
        _choice("lpips_backbone", self.lpips_backbone, LPIPS_BACKBONES)
        for name in ("pixel", "perceptual", "style", "lpips", "penalty"):
            _number(name, getattr(self, name), low=0)
        if isinstance(self.layers, str):
            _refuse(
                "layers",
                expected="names in a tuple",
                got=f"the text {self.layers!r}",
                hint=f"a tuple of one has a comma: ({self.layers!r},)",
            )
        for weight in self.layer_weights:
            _number("layer_weights", weight, low=0)
        if self.layer_weights and len(self.layer_weights) != len(self.layers):
            _refuse(
                "layer_weights",
                expected=f"one weight for each of {len(self.layers)} layers, or none at all",
                got=f"{len(self.layer_weights)} weights",
            )
        is_blind = bool(self.layer_weights) and not any(self.layer_weights)
        features = () if is_blind else (self.perceptual, self.style)
        if not any((self.pixel, self.lpips, *features)):
            _refuse("weights", expected="at least one positive weight beside penalty", got="none")


@dataclass(frozen=True)
class Projection:
    """How to search for the code of a picture."""

    # latent space of the search: "z", "w" or "w+"; None: the generator's last, w+ where there is
    # one, which the report found best, and z for a DCGAN
    space: str | None = None
    # "adam", or "lbfgs": full-batch L-BFGS with a strong-Wolfe line search
    optimiser: str = "adam"
    # steps at most; starter and report: 1000
    num_steps: int = 1000
    # pictures rendered and scored, at most, over all seeds; None: no limit. A begun step is ended.
    max_evaluations: int | None = None
    # step size; None: 0.1 for Adam (ADA; report: 0.003), 1 for L-BFGS (ours; starter: 0.1)
    learning_rate: float | None = None
    # share of the steps in which Adam's rate rises from 0; ADA. 0: starts at full rate
    ramp_up: float = 0.05
    # share of the steps in which Adam's rate falls to 0 along a cosine; ADA. 0: never falls
    ramp_down: float = 0.25
    # independent searches, run side by side, the best kept; the report's remedy for bad minima
    num_seeds: int = 1
    # random codes averaged for each start; starter: 10,000, report: 10. 0: one code, not averaged.
    # None: 10,000 in w and w+, and 0 in z, whose mean is a code near zero that no DCGAN has seen
    num_mean: int | None = None
    # "fixed": the generator's own noise maps; "optimised": searched with the code (ADA). The
    # bundled StyleGAN2 has learned a strength of 0 for all of its maps: either gives one picture
    noise: str = "fixed"
    # weight that keeps optimised noise maps looking like noise (ours, at 64 px; StyleGAN2, at
    # a side of 1024 px: 1e5, which drowns a picture whose small maps are never quite like noise)
    noise_penalty: float = 1.0
    # steps without improvement after which to stop; 0: never (ours)
    patience: int = 0
    # relative decrease of the best loss that counts as improvement (ours)
    min_improvement: float = 1e-3
    # evaluations that one line search of L-BFGS may take; starter
    line_search_evaluations: int = 10
    # steps that L-BFGS remembers; torch's default
    history_size: int = 100
    # numbers in the generator's convolutions: "float32", all figures here; "bfloat16"; or "auto",
    # which is bfloat16 where a trial finds it a fifth faster. Adam only: a line search of L-BFGS
    # compares losses closer than bfloat16 tells apart (ours)
    precision: str = "float32"

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        if self.space is not None:
            _choice("space", self.space, SPACES)
        _choice("optimiser", self.optimiser, OPTIMISERS)
        _choice("noise", self.noise, NOISE_MODES)
        _choice("precision", self.precision, PRECISIONS)
        if self.optimiser == "lbfgs" and self.precision != "float32":
            _refuse("precision", expected="float32 with lbfgs", got=self.precision)
        for name in ("num_steps", "num_seeds", "line_search_evaluations", "history_size"):
            _number(name, getattr(self, name), low=1, whole=True)
        _number("patience", self.patience, low=0, whole=True)
        if self.num_mean is not None:
            _number("num_mean", self.num_mean, low=0, whole=True)
        for name in ("ramp_up", "ramp_down", "min_improvement"):
            _number(name, getattr(self, name), low=0, high=1)
        _number("noise_penalty", self.noise_penalty, low=0)
        if self.max_evaluations is not None:
            _number("max_evaluations", self.max_evaluations, low=1, whole=True)
        if self.learning_rate is not None:
            _number("learning_rate", self.learning_rate, low=1e-12)

    @property
    def rate(self) -> float:
        """Step size before any ramp: `learning_rate`, or the optimiser's usual one."""
        return USUAL_RATES[self.optimiser] if self.learning_rate is None else self.learning_rate

    def settled(self, spaces: tuple[str, ...]) -> Projection:
        """These settings with `space` and `num_mean` filled in, for a generator with `spaces`.

        Raises:
            InputError: a space that is not among them.
        """
        space = self.usual_space(spaces) if self.space is None else self.space
        _choice("space", space, spaces)
        usual = 0 if space == "z" else USUAL_MEAN
        num_mean = usual if self.num_mean is None else self.num_mean
        return replace(self, space=space, num_mean=num_mean)

    def usual_space(self, spaces: tuple[str, ...]) -> str:
        """The space to search when none is named."""
        return spaces[-1]


@dataclass(frozen=True)
class Interpolation:
    """How to walk from one code to another."""

    # frames, both ends included; starter: 50
    num_frames: int = 50
    # "linear", "spherical", or "auto": spherical in z, linear in w and w+
    path: str = "auto"
    # frames rendered at once; bounds memory, changes no picture (ours)
    batch_size: int = 16

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        _choice("path", self.path, PATHS)
        _number("num_frames", self.num_frames, low=2, whole=True)
        _number("batch_size", self.batch_size, low=1, whole=True)


@dataclass(frozen=True)
class Drawing(Projection):
    """How to search for a picture that agrees with a sketch: a projection with other defaults."""

    # latent space of the search: "z", "w" or "w+"; None: w, or z for a DCGAN. A sparse sketch
    # leaves most of w+ undecided, and pictures fall apart (students' reports)
    space: str | None = None
    # fewer than for a photograph: a sketch asks for little (ours)
    num_steps: int = 300
    # weight of staying like the picture given as `keep`, outside the sketch (ours)
    keep: float = 1.0
    # random codes that define the mean and the usual distance from it; starter's number for means
    num_typical: int = 10_000

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        super().__post_init__()
        _number("keep", self.keep, low=0)
        _number("num_typical", self.num_typical, low=2, whole=True)

    def usual_space(self, spaces: tuple[str, ...]) -> str:
        """The space to search when none is named."""
        return "w" if "w" in spaces else spaces[-1]


# The checks are imported when used: they need torch, and `--help` should not wait for it.
def _choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    from hw5.kit.checks import check_choice

    check_choice(name, value, choices)


def _number(
    name: str, value: object, *, low: float, high: float = float("inf"), whole: bool = False
) -> None:
    from hw5.kit.checks import check_number

    check_number(name, value, low=low, high=high, whole=whole)


def _refuse(name: str, *, expected: str, got: str, hint: str = "") -> None:
    from hw5.kit.checks import InputError

    raise InputError.about(name, expected=expected, got=got, hint=hint)
