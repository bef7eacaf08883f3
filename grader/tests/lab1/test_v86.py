"""Bonus 1.9: a virtual-8086 thread, whose CS is a paragraph and no selector."""

import struct

from grader.explore.registers import IF
from grader.explore.scene import REPAIRS, SUBJECT, Scene
from grader.verdict import WRONG, Fail

VM = 0x20000
LOW_PAGE = 0x10000          # the lowest page that ring 3 may have
CODE_PARAGRAPH = 0x1000     # its two low bits are 0, as those of a kernel selector
SEGMENTS = ("ES", "DS", "FS", "GS")
HLT, HLT_AT = b"\xf4", 0x900     # which only ring 0 may execute, and where in the page it is


def test_v86_thread(cell):
    """Interrupted twice, then it faults: its registers, with the four segments above SS, are saved
    each time and come back."""
    scene = Scene(cell)
    scene.tss()
    m, layout = scene.m, scene.layout
    thread = scene.thread()
    m.call(SUBJECT, "probe_adopt", thread)
    m.call(SUBJECT, "probe_map", thread, LOW_PAGE, budget=200_000)
    m.write(LOW_PAGE, b"\x90" * HLT_AT + HLT)
    regs = layout.random_program(scene.random, scene.random.randrange(0, 0x800))
    regs |= {"cs": CODE_PARAGRAPH, "ss": CODE_PARAGRAPH, "sp": 0xF00, "flags": 2 | IF | VM}
    regs |= {name: 0 for name in ("ds", "es", "fs", "gs")}
    wide = [scene.random.randrange(0, 0x10000) for _ in SEGMENTS]
    address = scene.thread_regs(thread)
    m.write(address, layout.pack(regs) + struct.pack("<4I", *wide))
    m.call(SUBJECT, "tss_set_sp0", scene.block, thread)
    scene.guard(thread)
    m.start(SUBJECT, "ret_to_user")
    for turn in ("first", "second"):
        scene.run_to("user_iret", "the IRET to ring 3")
        vector = scene.vector()
        scene.fresh_token()
        m.interrupt(SUBJECT, vector)
        scene.run_to("kintr", f"kintr() at the {turn} interrupt")
        _check(scene, "kintr", regs, wide)
    for _ in range(REPAIRS):        # from lab 2 on a fault of the kernel may come first: its GS
        scene.run_to("ktrap", "ktrap() for a HLT of the thread")
        if scene.saved(scene.argument(0))["flags"] & VM:
            break
    _check(scene, "ktrap", dict(regs, ip=HLT_AT), wide)


def _check(scene, name, regs, wide):
    """At kintr() or ktrap(): on the kernel stack, with the registers and the segments above them."""
    scene.check_kernel_stack(name, cause="CS is a paragraph here, and its two lowest bits say nothing.")
    saved = scene.m.read(scene.argument(0), scene.layout.size + 16)
    scene.check_saved(scene.layout.unpack(saved[:scene.layout.size]), regs,
                      f"struct regs as {name}() got it")
    seen = struct.unpack("<4I", saved[scene.layout.size:])
    for segment, mine, its in zip(SEGMENTS, wide, seen):
        if mine != its & 0xFFFF:
            raise Fail(WRONG, expected=f"{segment} = {mine:04x} above SS", seen=f"{its:04x}",
                       cause="the hardware pushes GS, FS, DS, ES before SS, and IRET takes them.")
    scene.check_canaries()
