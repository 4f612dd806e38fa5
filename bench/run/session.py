"""`armbench run`: from the options to a result file, whatever happens in between."""

from __future__ import annotations

import re
import secrets
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from armbench.bench import __version__, doctor, estimates, journal, native, results
from armbench.bench import machine as host
from armbench.bench.errors import UserError
from armbench.bench.journal import Journal, Record
from armbench.bench.machine import condition, software
from armbench.bench.model import (
    SIDES,
    Failure,
    Finding,
    Json,
    Machine,
    Process,
    Result,
    Round,
    Session,
    SideName,
    Skip,
)
from armbench.bench.run import orders, sides
from armbench.bench.run.instruments import utc_now
from armbench.bench.run.plan import Plan, Profile
from armbench.bench.run.request import Request, request_json, request_of
from armbench.bench.run.runner import Limits, Runner, Watcher
from armbench.bench.run.sides import Setting, Start

SPARE_BYTES = 16 << 20  # free space beside what the samples take
SAMPLE_BYTES = 9  # of one tick count in JSON
SAMPLE_ROWS = 24  # of a process, warm-up included
SAMPLE_COLUMNS = 8  # at most


class ResumeError(UserError):
    """A journal of another boot, machine or build; its session may not be mixed with this one."""

    exit_code = 4


