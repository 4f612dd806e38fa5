"""The armbench command: arguments in, streams and an exit code out."""

from __future__ import annotations

import errno
import gc
import json
import signal
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import chain
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, TextIO

from armbench.bench.arguments import UsageError, parse
from armbench.bench.errors import UserError
from armbench.bench.report.output import Output, write_nowhere

if TYPE_CHECKING:
    from armbench.bench.compare import Comparison
    from armbench.bench.doctor import Evidence
    from armbench.bench.model import Session
    from armbench.bench.run.session import Prepared
    from armbench.bench.selftest.experiment import Comparison as Compared

OK, SLOWER, USAGE, UNDECIDED, INCOMPARABLE, NOTHING, FAILED, WRONG, INTERNAL, INTERRUPTED = (
    0, 1, 2, 3, 4, 5, 6, 7, 70, 130,
)  # fmt: skip


def main() -> None:
    sys.exit(run(sys.argv[1:], sys.stdout, sys.stderr))


def run(words: Sequence[str], out: TextIO, err: TextIO) -> int:
    """Do what the words say; the exit code of the process."""
    try:
        options = parse(words)
        return VERBS[options.verb](options, Output(out), Output(err, needed=False))
    except KeyboardInterrupt:
        err.write("interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:  # `armbench … | head` is no error
        write_nowhere(out)
        return OK
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            write_nowhere(out)  # else what is left of it fails once more at the exit
            error = UserError(f"{error.strerror}: not everything was written; make room, or write elsewhere")
        return _complain(error, err)


def _complain(error: Exception, err: TextIO) -> int:
    """One line for what the user can mend; the trace only for our own mistakes."""
    if isinstance(error, UserError):
        err.write(f"armbench: {error}\n")
        return error.exit_code
    import traceback

    traceback.print_exception(error, file=err)
    err.write("armbench: this is a mistake of armbench itself; please report it with the lines above\n")
    return INTERNAL


# --- verbs ---------------------------------------------------------------------------------


@contextmanager
def _uncollected() -> Iterator[None]:
    """Modules load a tenth faster while no garbage is looked for; for verbs that are done at once."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@_uncollected()
def machine(options: Namespace, out: Output, err: Output) -> int:
    from armbench.bench import codec
    from armbench.bench import machine as host
    from armbench.bench.report.machine import machine_lines

    del err
    root = options.root or Path("/")
    if not root.is_dir():
        raise UsageError(f"--root {root}: no such folder")
    found = host.detect(root, clock=options.clock, metadata=not options.no_imds)
    if options.json:
        _print_json(codec.encode(found), out)
    else:
        out.print_lines(machine_lines(found, out.width))
    return OK


@_uncollected()
def listing(options: Namespace, out: Output, err: Output) -> int:
    from armbench.bench import registry
    from armbench.bench.model import Settings
    from armbench.bench.report.listing import kernels_json, listing_lines

    del err
    settings = Settings(corpus=options.corpus, vocabulary=options.vocabulary)
    kernels = registry.kernels()
    variants = {name: registry.variants(name) for name in kernels}
    cases = {name: kernel.cases(settings) for name, kernel in kernels.items()}
    if options.json:
        _print_json(kernels_json(kernels, variants, cases), out)
    else:
        out.print_lines(listing_lines(kernels, variants, cases, out.width))
    return OK


def measure(options: Namespace, out: Output, err: Output) -> int:
    from armbench.bench.run import session
    from armbench.bench.run.request import Request

    with _first_interrupt_counts():
        if options.resume:
            if options.given - {"resume"}:
                raise UsageError("--resume goes on with what the run was asked for; give it alone")
            return _measure(session.reopen(options.resume), err, lambda done: _print_session(done, out))
        request = Request.of(options)
        if options.output and request.profile.sessions > 1:
            raise UsageError(f"--profile {options.profile} writes several files; leave -o out")
        code = OK
        for index in range(request.profile.sessions):
            one = replace(request, seed=request.seed + index)
            prepared = session.prepare(one, options.output, options.words)
            code = max(code, _measure(prepared, err, lambda done: _print_session(done, out)))
            if code == INTERRUPTED:
                break
        return code


@contextmanager
def _first_interrupt_counts() -> Iterator[None]:
    """Ctrl-C and SIGTERM end the measuring; a second one cannot keep the file from being written."""
    numbers = (signal.SIGINT, signal.SIGTERM)

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {n: signal.signal(n, interrupt) for n in numbers if signal.getsignal(n) != signal.SIG_IGN}
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) == interrupt:  # else one has come: deaf until the end
                signal.signal(number, handler)


def ab(options: Namespace, out: Output, err: Output) -> int:
    from armbench.bench.compare import compare_sides, exit_code
    from armbench.bench.run import session
    from armbench.bench.run.request import Request

    found: list[Comparison] = []

    def verdicts(done: Session) -> None:
        found.append(compare_sides(done))
        _print_comparisons(found, "json" if options.json else "table", out)

    with _first_interrupt_counts():
        request = Request.of_sides(options)
        code = _measure(session.prepare(request, options.output, options.words), err, verdicts)
    return code or exit_code(found, options.gate, options.strict)


def _measure(prepared: Prepared, err: Output, present: Callable[[Session], None]) -> int:
    """Measure, and present what came out of it, were it but a part."""
    from armbench.bench.report.doctor import warnings
    from armbench.bench.report.progress import TerminalProgress, announcement
    from armbench.bench.report.session import headline
    from armbench.bench.run.session import measure, resume_command

    err.console.print(headline(prepared.machine), style="bold")
    for line, style in warnings(prepared.findings):
        err.console.print(line, style=style, markup=False)
    err.console.print(announcement(prepared.plan, prepared.request.profile))
    with TerminalProgress(err.console) as progress:
        outcome = measure(prepared, progress)
    present(outcome.session)
    if outcome.resumable:
        err.console.print(f"Interrupted. What was measured: {outcome.path}", soft_wrap=True, markup=False)
        err.console.print(f"Go on with: {resume_command(outcome.resumable)}", soft_wrap=True, markup=False)
        return INTERRUPTED
    err.console.print(f"Result file: {outcome.path}", soft_wrap=True, markup=False)
    return FAILED if outcome.session.failed else OK


def show(options: Namespace, out: Output, err: Output) -> int:
    from armbench.bench import foreign, results
    from armbench.bench.compare import compare_sides, has_sides

    del err
    session = foreign.read(options.file)
    if options.json:
        _print_json({**results.to_json(session), **_scaling_json(session)}, out)
    elif has_sides(session):
        _print_comparisons([compare_sides(session)], "table", out)
    else:
        _print_session(session, out)
    return OK


def doctor(options: Namespace, out: Output, err: Output) -> int:
    from armbench.bench.doctor import RULES, findings
    from armbench.bench.report import doctor as report

    evidence = _evidence(options, err)
    found = findings(RULES, evidence)
    if options.json:
        _print_json(report.doctor_json(evidence, found), out)
    else:
        report.print_doctor(evidence, found, len(RULES), out.console)
    return WRONG if any(finding.severity == "wrong numbers" for finding in found) else OK


def _evidence(options: Namespace, err: Output) -> Evidence:
    from armbench.bench import doctor
    from armbench.bench import machine as host
    from armbench.bench.machine import condition

    if options.root:
        if not options.root.is_dir():
            raise UsageError(f"--root {options.root}: no such folder")
        return doctor.from_files(options.root)
    since = condition.ticks()
    found = host.detect(clock=True, metadata=not options.no_imds)
    examination = doctor.Examination(found, since, doctor.LIBRARIES, cross_check=True)
    try:
        with err.console.status("asking the libraries …") if err.terminal else nullcontext():
            return examination.finish()
    finally:
        examination.stop()


def validate(options: Namespace, out: Output, err: Output) -> int:
    from armbench.bench import results

    code = OK
    for path in options.file:  # every one, whatever is wrong with the others
        try:
            problems = results.validate(path)
        except UserError as error:
            err.console.print(f"armbench: {error}", markup=False, soft_wrap=True)
            code = USAGE
            continue
        count = f"{len(problems)} problem{'s' * (len(problems) != 1)}" if problems else "valid"
        out.console.print(
            f"{path}: {count}",
            *(f"  {problem}" for problem in problems),
            sep="\n",
            markup=False,
            soft_wrap=True,
        )
        code = USAGE if problems else code
    return code


@_uncollected()
def compare(options: Namespace, out: Output, err: Output) -> int:
    from armbench.bench import foreign
    from armbench.bench.compare import compare, compare_sides, crosstab, exit_code, from_bytes, pooled

    first, *rest = ([*foreign.read_all(path, from_bytes)] for path in (options.base, *options.new))
    if options.vs:
        first += chain(*rest)
        rest = [[*foreign.read_all(path, from_bytes)] for path in options.vs]
    noise = _noise_beside((options.base, *options.new, *options.vs), [*first, *chain(*rest)], err)
    if options.by:
        key, _, base = options.by.partition("=")
        comparisons = crosstab([*first, *chain(*rest)], key, base or None, noise=noise)
    elif rest:
        comparisons = [compare(first, new, noise=noise) for new in pooled(rest)]
    elif len(first) > 1:
        raise UserError(f"{options.base}: a folder is one side; give a second file or folder")
    else:
        comparisons = [compare_sides(first[0])]
    _print_comparisons(comparisons, options.format, out)
    return exit_code(comparisons, options.gate, options.strict)


def _noise_beside(paths: Sequence[Path], given: Sequence[Session], err: Output) -> list[Session]:
    """Sessions of --profile noise that lie beside the files, but those that are among them."""
    from armbench.bench import foreign
    from armbench.bench.compare import files_beside, from_bytes

    known = {session.path for session in given}
    found = []
    for path in files_beside(paths):
        try:
            found += [] if path in known else [foreign.read(path, from_bytes)]
        except UserError as error:  # nobody asked for this file
            err.console.print(f"not used for margins: {error}", markup=False, soft_wrap=True)
    return found


def selftest(options: Namespace, out: Output, err: Output) -> int:
    from armbench.bench.report import selftest as report
    from armbench.bench.report.progress import StepProgress
    from armbench.bench.selftest import course

    wanted = course.Wanted.of(options.regimes, options.compares, options.rounds, options.seed)
    with _first_interrupt_counts(), StepProgress(err.console) as progress:
        found = course.run(wanted, options.raw, progress.step, lambda done: _keep(options.report, done))
    out.write("".join(f"{line}\n" for line in report.lines(found)))
    return WRONG if course.failed(found) else OK


def _keep(path: Path | None, found: Sequence[Compared]) -> None:
    """Rewrite the report after every comparison: a long self-test can be read while it runs."""
    from armbench.bench.report import selftest as report

    if path:
        path.write_text(report.markdown(found))


def _print_comparisons(comparisons: Sequence[Comparison], form: str, out: Output) -> None:
    from armbench.bench.report import comparison as report

    texts = {
        "json": report.comparison_json,
        "markdown": report.comparison_markdown,
        "csv": report.comparison_csv,
    }
    if comparisons[0].by and form == "markdown":
        out.write(report.crosstab_markdown(comparisons))
    elif form == "table":
        show = report.print_crosstab if comparisons[0].by else report.comparison_tables
        show(comparisons, out.console)
    else:
        out.write(texts[form](comparisons))


def _print_session(session: Session, out: Output) -> None:
    from armbench.bench import estimates, scaling
    from armbench.bench.report.session import print_session
    from armbench.bench.run.session import measured_share

    summaries = [estimates.summarize(result) for result in session.results]
    curves = [scaling.analyze(curve) for curve in scaling.curves(session)]
    print_session(session, summaries, measured_share(session), out.console, curves, scaling.splits(session))


def _scaling_json(session: Session) -> dict[str, object]:
    from armbench.bench import scaling

    curves = [scaling.analyze(curve) for curve in scaling.curves(session)]
    return {
        "curves": scaling.curves_json(curves),
        "splits": scaling.splits_json(scaling.splits(session)),
    }


def _print_json(document: object, out: Output) -> None:
    out.write(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


VERBS: dict[str, Callable[[Namespace, Output, Output], int]] = {
    "machine": machine,
    "list": listing,
    "run": measure,
    "ab": ab,
    "show": show,
    "selftest": selftest,
    "compare": compare,
    "doctor": doctor,
    "validate": validate,
}
