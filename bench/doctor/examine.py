"""Gather the evidence: of this host in a second or less, or of another from its files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from armbench.bench import machine as host
from armbench.bench.doctor.evidence import Evidence, build
from armbench.bench.machine import condition, software
from armbench.bench.machine.condition import Ticks
from armbench.bench.machine.software import CrossCheck, Probe
from armbench.bench.model import Machine

# What `doctor` looks at where it is installed; `run` looks at what it measures.
LIBRARIES = (
    *("numpy", "scipy", "torch", "onnxruntime", "tensorflow", "tiktoken", "tokenizers", "bpe-openai"),
    *("gigatoken", "llama_cpp_python", "vllm"),
)


class Examination:
    """Looks at this host's software while the caller goes on; end it with `finish` or `stop`.

    Begin with `since`, the ticks of an earlier moment: what others did from then on counts.
    """

    def __init__(self, machine: Machine, since: Ticks, libraries: Iterable[str], cross_check: bool = False):
        self.machine, self.since = machine, since
        self.probe = Probe(libraries)
        self.cross_check = CrossCheck() if cross_check else None

    @property
    def running(self) -> bool:
        return self.probe.running or (self.cross_check is not None and self.cross_check.running)

    def finish(self) -> Evidence:
        """The evidence; waits for what still runs, at most half a minute."""
        try:
            libraries = {found.name: found for found in self.probe.finish() if found.version}
            return Evidence(
                machine=self.machine,
                other_opinion=self.cross_check.finish() if self.cross_check else None,
                condition=condition.look(since=self.since),
                environment=software.relevant(),
                libraries=libraries,
                build=build(libraries.values()),
                software=software.describe({name: found.detail for name, found in libraries.items()}),
            )
        finally:
            self.stop()

    def stop(self) -> None:
        """End what still runs; harmless the second time."""
        self.probe.stop()
        if self.cross_check:
            self.cross_check.stop()


def from_files(root: Path) -> Evidence:
    """The evidence of the machine whose files lie below `root`; nothing else is read, nothing imported."""
    return Evidence(host.detect(root), condition.look(root))
