"""Compare text with a file in tests/golden: a mismatch prints a diff and leaves NAME.got beside it."""

from __future__ import annotations

import difflib
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "golden"


def check(name: str, text: str) -> None:
    path = FOLDER / name
    wanted = path.read_text() if path.exists() else ""
    got = path.with_name(f"{name}.got")
    if text == wanted:
        got.unlink(missing_ok=True)
        return
    got.write_text(text)
    lines = difflib.unified_diff(wanted.splitlines(), text.splitlines(), name, got.name, lineterm="")
    raise AssertionError(
        "\n".join(["output differs from the golden file; if it is right, rename the .got", *lines])
    )