class OutputError(UserError):
    """Results could not be written; the message says so before anything is measured."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A session that can begin: its plan, where it is kept, and what an earlier part measured.

    findings  what may spoil its numbers
    details   {distribution: what it really uses}, as far as it said so before it was measured
    """

    request: Request
    machine: Machine
    plan: Plan
    journal: Journal
    target: Path
    earlier: tuple[Record, ...] = ()
    spent_seconds: float = 0.0
    findings: tuple[Finding, ...] = ()
    details: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A session that ended; `resumable` is its journal when it was interrupted."""

    session: Session
    path: Path
    resumable: Path | None


# --- a new session -------------------------------------------------------------------------


def prepare(request: Request, output: Path | None, argv: Sequence[str] = ()) -> Prepared:
    """Everything before the first measurement; argv: the words that asked for it, for the record.

    Raises SelectionError when nothing can run, OutputError when results could not be kept.
    """
    since = condition.ticks()
    machine = host.detect(clock=True, metadata=request.metadata)
    plan = request.plan(machine)
    evidence = _examine(machine, plan, since)
    info = _session_info(request, argv)
    target = output or _default_target(machine, info)
    _check_room(target, plan, request.profile)
    for setting in request.sides or ():
        sides.installed(setting)
    found, details = doctor.findings(doctor.RULES, evidence), _library_details(evidence)
    header = {
        "session": info,
        "machine": machine,
        "software": evidence.software,
        "findings": found,
        "request": request_json(request),
        "target": target.name,
        "trials": [trial.key for trial in plan.trials],
    }
    kept = Journal.create(_journal_path(target), header)
    for skip in plan.skips:
        kept.append("skip", skip)
    return Prepared(request, machine, plan, kept, target, findings=found, details=details)


def _examine(machine: Machine, plan: Plan, since: condition.Ticks) -> doctor.Evidence:
    """What may spoil the numbers of these libraries on this machine; since: before anything was done."""
    examination = doctor.Examination(machine, since, {"numpy", *_libraries(plan, {})})
    try:
        return examination.finish()
    finally:
        examination.stop()


def _library_details(evidence: doctor.Evidence) -> dict[str, str | None]:
    """{distribution: what it really uses}, as the libraries say before they are measured."""
    return {name: found.detail for name, found in evidence.libraries.items()}


def _session_info(request: Request, argv: Sequence[str]) -> dict[str, Json]:
    return {
        "id": secrets.token_hex(4),
        "started": utc_now(),
        "ended": None,
        "argv": list(argv),
        "profile": request.profile.name,
        "version": __version__,
        "commit": _commit(),
        "seed": request.seed,
        "partial": True,
        "boot_id": host.boot_id(),
        "sides": request.sides and sides.settings_json(request.sides),
    }


def _commit() -> str | None:
    """The commit of the checkout that this code runs from, None for an installed one."""
    top = Path(__file__).resolve().parents[2]
    if not (top / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(top), "rev-parse", "HEAD"]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def _libraries(plan: Plan, details: Mapping[tuple[str, str], str]) -> dict[str, str | None]:
    """{distribution: what it really uses} of the libraries that the plan measures."""
    found: dict[str, str | None] = {}
    for trial in plan.trials:
        if trial.variant.library:
            package = trial.variant.library.package
            found[package] = found.get(package) or details.get((trial.kernel.name, trial.variant.name))
    return found


# --- where results go ----------------------------------------------------------------------


def _default_target(machine: Machine, info: Mapping[str, Json]) -> Path:
    stamp = re.sub(r"[-:]|\.\d+", "", info["started"])
    return Path("results") / slug(machine) / f"{stamp}_{info['id']}.json"


def slug(machine: Machine) -> str:
    """A folder name for a machine: its instance type, else chip or core and CPUs."""
    core = machine.cores[0].name if machine.cores else machine.arch
    name = machine.instance or f"{machine.chip or core} {machine.cpus} cpus"
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-")


def _journal_path(target: Path) -> Path:
    return target.with_name(target.name.removesuffix(".json") + results.PARTIAL_SUFFIX)


def _check_room(target: Path, plan: Plan, profile: Profile) -> None:
    """Raise OutputError when the results could not be written in the end."""
    if target.exists():
        raise OutputError(f"{target} exists; give another file with -o")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(target.parent).free
    except OSError as error:
        raise OutputError(f"{target.parent}: {error.strerror}; give another file with -o") from error
    columns = sum(min(SAMPLE_COLUMNS, trial.placement.at_once) for trial in plan.trials)
    needed = SPARE_BYTES + 2 * columns * profile.rounds * SAMPLE_ROWS * SAMPLE_BYTES
    if free < needed:
        raise OutputError(
            f"{target.parent}: {needed >> 20} MB are needed, {free >> 20} are free; give another file with -o"
        )


# --- measuring -----------------------------------------------------------------------------


class JournalRecorder:
    """Writes what the runner measures to the journal."""

    def __init__(self, kept: Journal, rounds: Sequence[Round] = ()):
        self.journal = kept
        self.known: set[str] = set()
        self.rounds = list(rounds)

    def process(self, result: Result, process: Process) -> None:
        if result.key not in self.known:
            self.journal.append("result", {"key": result.key, "result": replace(result, processes=())})
            self.known.add(result.key)
        self.journal.append("process", {"key": result.key, "process": process})

    def failure(self, failure: Failure) -> None:
        self.journal.append("failure", failure)

    def skip(self, skip: Skip) -> None:
        self.journal.append("skip", skip)

    def round(self, done: Round) -> None:
        self.rounds.append(done)
        self.journal.append("round", done)
        self.journal.sync()


def measure(prepared: Prepared, watcher: Watcher) -> Outcome:
    """Run the rounds that are left and write the result file, even after Ctrl-C."""
    request, kept = prepared.request, prepared.journal
    recorder = JournalRecorder(kept, journal.rounds(prepared.earlier))
    starts = _starts(request.sides, watcher) if request.sides else None
    if starts:
        kept.append("session", {"layouts": {side: max(1, len(s.libraries)) for side, s in starts.items()}})
    runner = Runner(
        prepared.plan,
        prepared.machine,
        request.settings,
        Limits.of(request.profile, request.trial_seconds),
        watcher,
        recorder,
        request.seed,
        prepared.spent_seconds,
        starts=starts,
    )
    runner.continue_from(
        journal.results_by_key(prepared.earlier),
        journal.failures(prepared.earlier),
        _details(prepared.plan, prepared.earlier),
    )
    interrupted = True
    try:
        runner.prepare()
        runner.run(first_round=_first_round(prepared.earlier))
        interrupted = False
    except KeyboardInterrupt:
        pass
    except Exception:
        _write(prepared, runner, recorder.rounds, interrupted=True)
        watcher.note(f"What was measured: {prepared.target}")
        watcher.note(f"Go on with: {resume_command(kept.path)}")
        raise
    session = _write(prepared, runner, recorder.rounds, interrupted)
    if not interrupted:
        kept.path.unlink()
    return Outcome(session, prepared.target, kept.path if interrupted else None)


def _starts(settings: Sequence[Setting], watcher: Watcher) -> dict[SideName | None, Start]:
    """How each side's processes are started; a checkout is built in several orders before."""
    return {
        name: sides.start_of(
            setting, orders.build(Path(setting.checkout), watcher.preparing) if setting.checkout else ()
        )
        for name, setting in zip(SIDES, settings, strict=True)
    }


