"""One machine interface over two emulators.

    m = boot(Cell("x86_64", "qemu"), "kernel.elf", "corral.iso")
    parked = m.snapshot()
    m.call(0, "add", 1, 2)
    m.restore(parked)
"""

from __future__ import annotations

from pathlib import Path

from grader.machine.machine import Machine
from grader.machine.types import (
    CELLS, BootFailed, CallFailed, Cell, MachineStopped, Regs, Snap, Stop, Table, TraceStep,
    Unmapped)

__all__ = ["CELLS", "BootFailed", "CallFailed", "Cell", "Machine", "MachineStopped", "Regs", "Snap",
           "Stop", "Table", "TraceStep", "Unmapped", "boot"]


def boot(cell: Cell, elf_path: str | Path, iso_path: str | Path, cpus: int = 2,
         workdir: str | Path | None = None) -> Machine:
    """Boots a kernel to its parked state.

    `workdir` is where an emulator's log is kept when it fails to start; all else is private.
    Raises BootFailed if the kernel does not get there, GraderError if the emulator does not run.
    """
    if cell.emu == "qemu":
        from grader.machine.qemu import QemuMachine as kind
    else:
        from grader.machine.bochs import BochsMachine as kind
    machine = kind(cell, elf_path, iso_path, cpus, workdir)
    try:
        machine.boot()
    except BaseException:
        machine.close()
        raise
    return machine
