"""The command line as argparse parsers: one-line errors, near names, environment variables."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from armbench.bench import __version__
from armbench.bench.errors import UserError

LARGEST = 1_000_000  # rounds, or seconds: eleven days
CROWDED = 1000  # threads a CPU at most
TRUE = {"1", "true", "yes", "on"}


class UsageError(UserError):
    """What the user typed cannot be done; the message is one line that says what to type."""


class Parser(argparse.ArgumentParser):
    """Raises UsageError with one line instead of printing the usage and leaving."""

    def __init__(self, prog: str, description: str):
        super().__init__(prog=prog, description=description, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)

    def parse_known(self, words: Sequence[str]) -> argparse.Namespace:
        options, unknown = self.parse_known_args(words)
        if unknown:
            self._refuse(unknown[0])
        return options

    def _refuse(self, word: str) -> NoReturn:
        if not word.startswith("-"):
            raise UsageError(f"unexpected argument {word}; see {self.prog} --help")
        known = [option for action in self._actions for option in action.option_strings]
        close = _close(word.split("=")[0], known, 3)
        hint = f"did you mean {', '.join(close)}?" if close else f"see {self.prog} --help"
        raise UsageError(f"unknown option {word}; {hint}")


def _close(word: str, known: Iterable[str], most: int) -> list[str]:
    from difflib import get_close_matches  # only for what is mistyped

    return get_close_matches(word, list(known), most, cutoff=0.5)


def positive(text: str) -> float:
    value = float(text)
    if not 0 < value <= LARGEST:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most {LARGEST:,}")
    return value


def above_one(text: str) -> float:
    value = float(text)
    if not 1 < value <= CROWDED:
        raise argparse.ArgumentTypeError(f"{text} is not above 1 and at most {CROWDED}")
    return value


def count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= LARGEST:
        raise argparse.ArgumentTypeError(f"{text} is not from 1 to {LARGEST:,}")
    return value


def _machine(parser: Parser) -> None:
    parser.add_argument("--root", type=Path, metavar="DIR", help="read another machine's /proc and /sys here")
    parser.add_argument(
        "--clock", action="store_true", help="measure clocks and timer, and try perf events (takes 0.1 s)"
    )
    parser.add_argument("--no-imds", action="store_true", help="do not ask EC2's metadata service")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _list(parser: Parser) -> None:
    parser.add_argument("--corpus", type=Path, metavar="FILE", help="own text for tokenization")
    parser.add_argument("--vocabulary", type=Path, metavar="FILE", help="rank file or tokenizer.json")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _run(parser: Parser) -> None:
    from armbench.bench.run.plan import PROFILES  # loads numpy, which other verbs do without

    parser.add_argument(
        "select", nargs="*", metavar="SELECT", help="KERNEL[/VARIANT[/CASE]] with globs; none selects all"
    )
    parser.add_argument("--profile", choices=list(PROFILES), default="standard")
    parser.add_argument(
        "--cpus",
        default="1,all",
        metavar="1|all|ladder|LIST",
        help="1 and all (the default); 1, 2, 4, … and wherever a cache or node is full; or these",
    )
    parser.add_argument(
        "--mode",
        choices=["throughput", "parallel", "both", "split"],
        default="throughput",
        help="own data on every CPU (the default), one problem shared by all, both of these, or every "
        "number of problems side by side on equal shares of the CPUs",
    )
    parser.add_argument(
        "--placement",
        default="compact",
        metavar="compact|spread|node:N",
        help="fill caches and nodes one after the other (default), take them in turn, or stay on a node; "
        "hardware threads of a core come last",
    )
    parser.add_argument(
        "--memory",
        default="local",
        metavar="local|interleave|node:N",
        help="have memory from the node of the thread that uses it (default), from all in turn, or from one",
    )
    parser.add_argument(
        "--oversubscribe",
        type=above_one,
        metavar="FACTOR",
        help="also measure so many times as many threads as the largest set has CPUs",
    )
    parser.add_argument("--budget", type=positive, metavar="SECONDS", help="stop after about so long")
    parser.add_argument(
        "--precision",
        type=positive,
        metavar="PERCENT",
        help="stop a trial when its interval is this narrow (half-width), from 12 rounds on",
    )
    parser.add_argument("--rounds", type=count, metavar="N", help="at most so many rounds")
    parser.add_argument(
        "--limit",
        type=positive,
        default=120.0,
        metavar="SECONDS",
        help="give a trial up that takes longer (default 120)",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="order of trials (default: random, recorded)")
    parser.add_argument("--corpus", type=Path, metavar="FILE", help="own text for tokenization")
    parser.add_argument("--vocabulary", type=Path, metavar="FILE", help="rank file or tokenizer.json")
    parser.add_argument("--no-imds", action="store_true", help="do not ask EC2's metadata service")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="result file")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="go on with an interrupted run")


def _ab(parser: Parser) -> None:
    parser.add_argument(
        "select", nargs="+", metavar="SELECT", help="KERNEL[/VARIANT[/CASE]] with globs, as for run"
    )
    for side in "ab":
        parser.add_argument(
            f"--{side}",
            action="append",
            metavar="SETTING",
            help=f"what side {side.upper()} changes, as often as you like: env:NAME=VALUE, python:PATH, "
            "variant:NAME, cpus:LIST, huge-pages:never, or checkout:PATH",
        )
    parser.add_argument("--same", action="store_true", help="both sides the same: what noise looks like")
    parser.add_argument("--rounds", type=count, metavar="N", help="rounds (default 20)")
    parser.add_argument("--budget", type=positive, metavar="SECONDS", help="stop after about so long")
    parser.add_argument("--cpus", default="1", metavar="1|all|LIST", help="of both sides (default 1)")
    parser.add_argument("--mode", choices=["throughput", "parallel", "both", "split"], default="throughput")
    parser.add_argument("--placement", default="compact", metavar="compact|spread|node:N")
    parser.add_argument("--memory", default="local", metavar="local|interleave|node:N")
    parser.add_argument("--gate", action="store_true", help="exit 1 when side B is slower")
    parser.add_argument("--strict", action="store_true", help="exit 3 when something is undecided")
    parser.add_argument("--json", action="store_true", help="print the verdicts as JSON")
    parser.add_argument(
        "--limit", type=positive, default=120.0, metavar="SECONDS", help="give a trial up that takes longer"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="order of trials (default: random, recorded)")
    parser.add_argument("--corpus", type=Path, metavar="FILE", help="own text for tokenization")
    parser.add_argument("--vocabulary", type=Path, metavar="FILE", help="rank file or tokenizer.json")
    parser.add_argument("--no-imds", action="store_true", help="do not ask EC2's metadata service")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="result file")


def _selftest(parser: Parser) -> None:
    parser.add_argument(
        "--compares", type=count, default=2, metavar="N", help="comparisons a regime (default 2: 20 seconds)"
    )
    parser.add_argument(
        "--regimes",
        default="quiet",
        metavar="LIST",
        help="quiet, neighbour, same-cpu, drift, or all (default quiet)",
    )
    parser.add_argument("--rounds", type=count, metavar="N", help="rounds of a comparison (default 12)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of orders and of the true answers")
    parser.add_argument(
        "--raw", type=Path, metavar="FILE", help="keep every sample here; what it has already is not repeated"
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="write what was found as Markdown")


def _show(parser: Parser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="print JSON with the derived numbers")


def _compare(parser: Parser) -> None:
    parser.add_argument(
        "base", type=Path, metavar="BASE", help="a file, or a folder whose files are sessions of one side"
    )
    parser.add_argument(
        "new",
        type=Path,
        nargs="*",
        metavar="NEW",
        help="likewise, those of one set-up together; none: BASE is of armbench ab and holds both sides",
    )
    parser.add_argument(
        "--vs",
        type=Path,
        nargs="+",
        default=[],
        metavar="NEW",
        help="these are NEW, and all before them are sessions of BASE",
    )
    parser.add_argument(
        "--by",
        metavar="KEY[=BASE]",
        help="compare the values of a key in all files with BASE, or with the first: variant, threads, "
        "instance, core, kernel, file, a library, a parameter of the cases …",
    )
    parser.add_argument("--format", choices=["table", "json", "markdown", "csv"], default="table")
    parser.add_argument("--gate", action="store_true", help="exit 1 when something is slower")
    parser.add_argument("--strict", action="store_true", help="exit 3 when something is undecided")


def _doctor(parser: Parser) -> None:
    parser.add_argument("--root", type=Path, metavar="DIR", help="read another machine's /proc and /sys here")
    parser.add_argument("--no-imds", action="store_true", help="do not ask EC2's metadata service")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _validate(parser: Parser) -> None:
    parser.add_argument("file", type=Path, nargs="+", metavar="FILE")


VERBS = {
    "machine": (_machine, "what this machine is"),
    "list": (_list, "kernels, variants and cases, runnable or why not"),
    "run": (_run, "measure and write a result file"),
    "show": (_show, "a result file as a table"),
    "ab": (_ab, "two settings on this machine, measured in turn, and a verdict for each trial"),
    "selftest": (_selftest, "whether verdicts hold here, by comparisons whose answer is known"),
    "compare": (_compare, "two or more result files"),
    "doctor": (_doctor, "what makes the numbers of this machine wrong or slow, and what to do"),
    "validate": (_validate, "check result files against the schema"),
}


def _parser() -> Parser:
    top = Parser(
        prog="armbench",
        description="What an Arm CPU really does on the kernels of AI inference and agentic work.",
    )
    top.add_argument("--version", action="version", version=f"armbench {__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="VERB")
    for name, (fill, help_text) in VERBS.items():
        fill(verbs.add_parser(name, help=help_text, description=help_text[0].upper() + help_text[1:] + "."))
    return top


def parse(words: Sequence[str], environment: Mapping[str, str] = os.environ) -> argparse.Namespace:
    """The options of a command line; ARMBENCH_<OPTION> stands in for what is not given.

    Beside them: `verb`, `words` (all, those of the environment first) and `given` (the names of
    what the command line itself changes).

    Raises UsageError; leaves with status 0 after --help and --version.
    """
    if not words or words[0].startswith("-"):
        _parser().parse_known(words)
        raise UsageError(f"say what to do: armbench {' | '.join(VERBS)}")
    verb = words[0]
    if verb not in VERBS:
        close = _close(verb, VERBS, 2)
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(VERBS)}"
        raise UsageError(f"no verb {verb}; {hint}")
    mine = Parser(prog=f"armbench {verb}", description=VERBS[verb][1])
    VERBS[verb][0](mine)
    typed = mine.parse_known(words[1:])
    unlike = {a.dest for a in mine._actions if getattr(typed, a.dest, a.default) != a.default}
    given = {dest for dest in unlike if getattr(typed, dest) not in ([], None)}
    everything = [*_from_environment(mine, environment), *words[1:]]
    options = mine.parse_known(everything)
    options.verb, options.words, options.given = verb, everything, given
    return options


def _from_environment(mine: Parser, environment: Mapping[str, str]) -> list[str]:
    words: list[str] = []
    for action in mine._actions:
        value = environment.get(f"ARMBENCH_{action.dest.upper()}")
        if not action.option_strings or action.dest == "help" or not value:
            continue
        if action.nargs == 0:
            words += [action.option_strings[-1]] if value.lower() in TRUE else []
        else:
            words.append(f"{action.option_strings[-1]}={value}")
    return words
