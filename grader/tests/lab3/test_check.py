"""Exercise 3.6: machine checks.  Neither emulator makes them at will; INT 18 takes the same gate."""

from grader.explore.nmi import NmiScene
from grader.verdict import WRONG, Fail


def test_machine_check(cell):
    """Three times: alone, with an NMI in its handler, and with something of ring 3's in GS."""
    for nmis, hostile in ((0, False), (1, False), (0, True)):
        scene = NmiScene(cell)
        scene.ready()
        m, layout = scene.m, scene.layout
        # A base of ring 3; in 32 bits a null selector.
        gs = 0x7000_0000 if cell.width == 64 else 0
        if hostile:
            m.start(scene.cpu, "probe_with_gs", gs, m.elf.address("probe_int18"), 0)
        else:
            m.start(scene.cpu, "probe_int18")
        scene.run_to("probe_int18", "the grader's own code")
        general = {name: cell.random.getrandbits(layout.width) for name in layout.general}
        m.set_regs(scene.cpu, **general)
        before = m.regs(scene.cpu)
        scene.forget()
        scene.run_to("kmce", "kmce() called within the budget")
        scene.check_argument({name: general[name] for name in general}
                             | {"ip": m.elf.address("probe_int18_next")})
        for _ in range(nmis):
            m.nmi(scene.cpu)
        scene.run_to("probe_int18_next", "the interrupted code again")
        after = m.regs(scene.cpu)
        for name in (*general, "sp", "gs", "gs_base"):
            if getattr(after, name) != getattr(before, name):
                raise Fail(WRONG, expected=f"{layout.title(name)} = {getattr(before, name):#x} "
                           "after a machine check", seen=f"{getattr(after, name):#x}")
        seen = scene.nmis()
        if (seen.checks, seen.count) != (1, nmis):
            raise Fail(WRONG, expected=f"one machine check and {nmis} NMIs on CPU {scene.cpu}",
                       seen=f"{seen.checks} and {seen.count}")
        scene.check_open()
        cell.park()
