"""From QEMU's two ways to show registers to one Regs."""

from __future__ import annotations

import re

from grader.machine.types import Regs, Table

GENERAL = {
    64: ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
         *(f"r{n}" for n in range(8, 16)), "rip"),
    32: ("eax", "ebx", "ecx", "edx", "esi", "edi", "ebp", "esp", "eip"),
}
OTHERS = ("cs", "ss", "ds", "es", "fs", "gs", "fs_base", "gs_base",
          "cr0", "cr2", "cr3", "cr4", "cr8", "efer")
TABLE = re.compile(r"^(GDT|IDT)= *([0-9a-f]+) ([0-9a-f]+)", re.M)
TASK = re.compile(r"^TR *=([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+)", re.M)
CPL = re.compile(r"CPL=(\d)")


def registers_of(values: dict[str, int], text: str, width: int) -> Regs:
    """`values` come from the gdbstub, `text` from the monitor's `info registers`."""
    kept = {name: values[name] for name in GENERAL[width] + OTHERS}
    kept["rflags" if width == 64 else "eflags"] = values["eflags"]
    if width == 64:
        kept["kernel_gs_base"] = values["k_gs_base"]
    tables = {name: Table(int(base, 16), int(limit, 16))
              for name, base, limit in TABLE.findall(text)}
    selector, base, limit = TASK.search(text).groups()
    return Regs(width, kept, int(CPL.search(text)[1]), "HLT=1" in text, tables["GDT"],
                tables["IDT"], Table(int(base, 16), int(limit, 16), int(selector, 16)))
