"""A machine without an emulator, for tests of the grader: it remembers words of memory."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Cell:
    """As grader.machine.Cell."""

    arch: str
    emu: str


@dataclass
class FakeMachine:
    """Memory that can be written, snapshots that work, and nothing else."""

    width: int
    cpus: int
    memory: dict[int, int] = field(default_factory=dict)
    dead: bool = False

    def snapshot(self) -> dict[int, int]:
        return dict(self.memory)

    def restore(self, snap: dict[int, int]) -> None:
        self.memory = dict(snap)

    def close(self) -> None:
        self.memory.clear()


def boot(cell: Cell, elf_path: str, iso_path: str, cpus: int = 2, workdir: str = "") -> FakeMachine:
    """A machine at once."""
    return FakeMachine(64 if cell.arch == "x86_64" else 32, cpus)
