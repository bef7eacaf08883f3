"""Bonus 1.9: a virtual-8086 thread, whose CS is a paragraph and no selector."""

import struct

from grader.explore.registers import IF
from grader.explore.scene import SUBJECT, Scene
from grader.verdict import WRONG, Fail

VM = 0x20000
LOW_PAGE = 0x10000          # the lowest page that ring 3 may have
CODE_PARAGRAPH = 0x1000     # its two low bits are 0, as those of a kernel selector
SEGMENTS = ("ES", "DS", "FS", "GS")


def test_v86_thread(cell):
    """Interrupted twice: its registers, with the four segments above SS, come back both times."""
    scene = Scene(cell)
    scene.tss()
    m, layout = scene.m, scene.layout
    thread = scene.thread()
    m.call(SUBJECT, "probe_adopt", thread)
    m.call(SUBJECT, "probe_map", thread, LOW_PAGE, budget=200_000)
    m.write(LOW_PAGE, b"\x90" * 0x1000)
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
        saved = m.read(scene.argument(0), layout.size + 16)
        scene.check_saved(layout.unpack(saved[:layout.size]), regs,
                          "struct regs as kintr() got it")
        seen = struct.unpack("<4I", saved[layout.size:])
        for name, mine, its in zip(SEGMENTS, wide, seen):
            if mine != its & 0xFFFF:
                raise Fail(WRONG, expected=f"{name} = {mine:04x} above SS", seen=f"{its:04x}",
                           cause="the hardware pushes GS, FS, DS, ES before SS, and IRET takes them.")
        scene.check_canaries()
