"""From QEMU's two ways to show registers to one Regs."""

from __future__ import annotations

import re
from typing import Callable

from grader.machine.types import Regs, System, Table

GENERAL = {
    64: ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
         *(f"r{n}" for n in range(8, 16)), "rip"),
    32: ("eax", "ebx", "ecx", "edx", "esi", "edi", "ebp", "esp", "eip"),
}
OTHERS = ("cs", "ss", "ds", "es", "fs", "gs", "fs_base", "gs_base",
          "cr0", "cr2", "cr3", "cr4", "cr8", "efer")
TABLE = re.compile(r"^(GDT|IDT)= *([0-9a-f]+) ([0-9a-f]+)", re.M)
TASK = re.compile(r"^TR *=([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+)", re.M)


def registers_of(values: dict[str, int], width: int, system: Callable[[], System]) -> Regs:
    """`values` come from the gdbstub; `system` is asked only if a test wants it."""
    kept = {name: values[name] for name in GENERAL[width] + OTHERS}
    kept["rflags" if width == 64 else "eflags"] = values["eflags"]
    if width == 64:
        kept["kernel_gs_base"] = values["k_gs_base"]
    return Regs(width, kept, system)


def system_of(text: str) -> System:
    """From what the monitor's `info registers` prints."""
    tables = {name: Table(int(base, 16), int(limit, 16))
              for name, base, limit in TABLE.findall(text)}
    selector, base, limit = TASK.search(text).groups()
    return System("HLT=1" in text, tables["GDT"], tables["IDT"],
                  Table(int(base, 16), int(limit, 16), int(selector, 16)))
