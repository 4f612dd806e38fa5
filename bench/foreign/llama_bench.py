"""llama-bench's -o json or jsonl: one process; a sample for each repetition of a test."""

from __future__ import annotations

from collections.abc import Iterator

from armbench.bench.foreign import common
from armbench.bench.model import Json, Machine

NAME = "llama-bench"
NAMED = ("model_type", "n_batch", "n_ubatch", "type_k", "type_v", "flash_attn", "backends")


def recognises(document: Json) -> bool:
    first = document[0] if isinstance(document, list) and document else None
    return isinstance(first, dict) and {"n_prompt", "n_gen", "avg_ns"} <= first.keys()


def trials(document: Json) -> Iterator[common.Trial]:
    for test in document:
        samples = test.get("samples_ns") or [test["avg_ns"]]
        params = {name: test[name] for name in NAMED if name in test}
        tokens = test["n_prompt"] + test["n_gen"]
        seconds = [ns * 1e-9 for ns in samples]
        yield common.Trial(_name(test), [seconds], params, test.get("n_threads", 1), tokens)


def _name(test: Json) -> str:
    """As its own tables name it: "llama 7B Q4_0 pp512"."""
    prompt, generated, depth = test["n_prompt"], test["n_gen"], test.get("n_depth", 0)
    kind = (
        f"pp{prompt}+tg{generated}" if prompt and generated else f"pp{prompt}" if prompt else f"tg{generated}"
    )
    return f"{test.get('model_type', 'model')} {kind}{f' @ d{depth}' if depth else ''}"


def machine(document: Json) -> Machine:
    return common.machine(document[0].get("cpu_info"), None)


def lacks(document: Json) -> Iterator[str]:
    if not all(test.get("samples_ns") for test in document):
        yield "it kept no samples, only their mean"
    yield "all its samples are of one process, which cannot tell the noise between processes"
