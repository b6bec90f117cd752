"""Grading one submission: cases made from a secret seed, computed in a jail, judged outside it."""
