"""The result file: one JSON document a session, described by results/armbench-1.schema.json.

It holds raw samples; the summaries in it are for other readers and are never read back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import TextIO

import msgspec

from armbench.bench import codec, cpulist, estimates, roofs
from armbench.bench.codec import DecodeError
from armbench.bench.errors import UserError
from armbench.bench.model import Json, Process, Result, Session, Summary, Ticks

SCHEMA = "armbench/1"
OF_PROCESS = ("start_spread_ticks", "page_nodes", "library_threads")  # written where they are known
SCHEMA_FILE = "armbench-1.schema.json"
PARTIAL_SUFFIX = ".partial.jsonl"
NO_RESULT_FILE = "not a result file of armbench"
FOREIGN = "foreign-file"  # code of the finding that says what the file of another tool lacks


class ResultError(UserError):
    """A file that cannot be read or written: one line that names it and says what is wrong."""


@cache
def schema() -> Json:
    """The JSON Schema of a result file."""
    return json.loads((files("armbench.results") / SCHEMA_FILE).read_text("utf-8"))


# --- session -> document -------------------------------------------------------------------


def to_json(session: Session) -> dict[str, Json]:
    """The document of a session, its summaries computed from the samples."""
    found = roofs.of_session(session.results)
    return {
        "schema": SCHEMA,
        "session": codec.encode(session.session),
        "machine": codec.encode(session.machine),
        "software": codec.encode(session.software),
        "findings": codec.encode(session.findings),
        "rounds": codec.encode(session.rounds),
        "results": [
            {**result_json(r), "summary": summary_json(estimates.summarize(r), found.of(r))}
            for r in session.results
        ],
        "skipped": codec.encode(session.skipped),
        "failed": codec.encode(session.failed),
    }


def result_json(result: Result) -> dict[str, Json]:
    """One entry of "results" without its summary."""
    document = codec.encode(replace(result, processes=()))
    document["cpus"] = cpulist.in_order(result.cpus)
    document["threads"] = result.threads
    document["processes"] = [process_json(process) for process in result.processes]
    named = schema()["$defs"]["result"]
    optional = [name for name in named["properties"] if document.get(name) not in (None, False)]
    return {name: document[name] for name in (*named["required"], *optional) if name in document}


def summary_json(summary: Summary, of_roof: roofs.OfRoof | None = None) -> dict[str, Json]:
    document = codec.encode(summary)
    fairness = document.pop("fairness")
    return {**document, "of_roof": codec.encode(of_roof), **({"fairness": fairness} if fairness else {})}


def process_json(process: Process) -> dict[str, Json]:
    document: dict[str, Json] = {
        "round": process.round,
        "pid": process.pid,
        "warmup": [list(row) for row in process.warmup],
        "samples": [list(row) for row in process.samples],
        "flags": list(process.flags),
    }
    if process.thread_medians is not None:
        document["threads"] = {"median": list(process.thread_medians)}
    extras = {
        name: getattr(process, name) for name in ("start_spread_ticks", "page_nodes", "library_threads")
    }
    return {**document, **{name: codec.encode(value) for name, value in extras.items() if value is not None}}


# --- document -> session -------------------------------------------------------------------


def from_json(document: Json, path: Path | None = None) -> Session:
    """The session of a document; DecodeError (with the JSON path) for what does not fit."""
    session = header(document, path)
    found = tuple(decode_whole(raw, f"$.results[{i}]") for i, raw in enumerate(document["results"]))
    return replace(session, results=found)


def header(document: Json, path: Path | None = None) -> Session:
    """The session without its results, which are an array; raises DecodeError as from_json() does."""
    for key in schema()["required"]:
        if key not in document:
            raise DecodeError(f"$: {key} is missing")
    if not isinstance(document["results"], list):
        raise DecodeError("$.results: expected an array")
    session = codec.decode(Session, document, results=(), path=path)
    for name, mapping in (("session", session.session), ("software", session.software)):
        missing = [key for key in schema()["$defs"][name]["required"] if key not in mapping]
        if missing:
            raise DecodeError(f"$.{name}: {missing[0]} is missing")
    return session


def decode_whole(raw: Json, path: str) -> Result:
    """A result with its processes."""
    meta = decode_result(raw, path)
    if not isinstance(raw.get("processes"), list) or not raw["processes"]:
        raise DecodeError(f"{path}.processes: expected an array of at least one process")
    processes = tuple(decode_process(p, f"{path}.processes[{i}]") for i, p in enumerate(raw["processes"]))
    for index, entry in enumerate(processes):
        _check_width(meta, entry, f"{path}.processes[{index}]")
    return replace(meta, processes=processes)


def decode_result(raw: Json, path: str) -> Result:
    """A result without its processes."""
    if not isinstance(raw, dict) or not isinstance(raw.get("cpus"), str):
        raise DecodeError(f"{path}: expected an object with a CPU list")
    try:
        cpus = cpulist.parse(raw["cpus"])
    except ValueError:
        raise DecodeError(f"{path}.cpus: expected a CPU list such as 0-3,8, found {raw['cpus']!r}") from None
    result = codec.decode(Result, raw, path, cpus=cpus, processes=())
    if result.mode == "split" and (not result.instances or result.threads % result.instances):
        raise DecodeError(f"{path}.instances: expected a divisor of {result.threads} threads")
    return result


def decode_process(raw: Json, path: str) -> Process:
    """Raises DecodeError, as do the others here."""
    if not isinstance(raw, dict):
        raise DecodeError(f"{path}: expected an object, found {codec.shorten(raw)}")
    medians = None
    if "threads" in raw:
        medians = _medians(raw["threads"], f"{path}.threads")["median"]
    warmup, samples = _rows(raw, "warmup", path), _rows(raw, "samples", path)
    return codec.decode(Process, raw, path, warmup=warmup, samples=samples, thread_medians=medians)


_medians = codec.reader(Mapping[str, tuple[float, ...]])


def _rows(raw: Json, name: str, path: str) -> Ticks:
    """Ticks by row; checked as a whole, because a file has a million of them."""
    try:
        rows = tuple(map(tuple, raw[name]))
        whole = set(map(type, chain.from_iterable(rows))) <= {int}
        if whole and (name == "warmup" or rows) and min(map(min, rows), default=1) > 0:
            return rows
    except (KeyError, TypeError, ValueError):
        pass
    raise DecodeError(f"{path}.{name}: expected rows of positive whole ticks")


def _check_width(result: Result, process: Process, path: str) -> None:
    wanted = 3 if process.thread_medians is not None else result.at_once
    widths = set(map(len, chain(process.warmup, process.samples)))
    if widths != {wanted}:
        raise DecodeError(f"{path}: expected {wanted} columns of ticks, found {sorted(widths)}")


# --- files ---------------------------------------------------------------------------------


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn what goes wrong with a file into a ResultError that names it."""
    try:
        yield
    except OSError as error:
        raise ResultError(f"{path}: {error.strerror or error}") from error
    except DecodeError as error:
        raise ResultError(f"{path}: {error}") from error


