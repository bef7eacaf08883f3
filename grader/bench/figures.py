"""What is measured: the list of all figures, and how each is got."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from grader.bench import competition, paths, whole
from grader.bench.bed import Bed
from grader.build import Build
from grader.errors import GraderError
from grader.machine import Cell, boot

INSTRUCTIONS, BYTES, KIB = "instructions", "bytes", "KiB"
MANY, TWO = 8, 2                    # CPUs: of the machine that is measured, of the one that boots
BARRIERS = range(1, MANY + 1)
LOCK_NAMES = {"tas": "test-and-set lock", "ticket": "ticket lock", "queued": "queued lock",
              "spin": "spinlock with a level"}


@dataclass(frozen=True)
class Figure:
    """One row of the table; `take` measures it on a bed, if it is one of a path."""

    key: str
    title: str
    unit: str = INSTRUCTIONS
    take: Callable[[Bed], float] | None = None
    widths: tuple[int, ...] = (64, 32)


FIGURES = (
    Figure("call_gate", "system call by INT 0x80", take=paths.call_by_gate),
    Figure("call_fast", "system call by SYSCALL, SYSENTER", take=paths.call_fast),
    Figure("interrupt_ring3", "interrupt of ring 3", take=paths.interrupt_of_ring3),
    Figure("interrupt_kernel", "interrupt of the kernel", take=paths.interrupt_of_kernel),
    Figure("interrupt_nested", "interrupt in an interrupt", take=paths.nested_interrupt),
    Figure("switch", "switch to another thread (SYS_YIELD)", take=paths.thread_switch),
    Figure("nmi_ring3", "NMI of ring 3", take=paths.nmi_of_ring3),
    Figure("nmi_kernel", "NMI of the kernel", take=paths.nmi_of_kernel),
    Figure("percpu_honest", "per-CPU access, GS as it should be", take=paths.honest_access),
    Figure("percpu_repaired", "per-CPU access, GS repaired", take=paths.repaired_access,
           widths=(32,)),
    *(Figure(f"{kind}_free", f"{name}, free", take=partial(competition.free, kind=kind))
      for kind, name in LOCK_NAMES.items()),
    *(Figure(f"{kind}_contended", f"{name}, four CPUs",
             take=partial(competition.contended, kind=kind))
      for kind, name in LOCK_NAMES.items()),
    *(Figure(f"barrier_{n}", f"call of {n} CPU{'s' if n > 1 else ''} and back",
             take=partial(competition.barrier, cpus=n)) for n in BARRIERS),
    Figure("item_ring", "item through the ring, 64 at a time"),
    Figure("item_call", "item by a system call each"),
    Figure("boot", "boot of two CPUs, on each"),
    Figure("image_file", "image in the file", BYTES),
    Figure("image_memory", "image in memory", BYTES),
    Figure("memory", "memory in use after the boot", KIB),
)


def measure(build: Build, arch: str, keys: tuple[str, ...] = (),
            tell: Callable[[str], None] = lambda title: None) -> dict[str, float]:
    """The figures of one width, in the order of FIGURES; `keys` chooses some of the paths.

    Each path is measured twice from the same state: two results that differ are an error.
    """
    found: dict[str, float] = {}
    with boot(Cell(arch, "bochs"), build.elf, build.iso, MANY) as machine:
        bed = Bed(machine, machine.snapshot())
        for figure in FIGURES:
            if figure.take and machine.width in figure.widths and (not keys or figure.key in keys):
                tell(figure.title)
                found[figure.key] = _twice(figure, bed)
        if keys:
            return found
        tell("an item through the ring")
        found |= whole.items(bed)
    tell("the boot")
    with boot(Cell(arch, "bochs"), build.elf, build.iso, TWO) as machine:
        found |= {"boot": machine.boot_steps, "memory": whole.memory(machine)}
    found |= whole.image(build)
    return {figure.key: found[figure.key] for figure in FIGURES if figure.key in found}


def _twice(figure: Figure, bed: Bed) -> float:
    first, second = figure.take(bed), figure.take(bed)
    if first != second:
        raise GraderError(f"{figure.title}: {first:g} instructions, then {second:g}: the machine "
                          "does not repeat itself, so there is no figure")
    return first
