"""Inversion beyond the assignment: encoders, in-domain search, tuning, masks, one method per file.

Every method takes pictures and gives `Inverted` (inverted.py), whatever it does in between.
"""
