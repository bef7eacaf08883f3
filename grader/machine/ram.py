"""The guest's RAM, mapped by the grader too: memory is read without asking the emulator."""

from __future__ import annotations

import os
from typing import Mapping

from grader.machine.shared import memory_file

PAGE = 4096
HOLE = range(0xA0000, 0x100000)         # the display and the firmware: no RAM
FRAME = 0x000F_FFFF_FFFF_F000
PRESENT, LARGE = 1, 0x80                # bits of an entry
PAGING, PAE, LONG = 1 << 31, 1 << 5, 1 << 10    # in CR0, CR4, EFER
# Where each level's index lies in an address, and which levels have large pages.
WIDE = (39, 30, 21, 12), (30, 21)
NARROW = (30, 21, 12), (21,)            # PAE


class Ram:
    """RAM of `size` bytes from physical address 0, and a descriptor of it for QEMU.

    Only reads: a write to code must be known to the emulator.
    """

    def __init__(self, size: int):
        self.descriptor, self._memory = memory_file("ram", size)
        self._size = size

    def close(self) -> None:
        self._memory.close()
        os.close(self.descriptor)

    def read(self, registers: Mapping[str, int], address: int, size: int) -> bytes | None:
        """Bytes as the page tables of a CPU with these registers show them; None if that is not plain
        RAM, mapped with 8-byte entries: whoever asks then asks the emulator."""
        if not registers["cr0"] & PAGING or not registers["cr4"] & PAE or size <= 0:
            return None
        data = b""
        while len(data) < size:
            at = address + len(data)
            part = min(size - len(data), PAGE - at % PAGE)
            physical = self._physical(registers, at)
            if physical is None or not self._is_ram(physical, part):
                return None
            data += self._memory[physical:physical + part]
        return data

    def _physical(self, registers: Mapping[str, int], address: int) -> int | None:
        """Where an address lies (SDM 3A 4.4, 4.5), if a table says so."""
        wide = registers["efer"] & LONG
        if (address + (1 << 47)) >> 48 not in (0, 1 << 16) if wide else address >> 32:
            return None
        table = registers["cr3"] & (FRAME if wide else 0xFFFF_FFE0)
        shifts, large = WIDE if wide else NARROW
        for shift in shifts:
            entry_at = table + (address >> shift & 0x1FF) * 8
            if not self._is_ram(entry_at, 8):
                return None
            entry = int.from_bytes(self._memory[entry_at:entry_at + 8], "little")
            if not entry & PRESENT:
                return None
            if shift == 12 or entry & LARGE and shift in large:
                inside = (1 << shift) - 1
                return (entry & FRAME & ~inside) + (address & inside)
            table = entry & FRAME
        return None

    def _is_ram(self, address: int, size: int) -> bool:
        return address + size <= self._size and (address + size <= HOLE.start or address >= HOLE.stop)
