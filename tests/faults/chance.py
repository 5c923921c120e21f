"""What is left to chance in a run, and how to have it again: all of it comes from one seed."""

import os
import random

_GIVEN = os.environ.get("RAPPORT_FAULT_SEED")

SEED = _GIVEN or str(random.randrange(10**9))  # noqa: S311  no secret
"""Of this process: RAPPORT_FAULT_SEED, else any."""


def chance(*words: object) -> random.Random:
    """The same decisions for the same words."""
    return random.Random("/".join(map(str, words)))  # noqa: S311  no secret
