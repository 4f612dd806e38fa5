"""`armbench run`: from the options to a result file, whatever happens in between."""

from __future__ import annotations

import re
import secrets
import shutil
import signal
import subprocess
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import FrameType

from rich.console import Console

from armbench.bench import __version__, codec, journal, native, results, software, stats
from armbench.bench import machine as host
from armbench.bench.journal import Journal, Record
from armbench.bench.errors import UserError
from armbench.bench.model import Failure, Json, Machine, Mode, Process, Result, Round, Session, Settings
from armbench.bench.plan import PROFILES, Plan, Profile, SelectionError, Selector, make_plan, parse_cpus
from armbench.bench.progress import TerminalProgress, duration
from armbench.bench.report.session import headline, print_session
from armbench.bench.runner import Limits, Runner, utc_now

OK, FAILED, INTERRUPTED = 0, 6, 130
MODES: dict[str, tuple[Mode, ...]] = {
    "throughput": ("throughput",),
    "parallel": ("parallel",),
    "both": ("throughput", "parallel"),
}
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
class Request:
    """What is to be measured: from the options, or from the journal of an interrupted run."""

    select: tuple[str, ...]
    settings: Settings
    profile: Profile
    cpus: str
    mode: str
    trial_seconds: float
    seed: int

    @classmethod
    def of(cls, options: Namespace) -> Request:
        profile = PROFILES[options.profile]
        given = {
            "rounds": options.rounds,
            "budget_seconds": options.budget,
            "precision": options.precision and options.precision / 100,
        }
        return cls(
            select=tuple(options.select),
            settings=Settings(corpus=options.corpus, vocabulary=options.vocabulary),
            profile=replace(profile, **{name: value for name, value in given.items() if value}),
            cpus=options.cpus,
            mode=options.mode,
            trial_seconds=options.limit,
            seed=secrets.randbits(32) if options.seed is None else options.seed,
        )

    def plan(self, machine: Machine) -> Plan:
        """Raises SelectionError when nothing of what was selected can run here."""
        usable = host.usable_cpus()[: machine.budget.cpus]
        cpu_sets = parse_cpus(self.cpus, usable)
        selectors = [Selector.parse(text) for text in self.select]
        plan = make_plan(selectors, self.settings, self.profile, cpu_sets, MODES[self.mode])
        if not plan.trials:
            reasons = "; ".join(f"{skip.kernel}/{skip.variant}: {skip.reason}" for skip in plan.skips[:3])
            raise SelectionError(f"nothing to run: {reasons}")
        return plan


