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


def _layout(width: int) -> list[tuple[str, int, int]]:
    """Our names of the registers, their places in NAMES, and the bits of them that count."""
    whole = (1 << 64) - 1
    if width == 64:
        found = [("rflags" if name == "EFLAGS" else name.lower(), name, whole) for name in GENERAL]
        found.append(("kernel_gs_base", "MSR.kernelgsbase", whole))
    else:
        found = [("e" + name[1:].lower(), name, (1 << 32) - 1) for name in GENERAL
                 if not name[1:].isdigit()]
    found += [(name.lower(), f"{name}.selector", whole) for name in SEGMENTS]
    found += [(name.lower(), name, whole) for name in ("CR0", "CR2", "CR3", "CR4")]
    found += [("fs_base", "FS.base", whole), ("gs_base", "GS.base", whole), ("efer", "MSR.EFER", whole)]
    return [(ours, NAMES.index(name), bits) for ours, name, bits in found]


LAYOUTS = {width: _layout(width) for width in (32, 64)}
PC, PRIORITY = NAMES.index("RIP"), NAMES.index("local_apic.task_priority")


def registers_of(raw: tuple[int, ...], width: int) -> Regs:
    """`raw` are the values of NAMES, in that order."""
    values = {name: raw[at] & bits for name, at, bits in LAYOUTS[width]}
    values["cr8"] = raw[PRIORITY] >> 4

    def system() -> System:
        named = dict(zip(NAMES, raw))
        return System(named["activity_state"] == HALTED,
                      Table(named["GDTR.base"], named["GDTR.limit"]),
                      Table(named["IDTR.base"], named["IDTR.limit"]),
                      Table(named["TR.base"], named["TR.limit_scaled"], named["TR.selector"]))

    return Regs(width, values, system)
