"""Where downloads are kept."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """RAPPORT_CACHE, else XDG_CACHE_HOME/rapport, else ~/.cache/rapport."""
    if own := os.environ.get("RAPPORT_CACHE"):
        return Path(own).absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache").absolute() / "rapport"
