"""Part 4, interpolate: the public checks."""

from tests.public.graded import checks_of

test_check = checks_of("interpolate")
