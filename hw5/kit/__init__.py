"""Plumbing shared by everything: files, pictures, strokes, run folders, seeds, checks.

Read checks.py first, then images.py. Nothing here knows a network, and nothing but shapes.py is
imported from hw5. Modules are imported by name (`from hw5.kit import images`), so that one costs
nothing to the users of another.
"""
