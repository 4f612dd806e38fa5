"""Operands in the memory of pinned threads."""

from __future__ import annotations

from dataclasses import dataclass

from armbench.bench import native
from armbench.bench.model import Array, Problem


@dataclass(frozen=True, slots=True)
class Operands:
    """A problem laid out for a team of threads."""

    team: native.Team
    data: native.Data
    output_names: tuple[str, ...]

    def outputs(self, group: int, copy: int) -> dict[str, Array]:
        arrays = self.data.arrays(group, copy)
        return {name: arrays[name] for name in self.output_names}


class Teams:
    """Threads by their CPUs; each team keeps its memory from trial to trial.

    Together they keep room_bytes at most: those that were not used for longest are closed first.
    """

    def __init__(self, seed: int, room_bytes: int):
        self.seed, self.room_bytes = seed, room_bytes
        self.teams: dict[tuple[int, ...], native.Team] = {}  # the latest last
        self.kept_bytes: dict[tuple[int, ...], int] = {}

    def load(
        self, problem: Problem, cpus: tuple[int, ...], groups: int, copies: int, arena_bytes: int
    ) -> Operands:
        """A problem's operands for the team on these CPUs, `copies` sets for each of so many groups.

        Its earlier operands end here.  arena_bytes: of the largest that a group will get.
        """
        team = self._team(cpus, arena_bytes, groups)
        arrays = {operand.name: operand.data for operand in problem.operands}
        names = tuple(operand.name for operand in problem.operands if operand.output)
        data = team.load(arrays, names, copies, "split", self.seed, groups)
        return Operands(team, data, names)

    def _team(self, cpus: tuple[int, ...], arena_bytes: int, groups: int) -> native.Team:
        team = self.teams.pop(cpus, None)
        kept = max(self.kept_bytes.get(cpus, 0), arena_bytes * groups)
        while self.teams and kept + sum(self.kept_bytes[other] for other in self.teams) > self.room_bytes:
            oldest = next(iter(self.teams))
            self.teams.pop(oldest).close()
        if team is None:
            team = native.Team(cpus)
            team.reserve(arena_bytes)
        self.teams[cpus], self.kept_bytes[cpus] = team, kept
        return team
