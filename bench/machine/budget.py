"""What this process may use: CPUs (affinity, cpuset, quota) and memory, by cgroup versions 1 and 2."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from armbench.bench.machine.hostfiles import CPU, HostFiles, parse_cpus, to_int
from armbench.bench.model import Budget

_DEFAULT_MOUNTS = (
    ("", "sys/fs/cgroup"),
    ("cpu", "sys/fs/cgroup/cpu"),
    ("cpu", "sys/fs/cgroup/cpu,cpuacct"),
    ("cpuset", "sys/fs/cgroup/cpuset"),
    ("memory", "sys/fs/cgroup/memory"),
)
_CPUSET_FILES = {"": ("cpuset.cpus.effective",), "cpuset": ("cpuset.effective_cpus", "cpuset.cpus")}
_MEMORY_FILES = {  # limit, use, and the field of memory.stat that can be had back
    "": ("memory.max", "memory.current", "inactive_file"),
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}
_MOUNTS_USED = 8
_PATH_USED = 1024


@dataclass(frozen=True, slots=True)
class _Group:
    """A cgroup's directory below the root; version 2 has the controller ""."""

    controller: str
    folder: str


Cpus = tuple[int, ...]
Groups = tuple[_Group, ...]


def budget(files: HostFiles, online: Cpus) -> tuple[Budget, Cpus]:
    """The least of all limits and which one it is, and the CPUs within affinity and cpuset.

    At least 1 CPU where any is online.  A quota limits how many of the CPUs may run at a
    time, not which.
    """
    groups = tuple(_groups(files))
    everything = frozenset(online)
    cpuset = everything & (_cpuset(files, groups) or everything) or everything
    affinity = cpuset & (_affinity(files) or cpuset) or cpuset
    limits = [(len(everything), "all online CPUs"), (len(cpuset), "cpuset"), (len(affinity), "affinity")]
    quota = _quota(files, groups)
    if quota is not None:
        limits.append((max(1, int(quota)), f"cgroup quota {quota:.4g} CPU{'' if quota == 1 else 's'}"))
    cpus, reason = min(limits, key=lambda limit: limit[0])
    return Budget(cpus, reason), tuple(sorted(affinity))


def here(files: HostFiles) -> tuple[Budget, Cpus]:
    """budget() of the online CPUs, those of this thread's affinity where sysfs is silent."""
    online = files.cpus(f"{CPU}/online") or tuple(sorted(_affinity(files) or ()))
    return budget(files, online)


def allowed(files: HostFiles) -> Cpus:
    """The CPUs that this process may be pinned to."""
    return here(files)[1]


def _affinity(files: HostFiles) -> frozenset[int] | None:
    if files.live:
        return frozenset(os.sched_getaffinity(0))
    status = files.text("proc/self/status") or ""
    match = re.search(r"^Cpus_allowed_list:\s*(\S+)$", status, re.MULTILINE)
    return frozenset(parse_cpus(match[1]) or ()) if match else None


def _cpuset(files: HostFiles, groups: Groups) -> frozenset[int] | None:
    """The CPUs of the innermost group that has a cpuset."""
    for group in groups:
        for name in _CPUSET_FILES.get(group.controller, ()):
            if cpus := files.cpus(f"{group.folder}/{name}"):
                return frozenset(cpus)
    return None


def _quota(files: HostFiles, groups: Groups) -> float | None:
    """CPUs' worth of time per period, the least over the group and its ancestors."""
    found = [quota for group in groups if (quota := _group_quota(files, group))]
    return min(found, default=None)


def _group_quota(files: HostFiles, group: _Group) -> float | None:
    if group.controller == "":
        quota, _, period = (files.line(f"{group.folder}/cpu.max") or "").partition(" ")
    elif group.controller == "cpu":
        quota, period = (
            files.line(f"{group.folder}/cpu.cfs_{part}_us") or "" for part in ("quota", "period")
        )
    else:
        return None
    used, length = to_int(quota), to_int(period)
    return used / length if used and length else None


def memory_left(files: HostFiles) -> int | None:
    """Bytes below the nearest memory limit of the groups; None without a limit."""
    found = [left for group in _groups(files) if (left := _group_memory_left(files, group)) is not None]
    return min(found, default=None)


def _group_memory_left(files: HostFiles, group: _Group) -> int | None:
    if group.controller not in _MEMORY_FILES:
        return None
    limit_file, use_file, field = _MEMORY_FILES[group.controller]
    limit, used = files.integer(f"{group.folder}/{limit_file}"), files.integer(f"{group.folder}/{use_file}")
    if limit is None or used is None:
        return None
    stat = re.search(rf"^{field} ([0-9]+)$", files.text(f"{group.folder}/memory.stat") or "", re.MULTILINE)
    return max(0, limit - used + (to_int(stat[1]) or 0 if stat else 0))


# --- which groups -------------------------------------------------------------------------


def _groups(files: HostFiles) -> Iterator[_Group]:
    """This process's groups and their ancestors, the innermost first."""
    paths = _memberships(files)
    for controller, mount, mount_root in _mounts(files):
        path = _below(paths.get(controller, "/"), mount_root)
        for ancestor in (path, *path.parents):
            yield _Group(controller, f"{mount}/{ancestor}".removesuffix("/."))


def _memberships(files: HostFiles) -> dict[str, str]:
    """{controller: path} of /proc/self/cgroup."""
    paths: dict[str, str] = {}
    for line in (files.text("proc/self/cgroup") or "").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for controller in controllers.split(","):
            paths.setdefault(controller, path)
    return paths


def _mounts(files: HostFiles) -> list[tuple[str, str, str]]:
    """(controller, mount point below the root, what of the hierarchy is mounted there)."""
    found = []
    for line in (files.text("proc/self/mountinfo") or "").splitlines():
        before, separator, after = line.partition(" - ")
        fields, kind = before.split(" "), after.split(" ")
        if not separator or len(fields) < 5 or len(kind) < 3 or not kind[0].startswith("cgroup"):
            continue
        point, mount_root = (_unescape(fields[i]) for i in (4, 3))
        options = (
            {""} if kind[0] == "cgroup2" else {"cpu", "cpuset", "memory"}.intersection(kind[2].split(","))
        )
        found += [(controller, point.strip("/"), mount_root) for controller in sorted(options)]
    return found[:_MOUNTS_USED] or [(controller, point, "/") for controller, point in _DEFAULT_MOUNTS]


def _unescape(text: str) -> str:
    """mountinfo writes white space in octal."""
    return re.sub(r"\\([0-3][0-7]{2})", lambda match: chr(int(match[1], 8)), text, flags=re.ASCII)


def _below(path: str, mount_root: str) -> PurePosixPath:
    """A group's path relative to its mount, guessed where another part is mounted there."""
    group = PurePosixPath(path[:_PATH_USED])
    try:
        return group.relative_to(mount_root)
    except ValueError:
        return PurePosixPath(str(group).lstrip("/"))
