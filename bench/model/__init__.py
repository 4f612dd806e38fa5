"""The values that everything else passes around.

Frozen and without behaviour beyond small derivations.  Units are in the names.  A module of this
package is loaded when one of its names is asked for: Python takes a millisecond to make such a
class, and no verb needs all.
"""

# ruff: noqa: I001  (the names of a module stay together)

from __future__ import annotations

from typing import TYPE_CHECKING

from armbench.bench import lazy

if TYPE_CHECKING:
    from armbench.bench.model.aliases import (
        Array as Array,
        Json as Json,
        Pairs as Pairs,
        Param as Param,
        Severity as Severity,
        Ticks as Ticks,
        Tier as Tier,
    )
    from armbench.bench.model.machine import (
        Budget as Budget,
        Cache as Cache,
        Core as Core,
        HugePages as HugePages,
        Machine as Machine,
        Metadata as Metadata,
        Node as Node,
        Perf as Perf,
        PerfEvent as PerfEvent,
        Site as Site,
        Smbios as Smbios,
        Timer as Timer,
    )
    from armbench.bench.model.modes import (
        SIDES as SIDES,
        Mode as Mode,
        SideName as SideName,
        calls_at_once as calls_at_once,
        place_key as place_key,
    )
    from armbench.bench.model.results import (
        Failure as Failure,
        Fairness as Fairness,
        Finding as Finding,
        Process as Process,
        Rate as Rate,
        Result as Result,
        Round as Round,
        Session as Session,
        Skip as Skip,
        Summary as Summary,
        Verified as Verified,
    )
    from armbench.bench.model.work import (
        Call as Call,
        Case as Case,
        Kernel as Kernel,
        Library as Library,
        Operand as Operand,
        Operands as Operands,
        Outputs as Outputs,
        Placement as Placement,
        Problem as Problem,
        Settings as Settings,
        Trial as Trial,
        Variant as Variant,
        Work as Work,
        accepts_everything as accepts_everything,
        empty as empty,
        largest_error as largest_error,
    )

MODULES = {
    "aliases": "Array Json Pairs Param Severity Ticks Tier",
    "machine": "Budget Cache Core HugePages Machine Metadata Node Perf PerfEvent Site Smbios Timer",
    "modes": "SIDES Mode SideName calls_at_once place_key",
    "results": "Failure Fairness Finding Process Rate Result Round Session Skip Summary Verified",
    "work": "Call Case Kernel Library Operand Operands Outputs Placement Problem Settings Trial Variant Work "
    "accepts_everything empty largest_error",
}

if not TYPE_CHECKING:
    __getattr__ = lazy.attributes(__name__, MODULES)