def resume_command(kept: Path) -> str:
    return f"armbench run --resume {shlex.quote(str(kept))}"


def _first_round(earlier: Sequence[Record]) -> int:
    """The round to go on with: one that was interrupted is done again."""
    done = journal.rounds(earlier)
    if not done:
        return 0
    return done[-1].index + ("interrupted" not in done[-1].quality)


def _details(plan: Plan, earlier: Sequence[Record]) -> dict[tuple[str, str], str]:
    """What the libraries said of themselves in an interrupted session."""
    said = [record.payload["libraries"] for record in earlier if record.kind == "software"]
    by_package = {entry["name"]: entry["detail"] for libraries in said for entry in libraries}
    return {
        (trial.kernel.name, trial.variant.name): detail
        for trial in plan.trials
        if trial.variant.library and (detail := by_package.get(trial.variant.library.package))
    }


def _write(prepared: Prepared, runner: Runner, rounds: Sequence[Round], interrupted: bool) -> Session:
    """End the journal and write the result file from it."""
    evidence = doctor.Evidence(prepared.machine, rounds=tuple(rounds))
    for finding in doctor.findings(doctor.RULES_OF_ROUNDS, evidence):
        prepared.journal.append("finding", finding)
    _close(prepared, runner, interrupted)
    session = journal.assemble(journal.read_journal(prepared.journal.path))
    results.write(session, prepared.target)
    return session


def _close(prepared: Prepared, runner: Runner, interrupted: bool) -> None:
    kept = prepared.journal
    for result in runner.results():
        kept.append("result", {"key": result.key, "result": replace(result, processes=())})
    said = {name: text for name, text in _libraries(prepared.plan, runner.details).items() if text}
    kept.append("software", software.describe({**prepared.details, **said}))
    kept.append("session", {"ended": utc_now(), "partial": interrupted})
    kept.close()


def measured_share(session: Session) -> float | None:
    """The share of a session's time that was spent in samples and warm-up."""
    started, ended = session.session["started"], session.session["ended"]
    if not ended:
        return None
    elapsed = session.session.get("seconds") or (_moment(ended) - _moment(started)).total_seconds()
    return estimates.measured_seconds(session.results) / elapsed if elapsed > 0 else None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


# --- going on with an interrupted one ------------------------------------------------------


def reopen(path: Path) -> Prepared:
    """The rest of an interrupted session, by its journal or its partial result file.

    Raises ResumeError when this is another boot, machine or build.
    """
    is_journal = path.name.endswith(results.PARTIAL_SUFFIX)
    kept_path = path if is_journal else _journal_path(path)
    records = journal.read_journal(kept_path)
    header = records[0].payload
    since = condition.ticks()
    machine = host.detect(clock=True)
    _check_same(header, machine)
    request = request_of(header["request"])
    plan = request.plan(machine)
    evidence = _examine(machine, plan, since)
    found = doctor.findings(doctor.RULES, evidence)
    kept, spent = Journal.reopen(kept_path)
    for finding in found:
        kept.append("finding", finding)
    target = kept_path.with_name(header["target"])
    return Prepared(
        request, machine, plan, kept, target, tuple(records), spent, found, _library_details(evidence)
    )


def _check_same(header: Mapping[str, Json], machine: Machine) -> None:
    pairs = {
        "boot": (header["session"]["boot_id"], host.boot_id()),
        "machine": (header["machine"]["comparability_key"], machine.comparability_key),
        "build": (header["software"]["native"]["build_hash"], native.build()[0]),
    }
    for name, (before, now) in pairs.items():
        if before != now:
            raise ResumeError(f"another {name} than when the run began; start a new one with: armbench run")
