"""The console of rich, for a reader who may go away."""

from __future__ import annotations

from rich.console import Console

from armbench.bench.report.output import write_nowhere


class Screen(Console):
    """A console without reader: BrokenPipeError where it is needed, else silence."""

    needed = True

    def on_broken_pipe(self) -> None:
        if self.needed:
            raise BrokenPipeError
        self.quiet = True
        write_nowhere(self.file)