def read(path: Path) -> Session:
    """The session in a result file; ResultError when it is none."""
    with naming(path):
        return from_bytes(path.read_bytes(), path)


def from_bytes(raw: bytes, path: Path | None = None) -> Session:
    """The session in the bytes of a file; raises DecodeError."""
    return from_json(parse(raw, path), path)


def parse(raw: bytes, path: Path | None = None) -> Json:
    """The document in the bytes of a file, known to be of this format by its "schema" alone."""
    if not raw.strip():
        raise DecodeError("the file is empty")
    if path and path.name.endswith(PARTIAL_SUFFIX):
        raise DecodeError(f"an unfinished run; finish it with: armbench run --resume {path}")
    document = from_text(raw)
    check_schema(document)
    return document


def from_text(raw: bytes) -> Json:
    """What JSON says; raises DecodeError."""
    try:
        return msgspec.json.decode(raw)  # in half of json's time: files have a million numbers
    except (msgspec.DecodeError, RecursionError) as error:
        text = raw.strip()
        cut = str(error) == "Input data was truncated" or not text.endswith(b"}")
        if text.startswith(b"{") and cut:
            raise DecodeError("truncated: the JSON ends early") from None
        raise DecodeError(f"not JSON: {str(error).removeprefix('JSON is malformed: ')}") from None


