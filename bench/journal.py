"""The journal of a run: JSON lines from which a result file is assembled, even after a kill.

  header   first: {"schema", "session", "machine", "software", "findings", "trials": keys in
           the order of the plan, "request": what --resume goes on with}
  result   {"key", "result"}    what a trial is, a Result; the last one of a key counts
  process  {"key", "process"}   its samples in one Process
  round    a Round, written when the round is over: until then its processes do not count.  One
           that was interrupted is done again: the later record of an index, and its
           processes where there are any, replace the earlier ones
  reopened {"at", "spent_seconds"}  the run was resumed, so long having been spent; processes
           without a round are void
  skip, failure, finding        a Skip, Failure, Finding
  software  the software again, with what libraries said of themselves
  session  some keys of the session that change, such as "ended" and "partial"

Synced once a round, so that a kill loses at most one.  Locked by the run that writes it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TextIO

from armbench.bench import codec, cpulist, results
from armbench.bench.codec import DecodeError
from armbench.bench.model import (
    Failure,
    Finding,
    Json,
    Machine,
    Process,
    Result,
    Round,
    Session,
    Skip,
    place_key,
)
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
            journal._lock()
            journal.append("header", {"schema": results.SCHEMA, **header})
            journal.sync()
            results.sync_folder(path.parent)
        return journal

    @classmethod
    def reopen(cls, path: Path) -> tuple[Journal, float]:
        """Go on with a journal, a torn last line cut off; and the seconds that the run took so far.

        ResultError when it is none, or when another run is writing it.
        """
        with naming(path):
            raw = path.read_bytes()
            records = _parse(raw)
            journal = cls(path, path.open("a", encoding="utf-8"))
            journal._lock()
            spent = spent_seconds(records, os.stat(path).st_mtime)
            os.truncate(path, raw.rfind(b"\n") + 1)
            now = datetime.now(timezone.utc).isoformat()
            journal.append("reopened", {"at": now, "spent_seconds": spent})
            journal.sync()
            return journal, spent

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise DecodeError("another armbench run is writing it; let it end first") from None

    def append(self, kind: str, payload: Any) -> None:
        """Add a record; the payload may hold the types of bench/model/."""
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


def spent_seconds(records: Sequence[Record], ended: float) -> float:
    """How long the parts of a run took that ended at `ended` (Unix time), pauses between them not counted."""
    began, spent = records[0].payload["session"]["started"], 0.0
    for record in records:
        if record.kind == "reopened":
            began, spent = record.payload["at"], record.payload["spent_seconds"]
    return spent + max(0.0, ended - _unix_time(began))


def _unix_time(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def results_by_key(records: Iterable[Record]) -> dict[str, Result]:
    """Each trial's result with its processes of the rounds that were finished, perhaps none."""
    found: dict[str, Result] = {}
    counted: dict[str, dict[int, Process]] = {}
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
                    counted.setdefault(key, {})[process.round] = process
            pending = []
    return {
        key: replace(result, processes=tuple(p for _, p in sorted(counted.get(key, {}).items())))
        for key, result in found.items()
    }


def rounds(records: Iterable[Record]) -> tuple[Round, ...]:
    """The rounds by index, of one that was done again the last record."""
    found = [codec.decode(Round, raw) for raw in _payloads(records, "round")]
    by_index = {done.index: done for done in found}
    return tuple(by_index[index] for index in sorted(by_index))


def failures(records: Iterable[Record]) -> tuple[Failure, ...]:
    return tuple(codec.decode(Failure, raw) for raw in _payloads(records, "failure"))


def skips(records: Iterable[Record]) -> tuple[Skip, ...]:
    """Each once, though every part of a resumed run may have written it."""
    return tuple(dict.fromkeys(codec.decode(Skip, raw) for raw in _payloads(records, "skip")))


def assemble(records: Sequence[Record]) -> Session:
    """The session of a journal; trials without a finished round are left out.

    Marked partial until a "session" record says otherwise, and while a trial that neither failed
    nor was skipped has no sample; "unmeasured" names those.
    """
    header = records[0].payload
    changes = [record.payload for record in records if record.kind == "session"]
    facts = {**header["session"], "partial": True}
    for change in changes:
        facts.update(change)
    if facts.get("ended") and any(record.kind == "reopened" for record in records):
        facts["seconds"] = round(spent_seconds(records, _unix_time(facts["ended"])), 3)
    results, failed, skipped = results_by_key(records), failures(records), skips(records)
    if unmeasured := _unmeasured(header.get("trials", ()), results, failed, skipped):
        facts.update(unmeasured=unmeasured, partial=True)
    software = [header["software"], *_payloads(records, "software")][-1]
    findings = [*header.get("findings", ()), *_payloads(records, "finding")]
    by_code = {raw["code"]: codec.decode(Finding, raw) for raw in findings}  # the last one of a code counts
    return Session(
        session=facts,
        machine=codec.decode(Machine, header["machine"], "machine"),
        software=software,
        findings=tuple(by_code.values()),
        rounds=rounds(records),
        results=_in_order(results, header.get("trials", ())),
        skipped=skipped,
        failed=failed,
    )


def _unmeasured(
    keys: Sequence[str], results: Mapping[str, Result], failed: Iterable[Failure], skipped: Iterable[Skip]
) -> list[str]:
    """The trials of the plan that were never reached."""
    known = {key for key, result in results.items() if result.processes}
    for failure in failed:
        cpus = cpulist.parse(failure.cpus) if failure.cpus else ()
        where = place_key(failure.mode, cpus, failure.instances)
        known.add(f"{failure.kernel}/{failure.variant}/{failure.case}/{where}")
    left_out = tuple(f"{s.kernel}/{s.variant}/{s.case}/{s.mode or ''}" for s in skipped if s.case)
    return [key for key in keys if key not in known and not key.startswith(left_out)]


def _in_order(found: Mapping[str, Result], keys: Sequence[str]) -> tuple[Result, ...]:
    """Those that were measured, in the order of the plan."""
    order = [*(key for key in keys if key in found), *(key for key in found if key not in keys)]
    return tuple(found[key] for key in order if found[key].processes)


def _payloads(records: Iterable[Record], kind: str) -> list[Json]:
    return [record.payload for record in records if record.kind == kind]
