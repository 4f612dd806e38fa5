"""The software that a number depends on: what is installed, set, and really used."""

from armbench.bench.machine.software.cross_check import CrossCheck, OtherOpinion
from armbench.bench.machine.software.describe import Software, describe
from armbench.bench.machine.software.installed import Installed, Pool
from armbench.bench.machine.software.probe import Probe
from armbench.bench.machine.software.variables import relevant

__all__ = ["CrossCheck", "Installed", "OtherOpinion", "Pool", "Probe", "Software", "describe", "relevant"]
