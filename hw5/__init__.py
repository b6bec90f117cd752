"""Edit photographs with generative networks: the package of the course assignment.

Start with losses.py, latents.py, projector.py, interpolate.py and draw.py, in that order;
shapes.py holds the letters that every docstring uses. Nothing is imported here, so that `import
hw5` costs nothing.
"""

__version__ = "0.1.0"
