"""Curves and splits as JSON, derived from a result file like its summaries."""

from __future__ import annotations

from collections.abc import Sequence

from armbench.bench import codec, cpulist, estimates
from armbench.bench.model import Json, Result
from armbench.bench.scaling.analysis import Analysis
from armbench.bench.scaling.sentences import sentence
from armbench.bench.scaling.splits import Split, split_sentence


def curves_json(analyses: Sequence[Analysis]) -> list[Json]:
    """For each curve its points, model, best number of cores, boundaries, and the sentence."""
    return [_curve(found) for found in analyses]


def splits_json(found: Sequence[Split]) -> list[Json]:
    """For each split its ways, and the sentence."""
    return [
        {
            **_trial(split.last),
            "threads": split.last.threads,
            "options": [
                {
                    "instances": option.instances,
                    "threads_each": option.threads,
                    "rate": codec.encode(estimates.summarize(option.result).rate),
                    "of_best": codec.encode(option.of_best),
                }
                for option in split.options
            ],
            "best": split.best.instances,
            "sentence": split_sentence(split),
        }
        for split in found
    ]


def _trial(result: Result) -> dict[str, Json]:
    names = ("kernel", "variant", "case", "side", "mode", "placement", "memory")
    return {name: getattr(result, name) for name in names}


def _curve(found: Analysis) -> dict[str, Json]:
    curve = found.curve
    return {
        **_trial(curve.last),
        "counts": curve.topology.noun,
        "rounds": curve.rounds,
        "points": [_point(found, index) for index in range(len(curve.results))],
        "model": codec.encode(found.model),
        "best": codec.encode(found.best),
        "crossings": codec.encode(found.crossings),
        "sentence": sentence(found),
    }


def _point(found: Analysis, index: int) -> dict[str, Json]:
    result = found.curve.results[index]
    return {
        "cores": result.threads,
        "cpus": cpulist.in_order(result.cpus),
        "on_nodes": found.curve.on_nodes[index].tolist(),
        "oversubscribed": result.oversubscribed,
        "rate": codec.encode(found.rates[index]),
        "efficiency": found.efficiency and codec.encode(found.efficiency[index]),
        "fairness": codec.encode(estimates.fairness(result)),
    }
