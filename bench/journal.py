"""The journal of a run: JSON lines from which a result file is assembled, even after a kill.

  header   first: {"schema", "session", "machine", "software", "findings", "trials": keys in
           the order of the plan, "request": what --resume goes on with}
  result   {"key", "result"}    what a trial is, a Result; the last one of a key counts
  process  {"key", "process"}   its samples in one Process
  round    a Round, written when the round is over: until then its processes do not count
  reopened {}                   the run was resumed; processes of the unfinished round are void
  skip, failure, finding        a Skip, Failure, Finding
  software  the software again, with what libraries said of themselves
  session  some keys of the session that change, such as "ended" and "partial"

Synced once a round, so that a kill loses at most one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from armbench.bench import codec, results
from armbench.bench.codec import DecodeError
from armbench.bench.model import Failure, Finding, Json, Machine, Process, Result, Round, Session, Skip
from armbench.bench.results import naming


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a journal."""

    kind: str
    payload: Json


class Journal:
    """Appends records to a file; what is synced survives a kill of the machine."""

    def __init__(self, path: Path, file: TextIO):
        self.path, self._file = path, file

    @classmethod
    def create(cls, path: Path, header: Mapping[str, Any]) -> Journal:
        """A new journal; ResultError when the file exists or cannot be made."""
        with naming(path):
            journal = cls(path, path.open("x", encoding="utf-8"))
            journal.append("header", {"schema": results.SCHEMA, **header})
            journal.sync()
            results.sync_folder(path.parent)
        return journal

    @classmethod
    def reopen(cls, path: Path) -> Journal:
        """Go on with a journal, a torn last line cut off; ResultError when it is none."""
        with naming(path):
            raw = path.read_bytes()
            _parse(raw)
            os.truncate(path, raw.rfind(b"\n") + 1)
            journal = cls(path, path.open("a", encoding="utf-8"))
            journal.append("reopened", {})
            return journal

    def append(self, kind: str, payload: Any) -> None:
        """Add a record; the payload may hold the types of bench/model.py."""
        with naming(self.path):
            self._file.write(results.dump({"kind": kind, "payload": _plain(payload)}) + "\n")

    def sync(self) -> None:
        with naming(self.path):
            results.sync(self._file)

    def close(self) -> None:
        """Sync and close; harmless the second time."""
        if not self._file.closed:
            self.sync()
            self._file.close()


def _plain(payload: Any) -> Json:
    """As codec.encode, but results and processes in the form of the result file."""
    if isinstance(payload, Result):
        return results.result_json(payload)
    if isinstance(payload, Process):
        return results.process_json(payload)
    if isinstance(payload, Mapping):
        return {key: _plain(value) for key, value in payload.items()}
    return codec.encode(payload)


def read_journal(path: Path) -> list[Record]:
    """The records of a journal, header first; a torn last line is ignored."""
    with naming(path):
        return _parse(path.read_bytes())


def _parse(raw: bytes) -> list[Record]:
    lines = raw.split(b"\n")[:-1]  # what follows the last newline is torn
    records = []
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            records.append(Record(entry["kind"], entry["payload"]))
        except (ValueError, KeyError, TypeError):
            raise DecodeError(f"line {number} is damaged") from None
    if not records or records[0].kind != "header":
        raise DecodeError("not a journal of armbench")
    results.check_schema(records[0].payload)
    return records


def results_by_key(records: Iterable[Record]) -> dict[str, Result]:
    """Each trial's result with its processes of the rounds that were finished, perhaps none."""
    found: dict[str, Result] = {}
    counted: dict[str, list[Process]] = {}
    pending: list[tuple[str, Process]] = []
    for number, record in enumerate(records, 1):
        if record.kind == "result":
            raw = record.payload["result"]
            found[record.payload["key"]] = results.decode_result(raw, f"line {number}")
        elif record.kind == "process":
            process = results.decode_process(record.payload["process"], f"line {number}")
            pending.append((record.payload["key"], process))
        elif record.kind in ("round", "reopened"):
            if record.kind == "round":
                for key, process in pending:
                    counted.setdefault(key, []).append(process)
            pending = []
    return {key: replace(result, processes=tuple(counted.get(key, ()))) for key, result in found.items()}


def assemble(records: Sequence[Record]) -> Session:
    """The session of a journal; trials without a finished round are left out.

    Marked partial until a "session" record says otherwise.
    """
    header = records[0].payload
    changes = [record.payload for record in records if record.kind == "session"]
    facts = {**header["session"], "partial": True}
    for change in changes:
        facts.update(change)
    software = [header["software"], *_payloads(records, "software")][-1]
    findings = [*header.get("findings", ()), *_payloads(records, "finding")]
    return Session(
        session=facts,
        machine=codec.decode(Machine, header["machine"], "machine"),
        software=software,
        findings=tuple(codec.decode(Finding, raw) for raw in findings),
        rounds=tuple(codec.decode(Round, raw) for raw in _payloads(records, "round")),
        results=_in_order(results_by_key(records), header.get("trials", ())),
        skipped=tuple(codec.decode(Skip, raw) for raw in _payloads(records, "skip")),
        failed=tuple(codec.decode(Failure, raw) for raw in _payloads(records, "failure")),
    )


def _in_order(found: Mapping[str, Result], keys: Sequence[str]) -> tuple[Result, ...]:
    """Those that were measured, in the order of the plan."""
    order = [*(key for key in keys if key in found), *(key for key in found if key not in keys)]
    return tuple(found[key] for key in order if found[key].processes)


def _payloads(records: Iterable[Record], kind: str) -> list[Json]:
    return [record.payload for record in records if record.kind == kind]
