"""Files below a root directory, and nothing outside it.

What is absent, unreadable, no regular file, or led to from outside the root is None: the
files of a machine are evidence, and evidence may be missing.
"""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from stat import S_ISDIR, S_ISLNK, S_ISREG

from armbench.bench import cpulist

TEXT_LIMIT = 1 << 20
PATH_LIMIT = 4096
HERE = Path("/")
CPU_LIMIT = 1 << 13  # the most that Linux can be built for
CPU = "sys/devices/system/cpu"
THP = "sys/kernel/mm/transparent_hugepage"
_LINKS_FOLLOWED = 40
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class HostFiles:
    """Reads files by their path below `root`, "proc/cpuinfo".

    Symbolic links are followed while they stay inside; directories are resolved once.
    """

    def __init__(self, root: Path):
        self.root = os.path.realpath(root)
        self.live = self.root == "/"
        self._folders: dict[str, str | None] = {"": self.root}

    def text(self, name: str, limit: int = TEXT_LIMIT) -> str | None:
        """The first `limit` bytes of a file without its outer white space, None when there is none."""
        data = self.data(name, limit)
        return None if data is None else data.decode(errors="replace").replace("\0", " ").strip()

    def data(self, name: str, limit: int) -> bytes | None:
        """The first `limit` bytes of a file, None when there is none."""
        parent, _, leaf = name.rpartition("/")
        folder = self._folder(parent)
        if folder is None or leaf in ("", ".", ".."):
            return None
        try:
            return self._read(folder, leaf, limit)
        except (OSError, ValueError):
            return None

    def line(self, name: str) -> str | None:
        """A one-line file's printable text, None when it is empty or absent."""
        text = (self.text(name, PATH_LIMIT) or "").split("\n")[0]
        return "".join(c for c in text if c.isprintable()).strip() or None

    def integer(self, name: str, base: int = 10) -> int | None:
        return to_int(self.text(name, PATH_LIMIT), base)

    def cpus(self, name: str) -> tuple[int, ...] | None:
        """The CPUs of a file in the kernel's list format."""
        text = self.text(name)
        return None if text is None else parse_cpus(text)

    def names(self, folder: str) -> list[str]:
        """The names in a directory, sorted; none when it is absent."""
        path = self._folder(folder)
        try:
            return sorted(os.listdir(path)) if path else []
        except OSError:
            return []

    def _folder(self, name: str) -> str | None:
        """The real path of a directory below the root."""
        if name not in self._folders:
            self._folders[name] = self._resolve(name) if len(name) <= PATH_LIMIT else None
        return self._folders[name]

    def _resolve(self, name: str) -> str | None:
        if self.live and ".." not in name:
            return "/" + name
        known, pending = name, []
        while known not in self._folders:
            known, _, part = known.rpartition("/")
            pending.append(part)
        path = self._folders[known]
        while pending and path is not None:
            part = pending.pop()
            known = f"{known}/{part}" if known else part
            path = self._folders[known] = self._step(path, part)
        return path

    def _step(self, parent: str, part: str) -> str | None:
        """The directory `part` of a real directory, through links that stay inside."""
        if part in ("", ".", ".."):
            return None
        path: str | None = f"{parent.rstrip('/')}/{part}"
        try:
            mode = os.lstat(path or "").st_mode
            if S_ISLNK(mode):
                path = self._follow(parent, part)
                mode = os.lstat(path).st_mode if path else 0
            return path if S_ISDIR(mode) else None
        except (OSError, ValueError):
            return None

    def _follow(self, parent: str, name: str) -> str | None:
        """Where a name in a real directory leads; nothing outside is even looked at."""
        path, pending, links = parent, [name], 0
        while pending:
            part = pending.pop()
            if part == "..":
                if path == self.root:
                    return None
                path = os.path.dirname(path)
            elif part not in ("", "."):
                step = os.path.join(path, part)
                if not S_ISLNK(os.lstat(step).st_mode):
                    path = step
                    continue
                links += 1
                start, target = self._target(path, os.readlink(step))
                if start is None or links > _LINKS_FOLLOWED:
                    return None
                path = start
                pending.extend(reversed(target.split("/")))
        return path

    def _target(self, folder: str, link: str) -> tuple[str | None, str]:
        """(real directory to start from, path from there) of a link's text."""
        if not link.startswith("/"):
            return folder, link
        root = self.root.rstrip("/") + "/"
        return (self.root, link[len(root) :]) if link.startswith(root) else (None, "")

    def _read(self, folder: str, leaf: str, limit: int) -> bytes | None:
        try:
            handle = os.open(f"{folder}/{leaf}", _OPEN)
        except OSError as error:
            path = self._follow(folder, leaf) if error.errno == errno.ELOOP else None
            if path is None:
                raise
            handle = os.open(path, _OPEN)
        try:
            if not S_ISREG(os.fstat(handle).st_mode):
                return None
            return _read_all(handle, limit)
        finally:
            os.close(handle)


def _read_all(handle: int, limit: int) -> bytes:
    """/proc hands its text out in pieces."""
    pieces: list[bytes] = []
    while limit > 0 and (piece := os.read(handle, min(limit, 1 << 16))):
        pieces.append(piece)
        limit -= len(piece)
    return b"".join(pieces)


# --- what the kernel writes ----------------------------------------------------------------


def to_int(text: str | None, base: int = 10) -> int | None:
    """A non-negative integer of at most 64 bits as the kernel prints it, or None."""
    pattern = r"[0-9]{1,20}" if base == 10 else r"(?:0[xX])?[0-9a-fA-F]{1,16}"
    text = (text or "").strip()
    return int(text, base) if re.fullmatch(pattern, text, re.ASCII) else None


def parse_cpus(text: str) -> tuple[int, ...] | None:
    """The CPUs of a list like "0-3,8", sorted; None when it is not such a list."""
    if not text.strip():
        return ()
    if not re.fullmatch(r"[0-9]{1,5}(-[0-9]{1,5})?( *, *[0-9]{1,5}(-[0-9]{1,5})?)*", text.strip(), re.ASCII):
        return None  # the numbers are bounded, so that no file can ask for a billion CPUs
    try:
        found = tuple(sorted(set(cpulist.parse(text))))
    except ValueError:
        return None
    return found if found[-1] < CPU_LIMIT else None
