"""Files that are installed with a package, without importlib.resources, which loads thirty modules."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path


def path_of(package: str, name: str) -> Path:
    """Where a package's file is: an editable install keeps what was built apart from the sources.

    Raises FileNotFoundError.
    """
    for folder in import_module(package).__path__:
        path = Path(folder, name)
        if path.exists():
            return path
    raise FileNotFoundError(2, os.strerror(2), f"{package}/{name}")
