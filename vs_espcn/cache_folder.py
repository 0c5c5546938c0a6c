"""Where this package keeps files of its own."""

import os
from pathlib import Path

import platformdirs


def cache_dir() -> Path:
    """The user's cache folder for this package; VS_ESPCN_CACHE moves it."""
    chosen = os.environ.get("VS_ESPCN_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("vs-espcn"))
