"""Bonus 2.8: a thread that leaves GS alone costs the kernel nothing extra."""

import re

from grader.explore import gs
from grader.explore.sweep import walk
from grader.verdict import WRONG, Fail

SYS_GETCPU = 15
FAULTS = 32             # vectors below are exceptions
LOADS_GS = re.compile(r"(mov\w*\s.*,\s*%gs|pop\w*\s+%gs|lgs\w*\s.*)$")
WRITES_BASE = re.compile(r"(rdmsr|wrmsr|rdgsbase|wrgsbase)\b")


def test_price(cell):
    """A system call and an interrupt of an honest thread, twice, instruction by instruction."""
    scene, _ = gs.prepared(cell, 1)
    result = "rax" if cell.width == 64 else "eax"
    call, after = (scene.checker.address(f"checker_syscall{end}") for end in ("", "_next"))
    regs = scene.layout.random_program(scene.random, call, **scene.honest, **{result: SYS_GETCPU})
    scene.enter(regs)
    for _ in range(2):
        way(scene, "a system call", "ktrap", after)
        back(scene, regs)
        place = scene.m.pc(scene.cpu)
        scene.m.interrupt(scene.cpu, scene.vector())
        way(scene, "an interrupt", "kintr", place)
        back(scene, regs)
        scene.jump(call, **{result: SYS_GETCPU})


def back(scene, regs):
    """Ring 3 has its GS, so that the next way in is as cheap."""
    now = scene.m.regs(scene.cpu)
    if scene.m.width == 32 and now.gs != regs["gs"]:
        raise Fail(WRONG, expected=f"GS = {regs['gs']:#x} in ring 3", seen=f"{now.gs:#x}",
                   cause="IRET empties a segment register whose descriptor ring 3 may not use.")
    if scene.m.width == 64 and now.gs_base:
        raise Fail(WRONG, expected="GS base 0 in ring 3", seen=f"{now.gs_base:#x}")


def way(scene, what, handler, end):
    """Walks one way through the kernel and looks at each instruction."""
    m = scene.m
    steps = walk(scene, [end], f"{what} and back")
    word = scene.layout.word
    stubs = m.read("vector_stubs", FAULTS * word)
    faults = {int.from_bytes(stubs[at:at + word], "little") for at in range(0, len(stubs), word)}
    names = [step.pc for step in steps]
    for before, pc in zip(names, names[1:]):
        if pc in faults:
            raise Fail(WRONG, expected=f"{what} of an honest thread without a fault",
                       seen=f"a fault at {m.elf.where(before)}",
                       cause="each repair costs a fault and an IRET, and this is the common path.")
    if m.elf.address(handler) not in names or m.elf.address("ret_to_user") not in names:
        raise Fail(WRONG, expected=f"{handler}() and ret_to_user() on the way", seen="not both")
    enters = [pc for pc in names[:names.index(m.elf.address(handler))] if m.elf.symbol_at(pc)]
    leaves = [pc for pc in names[names.index(m.elf.address("ret_to_user")):]
              if m.elf.symbol_at(pc)]
    check(scene, what, "in", enters)
    check(scene, what, "out", leaves)


def check(scene, what, way_name, places):
    """32 bits: no load of GS on the way in.  64 bits: one SWAPGS each way, and nothing slower."""
    texts = {pc: scene.m.elf.instruction(pc).text for pc in places}
    slow = LOADS_GS if scene.m.width == 32 else WRITES_BASE
    for pc in places if scene.m.width == 64 or way_name == "in" else ():
        if slow.match(texts[pc]):
            free = "load of GS" if scene.m.width == 32 else "RDMSR, WRMSR, RDGSBASE, WRGSBASE"
            raise Fail(WRONG, expected=f"{what} of an honest thread, on the way {way_name}: no "
                       f"{free}", seen=f"{texts[pc]} at {scene.m.elf.where(pc)}",
                       cause="every thread pays for it, at every entry.")
    swaps = sum(texts[pc].startswith("swapgs") for pc in places)
    if scene.m.width == 64 and swaps != 1:
        raise Fail(WRONG, expected=f"one SWAPGS on the way {way_name}, {what}", seen=str(swaps))
