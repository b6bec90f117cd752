"""Part 2, latents: the public checks."""

from tests.public.graded import checks_of

test_check = checks_of("latents")
