"""What makes the numbers of this machine wrong or slow: evidence, rules over it, findings."""

from armbench.bench.doctor import blas, builds, cpus, frameworks, kernel, load, memory, place, threads
from armbench.bench.doctor.evidence import Evidence
from armbench.bench.doctor.examine import LIBRARIES, Examination, from_files
from armbench.bench.doctor.rule import Rule, findings

RULES: tuple[Rule, ...] = (
    *place.RULES,
    *cpus.RULES,
    *load.RULES,
    *load.RULES_OF_ROUNDS,
    *memory.RULES,
    *kernel.RULES,
    *blas.RULES,
    *threads.RULES,
    *frameworks.RULES,
    *builds.RULES,
)

RULES_OF_ROUNDS = load.RULES_OF_ROUNDS

__all__ = [
    "LIBRARIES",
    "RULES",
    "RULES_OF_ROUNDS",
    "Evidence",
    "Examination",
    "Rule",
    "findings",
    "from_files",
]
