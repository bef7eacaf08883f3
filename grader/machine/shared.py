"""Memory that the grader and qemu_stop.c map: registers at each stop, breakpoints and a timer at each
start."""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from typing import Iterable

from grader.errors import GraderError

BLOCK, CPUS, CHANGES = 4096, 8, 65535   # as in qemu_stop.c
READY = CPUS * BLOCK
COUNT, TIMER, BEGAN, WANTED, FIRST = READY + 4, READY + 8, READY + 56, READY + 88, READY + 96
SET_TIMER = struct.Struct("<6Q")
CHANGE = struct.Struct("<QQ")
SIZE = FIRST + CHANGES * CHANGE.size


def memory_file(name: str, size: int) -> tuple[int, mmap.mmap]:
    """A file in memory that never gets shorter, for a child to map, and the grader's own map of it."""
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    return descriptor, mmap.mmap(descriptor, size)


class Shared:
    """The memory of one QEMU, and a descriptor of it for the child."""

    def __init__(self) -> None:
        self.descriptor, self._memory = memory_file("shared", SIZE)
        self._count = 0         # of changes that no start has taken yet

    def close(self) -> None:
        self._memory.close()
        os.close(self.descriptor)

    @property
    def ready(self) -> bool:
        """Whether QEMU uses it: asked when QEMU has answered for the first time."""
        return self._memory[READY] == 1

    def want(self, registers: int) -> None:
        """From the next stop on only so many registers are shown."""
        struct.pack_into("<Q", self._memory, WANTED, registers)

    def registers(self, cpu: int, layout: struct.Struct) -> tuple[int, ...]:
        """Those of a CPU as they were when the machine stopped."""
        return layout.unpack_from(self._memory, cpu * BLOCK)

    def change(self, insert: Iterable[int], remove: Iterable[int]) -> None:
        """Changes breakpoints when the machine runs next."""
        for addresses, inserted in ((remove, 0), (insert, 1)):
            for address in addresses:
                if self._count == CHANGES:
                    raise GraderError(f"more than {CHANGES} breakpoints are to be changed at once")
                CHANGE.pack_into(self._memory, FIRST + self._count * CHANGE.size, address, inserted)
                self._count += 1
        struct.pack_into("<I", self._memory, COUNT, self._count)

    def stopped(self) -> None:
        """The machine has run: the changes were made."""
        self._count = 0

    def set_timer(self, counter: int, comparator: int, target: int, ticks: int, whom: int) -> None:
        """Sets a timer of the HPET when the machine runs next: so many ticks later it sends its message
        to `whom`.  The first three are the addresses of its registers."""
        SET_TIMER.pack_into(self._memory, TIMER, 1, counter, comparator, target, ticks, whom)

    def since_timer(self) -> tuple[int, int]:
        """Ticks and instructions from when the last timer was set to the last stop.  In virtual time
        some passes without an instruction when a machine stops."""
        began, ended, first, last = struct.unpack_from("<4Q", self._memory, BEGAN)
        return ended - began, last - first