def check_schema(document: Json) -> None:
    """Raise DecodeError unless `document` says that it is of the format read here."""
    found = document.get("schema") if isinstance(document, dict) else None
    name, _, version = found.partition("/") if isinstance(found, str) else ("", "", "")
    if name != "armbench" or not version.isdigit():
        raise DecodeError(NO_RESULT_FILE)
    if found != SCHEMA:
        age = "a newer armbench: upgrade to read it" if int(version) > 1 else "an unknown armbench"
        raise DecodeError(f"format {found} is of {age} (this one reads {SCHEMA})")


def write(session: Session, path: Path) -> None:
    """Write the whole file or nothing: beside it first, synced, then renamed."""
    text = layout(to_json(session))
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with naming(path):
        try:
            with beside.open("x", encoding="utf-8") as file:
                file.write(text)
                sync(file)
            beside.replace(path)
            sync_folder(path.parent)
        finally:
            beside.unlink(missing_ok=True)


def layout(document: Mapping[str, Json]) -> str:
    """JSON with a line for every member, and for every entry of a list, of the document."""
    members = []
    for key, value in document.items():
        if isinstance(value, list) and value:
            text = "[\n" + ",\n".join(map(dump, value)) + "\n]"
        else:
            text = dump(value)
        members.append(f"{json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(members) + "\n}\n"


def dump(value: Json) -> str:
    """One line of JSON; ValueError for a number that JSON cannot hold."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ": "))


def sync(file: TextIO) -> None:
    """Have what was written on the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Have new names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# --- validation ----------------------------------------------------------------------------


def validate(path: Path) -> list[str]:
    """Every problem of a result file, each "JSON path: what is wrong"; none when it is valid.

    Against the schema first; if that finds nothing, what a schema cannot say.  Raises
    ResultError for a file that cannot be read at all, or is of another format.
    """
    import jsonschema  # type: ignore[import-untyped, unused-ignore]  # slow, and needed only here

    with naming(path):
        document = parse(path.read_bytes(), path)
    checker = jsonschema.Draft202012Validator(schema())
    problems = [f"{e.json_path}: {_one_line(e.message)}" for e in checker.iter_errors(document)]
    return problems or _inconsistent(document)


def _one_line(text: str, limit: int = 160) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _inconsistent(document: Json) -> list[str]:
    try:
        session = from_json(document)
    except DecodeError as error:
        return [str(error)]
    rounds = {r.index for r in session.rounds}
    problems = []
    for index, (result, raw) in enumerate(zip(session.results, document["results"], strict=True)):
        path = f"$.results[{index}]"
        if raw["threads"] != result.threads:
            problems.append(f"{path}.threads: {raw['threads']}, but the CPU list has {result.threads}")
        strays = sorted({p.round for p in result.processes} - rounds)
        if strays:
            problems.append(f"{path}.processes: round {strays[0]} is not in $.rounds")
        problems.extend(_wrong_summary(estimates.summarize(result), raw["summary"], f"{path}.summary"))
    return problems


def _wrong_summary(computed: Summary, stored: Json, path: str) -> list[str]:
    pairs = [(name, getattr(computed, name), stored[name]) for name in ("seconds", "low", "high")]
    return [
        f"{path}.{name}: {written:g}, but the samples give {value:g}"
        for name, value, written in pairs
        if abs(value - written) > 1e-6 * value
    ]
