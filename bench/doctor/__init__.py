"""What makes the numbers of this machine wrong or slow: evidence, rules over it, findings."""

from armbench.bench.doctor import blas, builds, cpus, frameworks, kernel, load, memory, place, threads
from armbench.bench.doctor.evidence import Evidence
from armbench.bench.doctor.examine import Examination, in_rounds, look_closely, look_from_outside
from armbench.bench.doctor.rule import Rule, findings

RULES: tuple[Rule, ...] = (
    *place.RULES,
    *cpus.RULES,
    *load.RULES,
    *memory.RULES,
    *kernel.RULES,
    *blas.RULES,
    *threads.RULES,
    *frameworks.RULES,
    *builds.RULES,
)

__all__ = [
    "RULES",
    "Evidence",
    "Examination",
    "Rule",
    "findings",
    "in_rounds",
    "look_closely",
    "look_from_outside",
]
