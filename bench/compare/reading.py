"""Result files of this suite -> what a comparison needs of them, without an object for each sample.

Hundreds of files have millions of samples.  So the rows of ticks are left as the text that they are
and become one array a trial; what is not as regular as files of ours are is decoded in full, which also
says what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, fields
from functools import lru_cache
from pathlib import Path
from types import GenericAlias
from typing import Any, get_type_hints

import msgspec
import numpy as np

from armbench.bench import cpulist, results
from armbench.bench.compare.observed import Reduced, Sampled, Shape, computed, reduced
from armbench.bench.model import Array, Json, Result

BLANKS = b" \t\r\n"
NUMBERS = b"0123456789" + BLANKS
TO_BLANKS = bytes.maketrans(b"[],", b"   ")


def from_bytes(raw: bytes, path: Path | None = None) -> Reduced:
    """As reduced(results.from_bytes(…)), without decoding what is not needed; raises DecodeError too."""
    try:
        found = _DOCUMENT.decode(raw)
        trials = [_trial(entry) for entry in found.results]
    except (msgspec.MsgspecError, RecursionError, ValueError, ZeroDivisionError):
        return from_json(results.parse(raw, path), path)
    document = {name: value for name in _MEMBERS if (value := getattr(found, name)) is not msgspec.UNSET}
    results.check_schema(document)
    return computed(results.header({**document, "results": []}, path), trials)


def from_json(document: Json, path: Path | None = None) -> Reduced:
    """The same of a document, by way of all its samples."""
    return reduced(results.from_json(document, path))


def _trial(entry: Any) -> Sampled:
    """Raises ValueError for one that is not regular."""
    processes = entry.processes
    shape, ticks = _ticks([process.samples for process in processes])
    known = {name: getattr(entry, name) for name in _AS_THEY_ARE}
    result = Result(**known, cpus=cpulist.parse(entry.cpus), processes=())
    spread = bool(processes[0].threads)
    if shape[2] != (3 if spread else result.at_once):
        raise ValueError("a column for each call at a time is expected")
    rounds = tuple([process.round for process in processes])
    return Sampled(result, rounds, tuple([process.flags for process in processes]), ticks, shape, spread)


# --- how files are described to the parser ---------------------------------------------------


class _Process(msgspec.Struct):
    """Of a process what is needed; the rest is skipped."""

    round: int
    flags: tuple[str, ...]
    samples: msgspec.Raw
    threads: msgspec.Raw = msgspec.Raw(b"")


def _described() -> tuple[list[str], type[msgspec.Struct]]:
    """The fields of a Result that are in a file as they are, and a type for its entry there."""
    hints, names, described = get_type_hints(Result), [], []
    for one in fields(Result):
        if one.name not in ("cpus", "processes"):
            names.append(one.name)
            given: tuple[Any, ...] = () if one.default is MISSING else (one.default,)
            described.append((one.name, hints[one.name], *given))
    described += [("cpus", str), ("processes", list[_Process])]
    return names, msgspec.defstruct("_Trial", described, kw_only=True)


_AS_THEY_ARE, _Trial = _described()
_MEMBERS = [name for name in results.schema()["properties"] if name != "results"]
_Document = msgspec.defstruct(
    "_Document",
    [("results", GenericAlias(list, (_Trial,))), *((name, Any, msgspec.UNSET) for name in _MEMBERS)],
)
_DOCUMENT: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_Document)


# --- rows of ticks ---------------------------------------------------------------------------


def _ticks(samples: Sequence[msgspec.Raw]) -> tuple[Shape, Array]:
    """The shape of the ticks of processes, [[1, 2], [3, 4]] each, and they in a row.

    Raises ValueError unless all processes and samples are alike and all ticks positive whole numbers.
    """
    text = b"".join(samples)
    marks = text.translate(None, NUMBERS)
    count = marks.count(b"]") // max(len(samples), 1) - 1
    shape = len(samples), count, marks.find(b"]") - 1
    if min(shape) < 1 or marks != _marks(shape):
        raise ValueError("not regular")
    ticks: Array = np.fromstring(text.translate(TO_BLANKS), np.int64, sep=" ")
    if len(ticks) != shape[0] * shape[1] * shape[2] or ticks.min() < 1:
        raise ValueError("not ticks")
    return shape, ticks


@lru_cache(maxsize=256)
def _marks(shape: Shape) -> bytes:
    """What JSON writes between the numbers."""
    processes, samples, columns = shape
    row = b"[" + b"," * (columns - 1) + b"]"
    return (b"[" + b",".join([row] * samples) + b"]") * processes
