"""The native library of a checkout, linked in several orders.

Where code lies moves times by percents, and no repetition of one build shows it.  So a side that
is a checkout is built with its functions and loops aligned, as every build is, and in several
orders of its object files, of which each process takes one.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from armbench.bench.run.sides import SettingError

ORDERS = 5
OPTION = "ARMBENCH_LINK_ORDER"


def build(checkout: Path, doing: Callable[[str, int, int], None]) -> list[Path]:
    """The libraries, one an order; a single one if the checkout is older than the orders.

    Raises SettingError when it cannot be built.
    """
    knows = OPTION in (checkout / "CMakeLists.txt").read_text()
    return [_build(checkout, order, doing) for order in range(1, ORDERS + 1 if knows else 2)]


def _build(checkout: Path, order: int, doing: Callable[[str, int, int], None]) -> Path:
    doing(f"{checkout.name}, link order {order} of {ORDERS}", order - 1, ORDERS)
    folder = checkout / "build" / f"order-{order}"
    tools = (checkout / ".venv" / "bin").resolve()
    environment = {**os.environ, "PATH": f"{tools}:{os.environ.get('PATH', '')}"}
    configure = ["cmake", "-S", checkout, "-B", folder, "-G", "Ninja", f"-D{OPTION}={order}"]
    for command in (configure, ["cmake", "--build", folder]):
        done = subprocess.run(
            list(map(str, command)), capture_output=True, text=True, env=environment, check=False
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise SettingError(f"{checkout} cannot be built: {said[-1] if said else 'no reason given'}")
    return folder / "libarmbench.so"