def run(options: Namespace, out: Console, err: Console) -> int:
    """Run the profile's sessions and print their reports; the exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    if options.resume:
        return _resume(options.resume, out, err)
    request = Request.of(options)
    code = OK
    for _ in range(request.profile.sessions):
        code = max(code, _new(request, options.output, out, err))
        if code == INTERRUPTED:
            break
    return code


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


# --- a new session -------------------------------------------------------------------------


def _new(request: Request, output: Path | None, out: Console, err: Console) -> int:
    machine = host.detect(clock=True)
    plan = request.plan(machine)
    info = _session_info(request)
    target = output or _default_target(machine, info)
    _check_room(target, plan, request.profile)
    header = {
        "session": info,
        "machine": machine,
        "software": software.describe(_libraries(plan)),
        "request": _request_json(request),
        "trials": [trial.key for trial in plan.trials],
    }
    kept = Journal.create(_journal_path(target), header)
    for skip in plan.skips:
        kept.append("skip", skip)
    err.print(headline(machine), style="bold", highlight=False)
    err.print(_announcement(plan, request.profile), highlight=False)
    return _measure(request, machine, plan, kept, target, [], out, err)


def _announcement(plan: Plan, profile: Profile) -> str:
    cases = len({(trial.kernel.name, trial.case.name) for trial in plan.trials})
    text = f"{len(plan.trials)} trials of {cases} cases, up to {profile.rounds} rounds"
    if profile.budget_seconds is None:
        return f"{text}; the first will tell how long"
    return f"{text}, at most about {duration(profile.budget_seconds)}"


def _session_info(request: Request) -> dict[str, Json]:
    return {
        "id": secrets.token_hex(4),
        "started": utc_now(),
        "ended": None,
        "argv": [*request.select, f"--profile={request.profile.name}", f"--cpus={request.cpus}", f"--mode={request.mode}"],
        "profile": request.profile.name,
        "version": __version__,
        "commit": _commit(),
        "seed": request.seed,
        "partial": True,
        "boot_id": host.boot_id(),
        "sides": None,
    }


def _commit() -> str | None:
    """The commit of the checkout that this code runs from, None for an installed one."""
    folder = Path(__file__).parent
    try:
        answer = subprocess.run(
            ["git", "-C", folder, "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() if (folder.parent / ".git").exists() else None


def _libraries(plan: Plan) -> list[str]:
    libraries = (trial.variant.library for trial in plan.trials)
    return sorted({library.package for library in libraries if library})


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
    columns = sum(min(SAMPLE_COLUMNS, trial.placement.threads) for trial in plan.trials)
    needed = SPARE_BYTES + 2 * columns * profile.rounds * SAMPLE_ROWS * SAMPLE_BYTES
    if free < needed:
        raise OutputError(
            f"{target.parent}: {needed >> 20} MB are needed and {free >> 20} MB free; give another file with -o"
        )


# --- measuring -----------------------------------------------------------------------------


class JournalRecorder:
    """Writes what the runner measures to the journal."""

    def __init__(self, kept: Journal):
        self.journal = kept
        self.known: set[str] = set()

    def process(self, result: Result, process: Process) -> None:
        if result.key not in self.known:
            self.journal.append("result", {"key": result.key, "result": replace(result, processes=())})
            self.known.add(result.key)
        self.journal.append("process", {"key": result.key, "process": process})

    def failure(self, failure: Failure) -> None:
        self.journal.append("failure", failure)

    def round(self, done: Round) -> None:
        self.journal.append("round", done)
        self.journal.sync()


def _measure(
    request: Request,
    machine: Machine,
    plan: Plan,
    kept: Journal,
    target: Path,
    earlier: Sequence[Record],
    out: Console,
    err: Console,
) -> int:
    """Run the rounds that `earlier` records lack; then the file and its report, even after Ctrl-C."""
    limits = Limits.of(request.profile, request.trial_seconds)
    code = OK
    with TerminalProgress(err) as progress:
        runner = Runner(
            plan, machine, request.settings, limits, progress, JournalRecorder(kept), request.seed
        )
        runner.continue_from(journal.results_by_key(earlier))
        try:
            runner.prepare()
            runner.run(first_round=sum(record.kind == "round" for record in earlier))
        except KeyboardInterrupt:
            code = INTERRUPTED
        finally:
            _close(kept, runner, plan, finished=code == OK)
    return _report(kept.path, target, code, out, err)


def _close(kept: Journal, runner: Runner, plan: Plan, finished: bool) -> None:
    for result in runner.results():
        kept.append("result", {"key": result.key, "result": replace(result, processes=())})
    kept.append("software", software.describe(_libraries(plan), runner.details))
    kept.append("session", {"ended": utc_now(), "partial": not finished})
    kept.close()


def _report(kept: Path, target: Path, code: int, out: Console, err: Console) -> int:
    session = journal.assemble(journal.read_journal(kept))
    results.write(session, target)
    show(session, out)
    if code == INTERRUPTED:
        err.print(f"Interrupted. What was measured: {target}", highlight=False, soft_wrap=True)
        err.print(f"Go on with: armbench run --resume {kept}", highlight=False, soft_wrap=True)
        return INTERRUPTED
    kept.unlink()
    err.print(f"Result file: {target}", highlight=False, soft_wrap=True)
    return FAILED if session.failed else OK


def show(session: Session, out: Console) -> None:
    """Print the report of a session."""
    summaries = [stats.summarize(result) for result in session.results]
    print_session(session, summaries, _measured_share(session), out)


def _measured_share(session: Session) -> float | None:
    started, ended = session.session["started"], session.session["ended"]
    if not ended:
        return None
    elapsed = (_moment(ended) - _moment(started)).total_seconds()
    return stats.measured_seconds(session.results) / elapsed if elapsed > 0 else None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


# --- going on with an interrupted one ------------------------------------------------------


def _resume(path: Path, out: Console, err: Console) -> int:
    """Raises ResumeError when the journal is of another boot, machine or build."""
    kept_path = _journal_path(path) if path.suffix == ".json" else path
    records = journal.read_journal(kept_path)
    header = records[0].payload
    machine = host.detect(clock=True)
    _check_same(header, machine)
    request = _request_of(header["request"])
    plan = request.plan(machine)
    target = kept_path.with_name(kept_path.name.removesuffix(results.PARTIAL_SUFFIX) + ".json")
    err.print(headline(machine), style="bold", highlight=False)
    return _measure(request, machine, plan, Journal.reopen(kept_path), target, records, out, err)


def _check_same(header: Mapping[str, Json], machine: Machine) -> None:
    pairs = {
        "boot": (header["session"]["boot_id"], host.boot_id()),
        "machine": (header["machine"]["comparability_key"], machine.comparability_key),
        "build": (header["software"]["native"]["build_hash"], native.build()[0]),
    }
    for name, (before, now) in pairs.items():
        if before != now:
            raise ResumeError(f"another {name} than when the run began; start a new one with: armbench run")


def _request_json(request: Request) -> dict[str, Json]:
    document = codec.encode(request)
    document["settings"] = {name: value and str(value) for name, value in document["settings"].items()}
    return document


def _request_of(document: Json) -> Request:
    paths = {name: value and Path(value) for name, value in document["settings"].items()}
    profile = Profile(**document["profile"])
    given = {**document, "select": tuple(document["select"]), "settings": Settings(**paths), "profile": profile}
    return Request(**given)
