"""From Bochs' tree of parameters to one Regs."""

from __future__ import annotations

from grader.machine.types import Regs, System, Table

GENERAL = ["RAX", "RBX", "RCX", "RDX", "RSI", "RDI", "RBP", "RSP",
           *(f"R{n}" for n in range(8, 16)), "RIP", "EFLAGS"]
SEGMENTS = ["CS", "SS", "DS", "ES", "FS", "GS"]
NAMES = [
    *GENERAL, *(f"{name}.selector" for name in SEGMENTS), "CR0", "CR2", "CR3", "CR4",
    "FS.base", "GS.base", "MSR.EFER", "MSR.kernelgsbase", "local_apic.task_priority",
    "GDTR.base", "GDTR.limit", "IDTR.base", "IDTR.limit",
    "TR.base", "TR.limit_scaled", "TR.selector", "activity_state",
]  # fmt: skip
HALTED = 1


def registers_of(raw: tuple[int, ...], width: int) -> Regs:
    """`raw` are the values of NAMES, in that order."""
    by_name = dict(zip(NAMES, raw))
    values: dict[str, int] = {}
    for name in GENERAL:
        if width == 64:
            values["rflags" if name == "EFLAGS" else name.lower()] = by_name[name]
        elif not name[1:].isdigit():
            values["e" + name[1:].lower()] = by_name[name] & 0xFFFFFFFF
    for name in SEGMENTS:
        values[name.lower()] = by_name[f"{name}.selector"]
    for name in ("CR0", "CR2", "CR3", "CR4"):
        values[name.lower()] = by_name[name]
    values |= {"fs_base": by_name["FS.base"], "gs_base": by_name["GS.base"],
               "efer": by_name["MSR.EFER"], "cr8": by_name["local_apic.task_priority"] >> 4}
    if width == 64:
        values["kernel_gs_base"] = by_name["MSR.kernelgsbase"]
    system = System(by_name["activity_state"] == HALTED,
                    Table(by_name["GDTR.base"], by_name["GDTR.limit"]),
                    Table(by_name["IDTR.base"], by_name["IDTR.limit"]),
                    Table(by_name["TR.base"], by_name["TR.limit_scaled"], by_name["TR.selector"]))
    return Regs(width, values, lambda: system)
