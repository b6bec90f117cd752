"""Widgets: thin shells over pure functions, for JupyterLab, Notebook 7, VS Code.

    from hw5 import ui
    ui.world()                                  # a slider for every factor of a cat
    ui.sampler(generator)                       # seed and truncation
    ui.walk(generator, a, b, "w")               # from one code to another
    ui.mixer(generator, a, b)                   # layer by layer
    ui.weights(function, pixel=(0, 20))         # loss weights
    ui.presets(panel, "world")                  # kept states of a panel, a button each
    ui.canvas()                                 # scribble; `.sketch`
    ui.sketch_picker()                          # the same from files, where scripts are blocked
    ui.job(function, total=1000)                # Run, Stop, curve, picture; `.result`
    ui.draw_live(generator, criterion)          # scribble and watch the answer
    ui.show(pictures, ["target", "ours"])       # pictures with captions

Every widget can be used without a browser: set its sliders, call `settle` or `wait`, read `picture`
and `message`. Start with latest.py (last value wins) and live.py (a picture that follows).
"""

from hw5.ui.answer import DrawLive, draw_live
from hw5.ui.cats import World, world
from hw5.ui.codes import Mixer, Sampler, Walk, mixer, sampler, walk
from hw5.ui.jobs import Job, job
from hw5.ui.pick import SketchPicker, sketch_picker
from hw5.ui.presets import Presets, presets
from hw5.ui.scribble import Canvas, canvas
from hw5.ui.shown import Shown, show
from hw5.ui.terms import Weights, weights

__all__ = [
    "Canvas", "DrawLive", "Job", "Mixer", "Presets", "Sampler", "Shown", "SketchPicker", "Walk",
    "Weights", "World", "canvas", "draw_live", "job", "mixer", "presets", "sampler", "show",
    "sketch_picker", "walk", "weights", "world",
]  # fmt: skip
