"""Where an NMI's frame went: a drawing of the memory around it, at the moment of its delivery."""

from __future__ import annotations

from grader.explore.sweep import elf_of
from grader.machine.types import CallFailed
from grader.verdict import Stack, StackRow

FRAME = {64: ("RIP", "CS", "RFLAGS", "RSP", "SS"), 32: ("EIP", "CS", "EFLAGS", "ESP", "SS")}
TSS_FIELDS = (("SS", 80), ("ESP", 56), ("EFLAGS", 36), ("CS", 76), ("EIP", 32), ("GS", 92),
              ("CR3", 28))      # of a 32-bit TSS (SDM 3A 8.2.1)
MOST_ROWS = 26


def delivery(scene) -> Stack | None:
    """Makes the subject take the NMI that is pending, and draws what the hardware wrote."""
    before = scene.m.regs(scene.cpu)
    if scene.m.step(scene.cpu, 1).reason != "steps":
        return None
    return drawn(scene, before, scene.m.regs(scene.cpu))


def drawn(scene, before, now) -> Stack | None:
    """The drawing, from the registers before the delivery and after it."""
    stack = scene.stack_of(now.sp)
    if stack == "area":
        return _in_save_area(scene, before, now)
    if scene.m.width == 32 and now.sp in scene.own_tops:
        return _task(scene, before)
    return _frame(scene, before, now, stack)


def _pushed(scene, before) -> tuple[str, ...]:
    """What the hardware pushes: in 32 bits no stack pointer if the ring stays the same."""
    names = FRAME[scene.m.width]
    return names[:3] if scene.m.width == 32 and before.cpl == 0 else names


def _value(scene, address: int) -> int:
    return scene.m.ptr(address, scene.cpu)


def _row(scene, offset: str, name: str, value: int, note: str) -> StackRow:
    return StackRow(offset, name, f"{value:0{2 * scene.layout.word}x}", note)


def _meaning(scene, name: str, value: int, before) -> str:
    """A word of a frame in words."""
    if name in ("RIP", "EIP"):
        return elf_of(scene, value).where(value)
    if name == "CS":
        return f"ring {value & 3}"
    if name in ("RSP", "ESP"):
        stack = scene.stack_of(value)
        if before.cpl == 0 and stack == "ring 3":
            return "still the stack of ring 3"
        return {"area": "in the save area", "ring 3": "of ring 3"}.get(
            stack, f"the {stack} stack")
    return ""


def _gs_row(scene, before) -> list[StackRow]:
    """Whose GS it is, where that is the question."""
    if before.cpl == 3 or before.gs_base == scene.block:
        return []
    return [_row(scene, "", "GS base", before.gs_base, "still the one of ring 3")]


def _frame(scene, before, now, stack: str) -> Stack:
    """The hardware's frame on a stack."""
    word = scene.layout.word
    names = _pushed(scene, before)
    rows = []
    for index in reversed(range(len(names))):
        value = _value(scene, now.sp + index * word)
        rows.append(_row(scene, f"+{index * word}", names[index], value,
                         _meaning(scene, names[index], value, before)))
    where = "what was in use" if stack == "ring 3" else f"the {stack} stack"
    return Stack(f"the NMI's frame on {where} of CPU {scene.cpu}", rows + _gs_row(scene, before))


def _task(scene, before) -> Stack:
    """A task switch keeps the registers in the TSS that was current."""
    tss = scene.block + scene.offset["cpu_tss"]
    rows = []
    for name, offset in TSS_FIELDS:
        value = _value(scene, tss + offset)
        rows.append(_row(scene, f"+{offset}", name, value, _meaning(scene, name, value, before)))
    return Stack(f"what the NMI interrupted, kept in the TSS of CPU {scene.cpu}", rows)


def _in_save_area(scene, before, now) -> Stack | None:
    """The thread's saved registers with the NMI's frame across them, down to the area's end."""
    thread = _value(scene, scene.block + scene.offset["cpu_current"])
    try:
        regs = scene.thread_regs(thread)
    except CallFailed:
        return None
    layout, word = scene.layout, scene.layout.word
    frame = {now.sp + index * word: name for index, name in enumerate(_pushed(scene, before))}
    end = thread + scene.offset["thread_lab1"] + scene.offset["canary_size"]
    low = min(now.sp, regs, end)
    rows = []
    for address in reversed(range(low, regs + layout.size, word)):
        value = _value(scene, address)
        index = (address - regs) // word
        own = layout.title(layout.names[index]) if address >= regs else ""
        if address in frame:
            name = frame[address]
            note = f"NMI's {name}: {_meaning(scene, name, value, before)}".rstrip(": ")
            if own and own != name:
                note += f" (place of {own})"
        elif before.cpl == 0 and address >= before.sp:
            name, note = own, "pushed for ring 3"
        else:
            continue
        rows.append(_row(scene, f"{address - end:+}", name, value, note))
    room = now.sp - end
    rows.append(StackRow("+0", "", "", f"end of the area, {room} bytes below the frame"
                         if room > 0 else "end of the area"))
    return Stack("the thread's save area, with the NMI's frame across it", rows[:MOST_ROWS])
