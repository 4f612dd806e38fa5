"""Work in a child process, so that a crash fails one test and is told apart by name."""

from __future__ import annotations

import mmap
import os
import signal
import traceback
from collections.abc import Callable

Note = Callable[[str], None]
_ROOM = 4096


def isolated(work: Callable[[Note], None]) -> None:
    """Run work(note) in a fork of this process; it calls note(what) before whatever may crash.

    Raises AssertionError with the child's traceback, or with what it last noted if it died.
    """
    memory = mmap.mmap(-1, 2 * _ROOM)  # shared: what was noted, then the traceback

    def say(at: int, text: str) -> None:
        line = text.encode()[: _ROOM - 1] + b"\0"
        memory[at : at + len(line)] = line

    def said(at: int) -> str:
        return memory[at : at + _ROOM].split(b"\0")[0].decode(errors="replace")

    child = os.fork()
    if child == 0:
        status = 1
        try:
            work(lambda what: say(0, what))
            status = 0
        except BaseException:
            say(_ROOM, traceback.format_exc()[1 - _ROOM :])
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        raise AssertionError(f"{said(0)}: ended by {name}")
    assert os.WEXITSTATUS(status) == 0, f"{said(0)}:\n{said(_ROOM)}"
