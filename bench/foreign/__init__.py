"""Result files of other tools, read as sessions so that `compare` takes what people have.

Each format has a module with

    NAME                 the tool
    recognises(document) whether a JSON document is of it
    trials(document)     what it measured (common.Trial), with all the samples that it kept
    machine(document)    what it says of the machine (common.machine)
    lacks(document)      what a sound verdict would need and the file does not have

Nothing is made up: a file that kept no samples has no intervals and gets no verdict.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

from armbench.bench import results
from armbench.bench.codec import DecodeError
from armbench.bench.foreign import common, google_benchmark, hyperfine, llama_bench, pyperf, pytest_benchmark
from armbench.bench.model import Json, Result, Session

FORMATS = (pytest_benchmark, pyperf, google_benchmark, hyperfine, llama_bench)
HEAD, OWN = 64, b'"armbench/'  # where our files say what they are
KNOWN = ", ".join(module.NAME for module in FORMATS)


def read(path: Path, own: Callable[[bytes, Path], Session] = results.from_bytes) -> Session:
    """A session from a file of this suite or of another tool.

    own: what makes a session of a file of this suite.
    Raises ResultError for a file of neither, or of which nothing can be read.
    """
    with results.naming(path):
        raw = path.read_bytes()
        if OWN in raw[:HEAD]:
            return _own(raw, path, own)
        found = _document(raw)
        module = next((m for m in FORMATS if m.recognises(found)), None)
        if module is None:
            return _own(raw, path, own)
        return session(module, found, path)


def read_all(path: Path, own: Callable[[bytes, Path], Session] = results.from_bytes) -> Iterator[Session]:
    """The sessions of one side: of a file, or of every .json file of a folder, by name.

    Raises ResultError for a folder without any, and as read() does.
    """
    if not path.is_dir():
        yield read(path, own)
    elif found := sorted(path.glob("*.json")):
        yield from (read(file, own) for file in found)
    else:
        raise results.ResultError(f"{path}: no .json file in this folder")


def _own(raw: bytes, path: Path, own: Callable[[bytes, Path], Session]) -> Session:
    try:
        return own(raw, path)
    except DecodeError as error:
        if str(error) != results.NO_RESULT_FILE:
            raise
        raise DecodeError(f"{error}, nor of {KNOWN}") from None


def _document(raw: bytes) -> Json:
    """The JSON of a file, None for what is none; llama-bench also writes a line for each test."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        pass
    try:
        return [json.loads(line) for line in raw.splitlines() if line.strip()] or None
    except (ValueError, RecursionError):
        return None


def session(module: ModuleType, document: Json, path: Path | None = None) -> Session:
    """Raises DecodeError for a document whose numbers are not where its format has them."""
    try:
        found = tuple(_results(module, document))
        machine = module.machine(document)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ZeroDivisionError) as error:
        raise DecodeError(f"damaged, or of another version of {module.NAME}: {error!r}") from None
    if not found:
        raise DecodeError(f"{module.NAME}: no measurement in it")
    return common.session(module.NAME, document, machine, found, tuple(module.lacks(document)), path)


def _results(module: ModuleType, document: Json) -> Iterator[Result]:
    for trial in module.trials(document):
        if trial.processes:
            yield common.result(module.NAME, trial)
