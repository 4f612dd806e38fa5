"""Best instances x threads: for a number of cores, how many problems side by side give the most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from armbench.bench.model import Result, Session
from armbench.bench.scaling.analysis import ratio
from armbench.bench.scaling.curve import log_rates
from armbench.bench.stats import Interval

LEAST_GAIN = 1.02  # of the best over another, below which it is not worth a word


@dataclass(frozen=True, slots=True)
class Option:
    """One way to split the cores: `rate` / the highest rate of all ways, round by round."""

    result: Result
    of_best: Interval

    @property
    def instances(self) -> int:
        return self.result.at_once

    @property
    def threads(self) -> int:
        """Of each instance."""
        return self.result.threads // self.result.at_once

    @property
    def name(self) -> str:
        return f"{self.instances} x {self.threads}"


@dataclass(frozen=True, slots=True)
class Split:
    """The ways to split one trial's cores, few instances first."""

    options: tuple[Option, ...]

    @property
    def last(self) -> Result:
        return self.options[-1].result

    @property
    def best(self) -> Option:
        return max(self.options, key=lambda option: option.of_best.value)

    @property
    def tied(self) -> tuple[Option, ...]:
        """Those that cannot be told from the best, the best included."""
        return tuple(option for option in self.options if option.of_best.high >= 1)


def splits(session: Session) -> tuple[Split, ...]:
    """Every trial of which several splits were measured, in the order of the file."""
    families: dict[tuple[object, ...], dict[int, Result]] = {}
    for r in session.results:
        if r.mode == "split":
            key = (r.kernel, r.case, r.variant, r.threads, r.placement, r.memory, r.side)
            families.setdefault(key, {})[r.at_once] = r
    found = [_split(family) for family in families.values() if len(family) > 1]
    return tuple(split for split in found if split)


def _split(family: Mapping[int, Result]) -> Split | None:
    results = [family[instances] for instances in sorted(family)]
    by_round = [log_rates(result) for result in results]
    common = sorted(set.intersection(*map(set, by_round)))
    if not common:
        return None
    logs = np.array([[rates[index] for rates in by_round] for index in common])
    top = int(np.median(logs, axis=0).argmax())
    against = [ratio((column - logs[:, top]).tolist()) for column in logs.T]
    return Split(tuple(Option(r, of) for r, of in zip(results, against, strict=True)))


def split_sentence(split: Split) -> str:
    """For instance "16 x 4 gives the most: 1.90 x the rate of 1 x 64"."""
    if len(split.tied) == len(split.options):
        return "all splits give the same, as far as can be told"
    names = [option.name for option in split.tied]
    told = f"{' and '.join(names)} {'give' if len(names) > 1 else 'gives'} the most"
    others = [option for option in split.options if option not in split.tied]
    reference = split.options[0] if split.options[0] in others else others[-1]
    gain = 1 / reference.of_best.value
    return told + (f": {gain:.2f} x the rate of {reference.name}" if gain >= LEAST_GAIN else "")
